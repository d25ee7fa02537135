"""Lists and totals for looking."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Row,
    Select,
    Table,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres.documents import decode, decode_aggregate
from fintech.adapters.postgres.legs import decode_legs
from fintech.adapters.postgres.paging import created_within, listed, windowed
from fintech.adapters.postgres.reading import reading
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.adapters.postgres.tables import events, merchants, movements, payments, refunds
from fintech.domain.api_keys import ApiKey
from fintech.domain.events import Aggregate, Event, EventType
from fintech.domain.ids import ChargeId, EventId, MovementId, PaymentId
from fintech.domain.ledger import BALANCE_BUCKETS, TransferKind, touches_balance
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Actor, Scope
from fintech.ports.queries import Listed, MovementLine, Page, Queries

A = TypeVar("A", bound=Aggregate)

TIMEOUT_S: Final = 10.0
#: How many payments a step of a walk over charges reads at most.
_STEP_MAX: Final = 1_000
#: No attempt is older than its payment, but for what the clocks of two machines differ.
_CLOCKS_APART: Final = timedelta(hours=1)


class PostgresQueries(Queries):
    """Reads what is committed. A read that takes longer than ``timeout_s`` is broken off.

    `balance_before` sums all transfers until then, and `movements` of rare kinds looks through all: by default there is
    time for one or two million movements of a merchant.
    """

    def __init__(self, engine: AsyncEngine, *, timeout_s: float = TIMEOUT_S) -> None:
        self._engine = engine
        self._timeout_s = timeout_s

    async def payments(self, scope: Scope, page: Page) -> Listed[Payment]:
        return await self._aggregates(Payment, _in(payments, scope), page)

    async def charges(
        self, scope: Scope, page: Page, payment: PaymentId | None = None
    ) -> Listed[tuple[Payment, ChargeId]]:
        """Walks the payments from the cursor on: attempts are parts of them and sort by payment, then by position."""
        found: list[tuple[Payment, ChargeId]] = []
        last, size = None, page.limit + 1
        async with reading(self._engine, self._timeout_s) as connection:
            while len(found) <= page.limit:
                step = _with_charges(scope, page, payment, last).limit(size)
                rows = (await connection.execute(_documented_in_order(step, page))).all()
                walked = [decode(Payment, row.document) for row in rows]
                found += [charge for each in walked for charge in _charges_of(each, page)]
                if len(rows) < size:
                    break
                last, size = walked[-1].id, min(2 * size, _STEP_MAX)
        return listed(found, page, lambda charge: charge)

    async def refunds(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Refund]:
        where = _in(refunds, scope)
        if payment is not None:
            where = and_(where, refunds.c.payment_id == payment)
        return await self._aggregates(Refund, where, page)

    async def payment_methods(self, scope: Scope, page: Page) -> Listed[PaymentMethod]:
        return await self._aggregates(PaymentMethod, _in(_table(PaymentMethod), scope), page)

    async def events(self, scope: Scope, page: Page, types: Sequence[str] = ()) -> Listed[Event]:
        return listed(await self._rows(_events(scope, page, types)), page, _event)

    async def movements(
        self, scope: Scope, page: Page, kinds: Sequence[TransferKind] = ()
    ) -> Listed[MovementLine]:
        statement = select(*_MOVEMENT).where(
            _in(movements, scope), movements.c.line, *created_within(page, movements.c.at)
        )
        if kinds:
            statement = statement.where(movements.c.legs[0]["kind"].as_string().in_(kinds))
        rows = await self._rows(windowed(statement, page, movements.c.id))
        return listed(rows, page, lambda row: _movement(scope, row))

    async def movement(self, scope: Scope, id: MovementId) -> MovementLine | None:
        rows = await self._rows(select(*_MOVEMENT).where(_in(movements, scope), movements.c.id == id))
        lines = [_movement(scope, row) for row in rows]
        return next((line for line in lines if touches_balance(line.legs)), None)

    async def balance_before(self, scope: Scope, moment: datetime) -> int:
        asked = {"merchant": scope.merchant, "livemode": scope.livemode, "moment": moment}
        (row,) = await self._rows(_BALANCE_BEFORE.bindparams(**asked))
        return int(row.balance)

    async def merchants(self, livemode: bool, page: Page) -> Listed[Merchant]:
        return await self._aggregates(Merchant, merchants.c.livemode.is_(livemode), page)

    async def api_keys(self, scope: Scope) -> Sequence[ApiKey]:
        table = _table(ApiKey)
        statement = _documented(table).where(_in(table, scope)).order_by(table.c.id)
        return [decode(ApiKey, row.document) for row in await self._rows(statement)]

    async def _aggregates(self, kind: type[A], where: ColumnElement[bool], page: Page) -> Listed[A]:
        table = _table(kind)
        # A merchant's id is its scope's, by which the table is sorted.
        key = table.c.merchant_id if kind is Merchant else table.c.id
        found = select(key.label("place"), *_pointer(table)).where(
            where, *created_within(page, table.c.created_at)
        )
        rows = await self._rows(_documented_in_order(windowed(found, page, key), page))
        return listed(rows, page, lambda row: decode(kind, row.document))

    async def _rows(self, statement: Executable) -> Sequence[Row[Any]]:
        async with reading(self._engine, self._timeout_s) as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
            return rows


def _table(kind: type[Any]) -> Table:
    return MAPPINGS[kind].table


def _in(table: FromClause, scope: Scope) -> ColumnElement[bool]:
    return and_(table.c.merchant_id == scope.merchant, table.c.livemode.is_(scope.livemode))


def _pointer(table: Table) -> tuple[ColumnElement[Any], ...]:
    """What names the entry of the log whose document an aggregate is."""
    return table.c.merchant_id, table.c.livemode, table.c.event_id


def _documented(found: FromClause) -> Select[Any]:
    """The documents that rows with a `_pointer` point to."""
    here = and_(
        events.c.merchant_id == found.c.merchant_id,
        events.c.livemode == found.c.livemode,
        events.c.id == found.c.event_id,
    )
    return select(_text(events.c.document)).select_from(found.join(events, here))


def _documented_in_order(found: Select[Any], page: Page) -> Select[Any]:
    """The same of rows that have been cut to a page by their `place`: only then are documents looked up."""
    rows = found.subquery("page")
    return _documented(rows).order_by(rows.c.place.desc() if page.before is None else rows.c.place.asc())


def _text(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A document as it is stored, not parsed on the way."""
    return cast(column, Text).label("document")


_MOVEMENT: Final = (
    movements.c.id,
    movements.c.currency,
    movements.c.source,
    movements.c.at,
    cast(movements.c.legs, Text).label("document"),
)


#: Summed by pairs of accounts first: there are few pairs, however many transfers.
_BALANCE_BEFORE: Final = text("""
with pairs as (
    select debit_code, credit_code, sum(amount_minor) as amount from transfers
     where merchant_id = :merchant and livemode = :livemode and at < :moment and phase in ('post', 'post_pending')
     group by debit_code, credit_code
)
select coalesce(sum(amount) filter (where split_part(credit_code, '/', 1) = any(:buckets)), 0)
       - coalesce(sum(amount) filter (where split_part(debit_code, '/', 1) = any(:buckets)), 0) as balance
  from pairs
""").bindparams(buckets=sorted(BALANCE_BUCKETS))


def _with_charges(scope: Scope, page: Page, payment: PaymentId | None, last: PaymentId | None) -> Select[Any]:
    """Payments whose charges may be on a page, nearest to its cursor first, beyond the ``last`` that was seen."""
    id = payments.c.id
    statement = select(id.label("place"), *_pointer(payments)).where(_in(payments, scope))
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


def _events(scope: Scope, page: Page, types: Sequence[str]) -> Select[Any]:
    """The log in the order of commits, up to the oldest transaction that is still open.

    A transaction that began earlier may commit later, and its events then sort before ones that were listed already.
    What it holds back is seen as soon as it ends, so nothing that writes may stay open for long.

    Rows of a restored dump were numbered by another cluster. Where their transactions are still to come here, they
    are final all the same: nothing visible can have been written by a transaction that has not begun.
    """
    snapshot = func.pg_current_snapshot()
    final = or_(
        events.c.xact < func.pg_snapshot_xmin(snapshot), events.c.xact >= func.pg_snapshot_xmax(snapshot)
    )
    statement = select(
        events.c.id,
        events.c.type,
        events.c.at,
        cast(events.c.actor, Text).label("actor"),
        events.c.aggregate_id,
        _text(events.c.document),
    ).where(_in(events, scope), final, *created_within(page, events.c.at))
    if types:
        statement = statement.where(events.c.type.in_(types))

    def place(cursor: str) -> ColumnElement[Any]:
        """Of an event that is not there: nowhere, so that the page is empty."""
        named = events.alias("named")
        xact = select(named.c.xact).where(_in(named, scope), named.c.id == cursor).scalar_subquery()
        return tuple_(xact, literal(cursor, Text))

    return windowed(statement, page, events.c.xact, events.c.id, place=place)


def _event(row: Row[Any]) -> Event:
    return Event(
        id=EventId(row.id),
        type=EventType(row.type),
        at=row.at,
        actor=decode(Actor, row.actor),
        snapshot=decode_aggregate(row.aggregate_id, row.document),
    )


def _movement(scope: Scope, row: Row[Any]) -> MovementLine:
    id = MovementId(row.id)
    return MovementLine(id=id, legs=decode_legs(scope, id, row.currency, row.source, row.at, row.document))
