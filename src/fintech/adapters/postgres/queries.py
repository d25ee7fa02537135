"""Lists and totals for looking."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    Select,
    Table,
    and_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres.documents import decode
from fintech.adapters.postgres.event_log import event_of, event_page
from fintech.adapters.postgres.lines import MOVEMENT, balance_before, lines_within, movement_of
from fintech.adapters.postgres.paging import created_within, listed, windowed
from fintech.adapters.postgres.payable import PAYABLE_LINES
from fintech.adapters.postgres.reading import reading
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.adapters.postgres.selecting import (
    documented,
    documented_in_order,
    kept,
    pointer,
    wanted_terminals,
    within,
)
from fintech.adapters.postgres.tables import (
    bank_accounts,
    disputes,
    locations,
    merchants,
    movements,
    payments,
    payouts,
    refunds,
    remittances,
    terminals,
    webhook_endpoints,
)
from fintech.domain.api_keys import ApiKey
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Aggregate, Event
from fintech.domain.ids import BankAccountId, ChargeId, MovementId, PaymentId, PayoutId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import touches_balance
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import PayableLine, Remittance
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import EndpointStatus, WebhookEndpoint
from fintech.domain.write_offs import WriteOff
from fintech.ports.queries import ALL_TERMINALS, Listed, MovementLine, Page, Queries, Wanted

A = TypeVar("A", bound=Aggregate)

TIMEOUT_S: Final = 10.0
#: How many payments a step of a walk over charges reads at most.
_STEP_MAX: Final = 1_000
#: No attempt is older than its payment, but for what the clocks of two machines differ.
_CLOCKS_APART: Final = timedelta(hours=1)


class PostgresQueries(Queries):
    """Reads what is committed. A read that takes longer than ``timeout_s`` is broken off.

    `movements` of rare kinds looks through all: by default there is time for one or two million of a merchant.
    """

    def __init__(self, engine: AsyncEngine, *, timeout_s: float = TIMEOUT_S) -> None:
        self._engine = engine
        self._timeout_s = timeout_s

    async def payments(self, scope: Scope, page: Page) -> Listed[Payment]:
        return await self._aggregates(Payment, within(payments, scope), page)

    async def charges(
        self, scope: Scope, page: Page, payment: PaymentId | None = None
    ) -> Listed[tuple[Payment, ChargeId]]:
        """Walks the payments from the cursor on: attempts are parts of them and sort by payment, then by position."""
        found: list[tuple[Payment, ChargeId]] = []
        last, size = None, page.limit + 1
        async with reading(self._engine, self._timeout_s) as connection:
            while len(found) <= page.limit:
                step = _with_charges(scope, page, payment, last).limit(size)
                rows = (await connection.execute(documented_in_order(step, page))).all()
                walked = [decode(Payment, row.document) for row in rows]
                found += [charge for each in walked for charge in _charges_of(each, page)]
                if len(rows) < size:
                    break
                last, size = walked[-1].id, min(2 * size, _STEP_MAX)
        return listed(found, page, lambda charge: charge)

    async def refunds(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Refund]:
        where = within(refunds, scope)
        if payment is not None:
            where = and_(where, refunds.c.payment_id == payment)
        return await self._aggregates(Refund, where, page)

    async def payment_methods(self, scope: Scope, page: Page) -> Listed[PaymentMethod]:
        return await self._aggregates(PaymentMethod, within(_table(PaymentMethod), scope), page)

    async def bank_accounts(self, scope: Scope, page: Page) -> Listed[BankAccount]:
        return await self._aggregates(BankAccount, kept(bank_accounts, scope), page)

    async def payouts(
        self,
        scope: Scope,
        page: Page,
        statuses: Sequence[PayoutStatus] = (),
        destination: BankAccountId | None = None,
    ) -> Listed[Payout]:
        where = within(payouts, scope)
        if statuses:
            where = and_(where, payouts.c.status.in_(statuses))
        if destination is not None:
            where = and_(where, payouts.c.destination == destination)
        return await self._aggregates(Payout, where, page)

    async def remittances(self, scope: Scope, payout: PayoutId) -> Sequence[Remittance]:
        where = and_(within(remittances, scope), remittances.c.payout_id == payout)
        statement = documented(remittances).where(where).order_by(remittances.c.id)
        return [decode(Remittance, row.document) for row in await self._rows(statement)]

    async def disputes(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Dispute]:
        where = within(disputes, scope)
        if payment is not None:
            where = and_(where, disputes.c.payment_id == payment)
        return await self._aggregates(Dispute, where, page)

    async def write_offs(self, scope: Scope, page: Page) -> Listed[WriteOff]:
        return await self._aggregates(WriteOff, within(_table(WriteOff), scope), page)

    async def locations(self, scope: Scope, page: Page) -> Listed[Location]:
        return await self._aggregates(Location, kept(locations, scope), page)

    async def terminals(self, scope: Scope, page: Page, wanted: Wanted = ALL_TERMINALS) -> Listed[Terminal]:
        return await self._aggregates(
            Terminal, and_(within(terminals, scope), *wanted_terminals(wanted)), page
        )

    async def webhook_endpoints(self, scope: Scope, page: Page) -> Listed[WebhookEndpoint]:
        where = and_(within(webhook_endpoints, scope), webhook_endpoints.c.status != EndpointStatus.REMOVED)
        return await self._aggregates(WebhookEndpoint, where, page)

    async def events(self, scope: Scope, page: Page, types: Sequence[str] = ()) -> Listed[Event]:
        return listed(await self._rows(event_page(scope, page, types)), page, event_of)

    async def movements(
        self, scope: Scope, page: Page, kinds: Sequence[TransferKind] = ()
    ) -> Listed[MovementLine]:
        statement = select(*MOVEMENT).where(
            within(movements, scope), movements.c.line, *created_within(page, movements.c.at)
        )
        if kinds:
            statement = statement.where(movements.c.legs[0]["kind"].as_string().in_(kinds))
        rows = await self._rows(windowed(statement, page, movements.c.id))
        return listed(rows, page, lambda row: movement_of(scope, row))

    async def movement(self, scope: Scope, id: MovementId) -> MovementLine | None:
        return next(iter(await self.movements_of(scope, (id,))), None)

    async def movements_of(self, scope: Scope, ids: Sequence[MovementId]) -> Sequence[MovementLine]:
        rows = await self._rows(select(*MOVEMENT).where(within(movements, scope), movements.c.id.in_(ids)))
        lines = [movement_of(scope, row) for row in rows]
        return [line for line in lines if touches_balance(line.legs)]

    async def payable_lines(
        self, scope: Scope, after: MovementId | None, limit: int
    ) -> Sequence[PayableLine]:
        asked = {"merchant": scope.merchant, "livemode": scope.livemode, "after": after or "", "limit": limit}
        rows = await self._rows(PAYABLE_LINES.bindparams(**asked))
        return [PayableLine(MovementId(row.id), int(row.net), row.at) for row in rows]

    async def lines(
        self,
        scope: Scope,
        start: datetime,
        end: datetime,
        limit: int,
        after: MovementLine | None = None,
    ) -> Sequence[MovementLine]:
        rows = await self._rows(lines_within(scope, start, end, limit, after))
        return [movement_of(scope, row) for row in rows]

    async def balance_before(self, scope: Scope, moment: datetime) -> int:
        async with reading(self._engine, self._timeout_s) as connection:
            return await balance_before(connection, scope, moment)

    async def merchants(self, livemode: bool, page: Page) -> Listed[Merchant]:
        return await self._aggregates(Merchant, merchants.c.livemode.is_(livemode), page)

    async def api_keys(self, scope: Scope) -> Sequence[ApiKey]:
        table = _table(ApiKey)
        statement = documented(table).where(within(table, scope)).order_by(table.c.id)
        return [decode(ApiKey, row.document) for row in await self._rows(statement)]

    async def _aggregates(self, kind: type[A], where: ColumnElement[bool], page: Page) -> Listed[A]:
        table = _table(kind)
        # A merchant's id is its scope's, by which the table is sorted.
        key = table.c.merchant_id if kind is Merchant else table.c.id
        found = select(key.label("place"), *pointer(table)).where(
            where, *created_within(page, table.c.created_at)
        )
        rows = await self._rows(documented_in_order(windowed(found, page, key), page))
        return listed(rows, page, lambda row: decode(kind, row.document))

    async def _rows(self, statement: Executable) -> Sequence[Row[Any]]:
        async with reading(self._engine, self._timeout_s) as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
            return rows


def _table(kind: type[Any]) -> Table:
    return MAPPINGS[kind].table


def _with_charges(scope: Scope, page: Page, payment: PaymentId | None, last: PaymentId | None) -> Select[Any]:
    """Payments whose charges may be on a page, nearest to its cursor first, beyond the ``last`` that was seen."""
    id = payments.c.id
    statement = select(id.label("place"), *pointer(payments)).where(within(payments, scope))
    if payment is not None:
        statement = statement.where(id == payment)
    if page.after is not None:
        statement = statement.where(id <= ChargeId(page.after).payment_id)
    if page.before is not None:
        statement = statement.where(id >= ChargeId(page.before).payment_id)
    if page.created_until is not None:
        statement = statement.where(payments.c.created_at < page.created_until + _CLOCKS_APART)
    if last is not None:
        statement = statement.where(id < last if page.before is None else id > last)
    return statement.order_by(id.desc() if page.before is None else id.asc())


def _charges_of(payment: Payment, page: Page) -> list[tuple[Payment, ChargeId]]:
    """A payment's charges that are on a page, nearest to its cursor first."""
    charges = [
        (payment, attempt.id)
        for attempt in payment.attempts
        if (page.after is None or attempt.id < page.after)
        and (page.before is None or attempt.id > page.before)
        and (page.created_from is None or attempt.sent_at >= page.created_from)
        and (page.created_until is None or attempt.sent_at < page.created_until)
    ]
    return charges if page.before is not None else charges[::-1]
