"""Disputes on the wire."""

from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from fintech.application.commits import Reply
from fintech.application.disputes.evidence import KeepEvidence
from fintech.application.disputes.requests import CloseDispute, DisputeAnswered, UpdateDispute
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.ids import DisputeId, MovementId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.http.balance_transaction_rendering import settled, unsettled_accounts
from fintech.entrypoints.http.charges import attempt_of
from fintech.entrypoints.http.dispute_params import DisputeListParams, UpdateParams
from fintech.entrypoints.http.dispute_rendering import lines_of, render_dispute
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.listing import page_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.refusals import problem_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/disputes"
_DISPUTES: Final = Resource("disputes", "dispute")


@frozen(kw_only=True)
class Disputes:
    """The operations on disputes."""

    update_dispute: UpdateDispute
    close_dispute: CloseDispute
    evidence: KeepEvidence
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _DISPUTES.get, _DISPUTES.post, PATH + "/{dispute}"
        return (
            get("list", PATH, DisputeListParams, self.list, "List disputes, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a dispute."),
            post("update", one, UpdateParams, self.update, "Gather evidence, and submit it once."),
            post("close", one + "/close", Nothing, self.close, "Accept that the money is lost."),
        )

    async def list(self, call: Call[DisputeListParams]) -> Answer:
        params, scope = call.params, call.scope
        if params.charge is not None:
            charged = await self.store.payment(scope, params.charge.payment_id)
            if charged is None or attempt_of(charged, params.charge) is None:
                raise missing("charge", params.charge, "charge")
        payment = params.payment_intent
        if payment is not None and await self.store.payment(scope, payment) is None:
            raise missing("payment_intent", payment, "payment_intent")
        if payment is not None and params.charge is not None and params.charge.payment_id != payment:
            return Answer(page_of(PATH, (), has_more=False))
        wanted = params.charge.payment_id if params.charge else payment
        listed = await self.queries.disputes(scope, params.page(), wanted)
        seen: Seen = {dispute.id: dispute for dispute in listed.items}
        rendered = await self._rendered(scope, listed.items)
        return Answer(page_of(PATH, rendered, has_more=listed.has_more), seen)

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        seen: Seen = {}
        rendered = await self.load(call.scope, call.target, seen)
        if rendered is None:
            raise missing("dispute", call.target, "dispute")
        return Answer(rendered, seen)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        params, texts = call.params, call.params.texts()
        submit = texts is not None if params.submit is None else params.submit
        outcome = await self.update_dispute(
            call.request,
            call.scope,
            _target(call.target),
            evidence=texts,
            metadata=params.metadata,
            submit=submit,
        )
        return await self._answer(call.scope, outcome)

    async def close(self, call: Call[Nothing]) -> Answer:
        outcome = await self.close_dispute(call.request, call.scope, _target(call.target))
        return await self._answer(call.scope, outcome)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The dispute with an id."""
        parsed = DisputeId.parse(id)
        dispute = (seen.get(parsed) or await self.store.dispute(scope, parsed)) if parsed else None
        if not isinstance(dispute, Dispute):
            return None
        seen[dispute.id] = dispute
        return (await self._rendered(scope, (dispute,)))[0]

    async def _answer(self, scope: Scope, outcome: DisputeAnswered) -> Answer:
        if isinstance(outcome, Failure):
            raise Refused(problem_of(outcome.failure()))
        reply: Reply[Dispute] = outcome.unwrap()
        dispute = reply.value
        (rendered,) = await self._rendered(scope, (dispute,))
        return Answer(rendered, {dispute.id: dispute}, replayed=reply.replayed)

    async def _rendered(self, scope: Scope, disputes: Sequence[Dispute]) -> Sequence[dict[str, Any]]:
        """Disputes, and of their lines whether the money has arrived."""
        days = {
            line.id: unsettled_accounts(line, scope) for dispute in disputes for line in lines_of(dispute)
        }
        accounts = sorted(set().union(*days.values()))
        balances = await self.store.balances(scope, accounts) if accounts else {}
        arrived: set[MovementId] = {id for id, each in days.items() if settled(each, balances)}
        texts = await self.evidence.of(scope, disputes)
        return [render_dispute(each, scope.livemode, arrived, texts[each.id]) for each in disputes]


def _target(text: str) -> DisputeId:
    id = DisputeId.parse(text)
    if id is None:
        raise missing("dispute", text, "dispute")
    return id
