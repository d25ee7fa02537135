"""Balance transactions on the wire: every movement of money that changed what we owe the merchant."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from attrs import frozen

from fintech.domain.ids import ChargeId, DisputeId, Id, MovementId, PaymentId, RefundId
from fintech.domain.ledger import TransferKind
from fintech.domain.scope import Scope
from fintech.entrypoints.http.balance_transaction_rendering import (
    TYPES,
    render_line,
    settled,
    source_of,
    unsettled_accounts,
)
from fintech.entrypoints.http.charges import attempt_of
from fintech.entrypoints.http.errors import missing
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.kinds import Choice, Reference
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, page_of
from fintech.entrypoints.http.parameters import Kind, Nothing, text_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.ports.queries import Listed, MovementLine, Page, Queries
from fintech.ports.store import Store

PATH: Final = "/v1/balance_transactions"
_TRANSACTIONS: Final = Resource("balance_transactions", "balance_transaction")


@frozen
class _Source(Kind[ChargeId | RefundId | DisputeId]):
    """What a line may come from: a charge, a refund or a dispute."""

    def read(self, value: Value, path: str) -> ChargeId | RefundId | DisputeId:
        text = text_of(value, path)
        parsed = ChargeId.parse(text) or RefundId.parse(text) or DisputeId.parse(text)
        if parsed is None:
            raise missing("source", text, path)
        return parsed

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(ch|dp|re)_[0-9a-z]+$"}


@frozen(kw_only=True)
class TransactionListParams(ListParams):
    """Which balance transactions."""

    type: Annotated[tuple[TransferKind, ...], Choice(TYPES), "Only transactions of this type."] = ()
    source: Annotated[Id | None, _Source(), "Only the transactions of this charge, refund or dispute."] = None
    starting_after: Annotated[MovementId | None, Reference(MovementId, "balance_transaction"), OLDER] = None
    ending_before: Annotated[MovementId | None, Reference(MovementId, "balance_transaction"), NEWER] = None


@frozen(kw_only=True)
class BalanceTransactions:
    """The operations on balance transactions."""

    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get = _TRANSACTIONS.get
        return (
            get("list", PATH, TransactionListParams, self.list, "List what moved the balance.", lists=True),
            get("retrieve", PATH + "/{id}", Nothing, self.retrieve, "Retrieve a balance transaction."),
        )

    async def list(self, call: Call[TransactionListParams]) -> Answer:
        params, scope, page = call.params, call.scope, call.params.page()
        seen: Seen = {}
        if params.source is not None:
            listed = _paged(await self._lines_of(scope, params.source, seen), page, params.type)
        else:
            listed = await self.queries.movements(scope, page, params.type)
        rendered = await self._rendered(scope, listed.items, seen)
        return Answer(page_of(PATH, rendered, has_more=listed.has_more), seen)

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        seen: Seen = {}
        rendered = await self.load(call.scope, call.target, seen)
        if rendered is None:
            raise missing("balance_transaction", call.target, "id")
        return Answer(rendered, seen)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The balance transaction with an id."""
        parsed = MovementId.parse(id)
        line = await self.queries.movement(scope, parsed) if parsed else None
        if line is None:
            return None
        rendered = await self._rendered(scope, (line,), seen)
        return rendered[0]

    async def _lines_of(self, scope: Scope, source: Id, seen: Seen) -> Sequence[MovementLine]:
        """Every line of a charge, a refund or a dispute, newest first. Raises `Refused` when there is no such thing."""
        movements: Iterable[MovementId | None]
        if isinstance(source, ChargeId):
            payment = await self.store.payment(scope, source.payment_id)
            attempt = attempt_of(payment, source) if payment else None
            if payment is None or attempt is None:
                raise missing("charge", source, "source")
            seen[payment.id] = payment
            movements = [capture.movement for capture in attempt.captures]
        elif isinstance(source, DisputeId):
            dispute = await self.store.dispute(scope, source)
            if dispute is None:
                raise missing("dispute", source, "source")
            seen[dispute.id] = dispute
            movements = [dispute.movement, dispute.reversal_movement]
        else:
            refund = await self.store.refund(scope, RefundId(source))
            if refund is None:
                raise missing("refund", source, "source")
            seen[refund.id] = refund
            movements = [refund.movement, refund.failure_movement]
        lines = await asyncio.gather(*(self.queries.movement(scope, each) for each in movements if each))
        return sorted((line for line in lines if line), key=lambda line: line.id, reverse=True)

    async def _rendered(
        self, scope: Scope, lines: Sequence[MovementLine], seen: Seen
    ) -> Sequence[dict[str, Any]]:
        """Lines with what they come from, and whether the money has arrived."""
        ids = {PaymentId(line.legs[0].source) for line in lines if line.kind is TransferKind.CAPTURE}
        for payment in await asyncio.gather(*(self.store.payment(scope, id) for id in ids - seen.keys())):
            if payment is not None:
                seen[payment.id] = payment
        days = {line.id: unsettled_accounts(line, scope) for line in lines}
        accounts = sorted(set().union(*days.values()))
        balances = await self.store.balances(scope, accounts) if accounts else {}
        return [
            render_line(line, source_of(line, seen), arrived=settled(days[line.id], balances))
            for line in lines
        ]


def _paged(lines: Sequence[MovementLine], page: Page, kinds: Sequence[TransferKind]) -> Listed[MovementLine]:
    """The part of a short list that a page shows."""
    wanted = [
        line
        for line in lines
        if (not kinds or line.kind in kinds)
        and (page.created_from is None or line.legs[0].at >= page.created_from)
        and (page.created_until is None or line.legs[0].at < page.created_until)
        and (page.after is None or line.id < page.after)
        and (page.before is None or line.id > page.before)
    ]
    shown = wanted[: page.limit] if page.before is None else wanted[-page.limit :]
    return Listed(tuple(shown), has_more=len(wanted) > page.limit)
