"""Balance transactions on the wire: every movement of money that changed what we owe the merchant."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias

from attrs import frozen

from fintech.domain.ids import ChargeId, DisputeId, Id, MovementId, PaymentId, PayoutId, RefundId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.scope import Scope
from fintech.entrypoints.http.balance_transaction_rendering import (
    TYPES,
    render_line,
    settled,
    source_of,
    unsettled_accounts,
)
from fintech.entrypoints.http.charges import attempt_of
from fintech.entrypoints.http.errors import Problem, Refused, missing
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.kinds import Choice, Reference
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, page_of
from fintech.entrypoints.http.parameters import Kind, Nothing, text_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.ports.queries import PAGE_MAX, Listed, MovementLine, Page, Queries
from fintech.ports.store import Store

PATH: Final = "/v1/balance_transactions"
_TRANSACTIONS: Final = Resource("balance_transactions", "balance_transaction")
_SOURCES: Final = (ChargeId, RefundId, PayoutId, DisputeId)

#: Minor units by line.
Parts: TypeAlias = Mapping[MovementId, int]


@frozen
class _Source(Kind[Id]):
    """What a line may come from: a charge, a refund, a payout or a dispute."""

    def read(self, value: Value, path: str) -> Id:
        text = text_of(value, path)
        parsed = next((id for kind in _SOURCES if (id := kind.parse(text))), None)
        if parsed is None:
            raise missing("source", text, path)
        return parsed

    def schema(self) -> dict[str, Any]:
        prefixes = "|".join(kind.PREFIX for kind in _SOURCES)
        return {"type": "string", "pattern": f"^({prefixes})[0-9a-z]+$"}


@frozen(kw_only=True)
class TransactionListParams(ListParams):
    """Which balance transactions."""

    type: Annotated[tuple[TransferKind, ...], Choice(TYPES), "Only transactions of this type."] = ()
    source: Annotated[
        Id | None, _Source(), "Only the transactions of this charge, refund, payout or dispute."
    ] = None
    payout: Annotated[
        PayoutId | None,
        Reference(PayoutId, "payout"),
        "Only what this payout pays for, and its own transaction: each with the part that it pays for.",
    ] = None
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
        if params.source is not None and params.payout is not None:
            raise Refused(_ONE_OF_TWO)
        seen: Seen = {}
        parts: Parts = {}
        if params.payout is not None:
            parts = await self._parts_of(scope, params.payout)
            listed = await self._listed_of(scope, parts, page, params.type)
        elif params.source is not None:
            lines = await self._lines_of(scope, params.source, seen)
            shown = [line for line in lines if _within(line, page, params.type)]
            listed = _cut(_beyond(shown, page), page)
        else:
            listed = await self.queries.movements(scope, page, params.type)
        rendered = await self._rendered(scope, listed.items, seen)
        for each in rendered:
            if each["id"] in parts:
                each["payout_amount"] = parts[each["id"]]
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
        """Every line of a charge, a refund, a payout or a dispute. Raises `Refused` when there is no such thing."""
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
        elif isinstance(source, PayoutId):
            payout = await self.store.payout(scope, source)
            if payout is None:
                raise missing("payout", source, "source")
            seen[payout.id] = payout
            movements = [payout.movement, payout.failure_movement]
        else:
            refund = await self.store.refund(scope, RefundId(source))
            if refund is None:
                raise missing("refund", source, "source")
            seen[refund.id] = refund
            movements = [refund.movement, refund.failure_movement]
        return await self.queries.movements_of(scope, [each for each in movements if each])

    async def _parts_of(self, scope: Scope, id: PayoutId) -> Parts:
        """What a payout pays for, and its own line, which takes as much: together they come to nothing."""
        payout = await self.store.payout(scope, id)
        if payout is None:
            raise missing("payout", id, "payout")
        pages = await self.queries.remittances(scope, id)
        parts = {line.movement: line.minor for page in pages for line in page.lines}
        if payout.movement is not None:
            own = await self.queries.movement(scope, payout.movement)
            parts |= {own.id: line_amounts(own.legs).net_minor} if own else {}
        return parts

    async def _listed_of(
        self, scope: Scope, parts: Parts, page: Page, kinds: Sequence[TransferKind]
    ) -> Listed[MovementLine]:
        """The lines of a payout that a page shows, looked up no further than it takes."""
        newest_first = page.before is None
        ids = sorted(parts, reverse=newest_first)
        wanted = [
            id
            for id in ids
            if (page.after is None or id < page.after) and (page.before is None or id > page.before)
        ]
        found: list[MovementLine] = []
        for first in range(0, len(wanted), PAGE_MAX):
            some = await self.queries.movements_of(scope, wanted[first : first + PAGE_MAX])
            shown = [line for line in some if _within(line, page, kinds)]
            found += sorted(shown, key=lambda line: line.id, reverse=newest_first)
            if len(found) > page.limit:
                break
        return _cut(found, page)

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


def _within(line: MovementLine, page: Page, kinds: Sequence[TransferKind]) -> bool:
    """Whether a line is of the kinds and the time that are asked for."""
    at = line.legs[0].at
    return (
        (not kinds or line.kind in kinds)
        and (page.created_from is None or at >= page.created_from)
        and (page.created_until is None or at < page.created_until)
    )


def _beyond(lines: Iterable[MovementLine], page: Page) -> Sequence[MovementLine]:
    """Those beyond the page's cursor, nearest to it first."""
    beyond = [
        line
        for line in lines
        if (page.after is None or line.id < page.after) and (page.before is None or line.id > page.before)
    ]
    return sorted(beyond, key=lambda line: line.id, reverse=page.before is None)


def _cut(lines: Sequence[MovementLine], page: Page) -> Listed[MovementLine]:
    """A page of lines that are nearest to its cursor first: newest first."""
    shown = lines[: page.limit]
    items = tuple(shown if page.before is None else reversed(shown))
    return Listed(items, has_more=len(lines) > page.limit)


_ONE_OF_TWO: Final = Problem(
    code="parameters_exclusive",
    message="You may only specify one of these parameters: payout, source.",
    param="payout",
)
