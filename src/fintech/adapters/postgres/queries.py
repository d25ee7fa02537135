"""Lists for looking: keyset pages, never offsets, so that page one thousand costs what page one does."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres.documents import decode, decode_aggregate
from fintech.adapters.postgres.reading import legible, reading
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.adapters.postgres.tables import events, merchants, payments, refunds, transfers
from fintech.domain.api_keys import ApiKey
from fintech.domain.events import Aggregate, Event, EventType
from fintech.domain.ids import PARTS_MAX, ChargeId, EventId, MerchantId, MovementId, PaymentId, TransferId
from fintech.domain.ledger import AccountId, Phase, Transfer, TransferKind, touches_balance
from fintech.domain.merchants import Merchant
from fintech.domain.money import Currency
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Actor, Scope
from fintech.ports.queries import Listed, MovementLine, Page, Queries

T = TypeVar("T")
A = TypeVar("A", bound=Aggregate)

TIMEOUT_S: Final = 10.0

#: How the first leg of a movement looks that changes what we owe the merchant: `touches_balance` in SQL.
_LINE_KINDS: Final = (TransferKind.CAPTURE, TransferKind.REFUND, TransferKind.REFUND_FAILURE)
_LINE_PHASES: Final = (Phase.POST, Phase.POST_PENDING)
#: The last two digits of a leg's id: its place in the movement.
_LEG_DIGITS: Final = 2
_FIRST_LEG: Final = "00"
_LAST_LEG: Final = "99"


class PostgresQueries(Queries):
    """Reads what is committed. A read that takes longer than ``timeout_s`` is broken off."""

    def __init__(self, engine: AsyncEngine, *, timeout_s: float = TIMEOUT_S) -> None:
        self._engine = engine
        self._timeout_s = timeout_s

    async def payments(self, scope: Scope, page: Page) -> Listed[Payment]:
        return await self._aggregates(Payment, _in(payments, scope), page)

    async def charges(
        self, scope: Scope, page: Page, payment: PaymentId | None = None
    ) -> Listed[tuple[Payment, ChargeId]]:
        rows = await self._rows(_charges(scope, page, payment))
        return _listed(rows, page, _charge)

    async def refunds(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Refund]:
        where = _in(refunds, scope)
        if payment is not None:
            where = and_(where, refunds.c.payment_id == payment)
        return await self._aggregates(Refund, where, page)

    async def payment_methods(self, scope: Scope, page: Page) -> Listed[PaymentMethod]:
        return await self._aggregates(PaymentMethod, _in(_table(PaymentMethod), scope), page)

    async def events(self, scope: Scope, page: Page, types: Sequence[str] = ()) -> Listed[Event]:
        return _listed(await self._rows(_events(scope, page, types)), page, _event)

    async def movements(self, scope: Scope, page: Page) -> Listed[MovementLine]:
        legs = [_transfer(scope, row) for row in await self._rows(_lines(scope, page))]
        lines = [
            MovementLine(id=id, legs=tuple(each))
            for id, each in groupby(legs, key=lambda leg: leg.id.movement_id)
        ]
        if page.before is None:
            lines.reverse()
        return _listed(lines, page, lambda line: line)

    async def movement(self, scope: Scope, id: MovementId) -> MovementLine | None:
        first, last = _legs_of(id)
        among = and_(transfers.c.id >= first, transfers.c.id <= last)
        statement = select(transfers).where(_in(transfers, scope), among).order_by(transfers.c.id)
        rows = await self._rows(statement)
        legs = tuple(_transfer(scope, row) for row in rows)
        return MovementLine(id=id, legs=legs) if legs and touches_balance(legs) else None

    async def merchants(self, livemode: bool, page: Page) -> Listed[Merchant]:
        return await self._aggregates(Merchant, merchants.c.livemode.is_(livemode), page)

    async def api_keys(self, scope: Scope) -> Sequence[ApiKey]:
        table = _table(ApiKey)
        statement = select(_text(table.c.document)).where(_in(table, scope)).order_by(table.c.id)
        return [decode(ApiKey, row.document) for row in await self._rows(statement)]

    async def _aggregates(self, kind: type[A], where: ColumnElement[bool], page: Page) -> Listed[A]:
        table = _table(kind)
        # A merchant's id is its scope's, by which the table is sorted.
        key = table.c.merchant_id if kind is Merchant else table.c.id
        statement = select(_text(table.c.document)).where(where, *_created(page, table.c.created_at))
        rows = await self._rows(_windowed(statement, page, key))
        return _listed(rows, page, lambda row: decode(kind, row.document))

    async def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        async with reading(self._engine, self._timeout_s) as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
            return rows


def _table(kind: type[Any]) -> Table:
    return MAPPINGS[kind].table


def _in(table: FromClause, scope: Scope) -> ColumnElement[bool]:
    return and_(table.c.merchant_id == scope.merchant, table.c.livemode.is_(scope.livemode))


def _text(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A document as it is stored, not parsed on the way."""
    return cast(column, Text).label("document")


def _created(page: Page, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    conditions = []
    if page.created_from is not None:
        conditions.append(column >= page.created_from)
    if page.created_until is not None:
        conditions.append(column < page.created_until)
    return conditions


def _windowed(
    statement: Select[Any],
    page: Page,
    *keys: ColumnElement[Any],
    place: Callable[[str], ColumnElement[Any] | str] = str,
) -> Select[Any]:
    """The part of a list that a page shows, and one row more: nearest to its cursor first.

    ``place`` tells where in the order of ``keys`` a cursor stands, when that is not its own text.
    """
    whole = keys[0] if len(keys) == 1 else tuple_(*keys)
    if page.after is not None:
        statement = statement.where(whole < place(page.after))
    if page.before is not None:
        statement = statement.where(whole > place(page.before))
    order = [key.desc() if page.before is None else key.asc() for key in keys]
    return statement.order_by(*order).limit(page.limit + 1)


def _listed(rows: Sequence[Any], page: Page, made: Callable[[Any], T]) -> Listed[T]:
    """What `_windowed` found, newest first, without the row that tells that there are more."""
    items = [made(row) for row in rows[: page.limit]]
    if page.before is not None:
        items.reverse()
    return Listed(tuple(items), has_more=len(rows) > page.limit)


def _charges(scope: Scope, page: Page, payment: PaymentId | None) -> Select[Any]:
    """Attempts are parts of their payment's document and sort by payment, then by position."""
    attempt = func.json_array_elements(_member(legible(payments.c.document), "attempts"))
    attempts = attempt.table_valued("value", with_ordinality="number").render_derived("attempt").lateral()
    id, number = payments.c.id, attempts.c.number
    sent_at = cast(
        func.btrim(cast(_member(attempts.c.value, "sent_at"), Text), '"'), payments.c.created_at.type
    )
    statement = select(id, number, _text(payments.c.document)).select_from(payments.join(attempts, true()))
    statement = statement.where(_in(payments, scope), *_created(page, sent_at))
    if payment is not None:
        statement = statement.where(id == payment)
    # These say nothing new of the charges, but spare reading the payments on the other side of the cursor.
    if page.after is not None:
        statement = statement.where(id <= ChargeId(page.after).payment_id)
    if page.before is not None:
        statement = statement.where(id >= ChargeId(page.before).payment_id)
    return _windowed(statement, page, id, number, place=_place_of_charge)


def _charge(row: Row[Any]) -> tuple[Payment, ChargeId]:
    return decode(Payment, row.document), ChargeId.of(PaymentId(row.id), row.number - 1)


def _member(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return column.op("->")(literal(name, Text))


def _place_of_charge(cursor: str) -> ColumnElement[Any]:
    digits = cursor[-2:]
    number = int(digits) + 1 if digits.isascii() and digits.isdigit() else 0
    return tuple_(literal(ChargeId(cursor).payment_id, Text), literal(number, BigInteger))


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
    ).where(_in(events, scope), final, *_created(page, events.c.at))
    if types:
        statement = statement.where(events.c.type.in_(types))

    def place(cursor: str) -> ColumnElement[Any]:
        """Of an event that is not there: nowhere, so that the page is empty."""
        named = events.alias("named")
        xact = select(named.c.xact).where(_in(named, scope), named.c.id == cursor).scalar_subquery()
        return tuple_(xact, literal(cursor, Text))

    return _windowed(statement, page, events.c.xact, events.c.id, place=place)


def _event(row: Row[Any]) -> Event:
    return Event(
        id=EventId(row.id),
        type=EventType(row.type),
        at=row.at,
        actor=decode(Actor, row.actor),
        snapshot=decode_aggregate(row.aggregate_id, row.document),
    )


def _lines(scope: Scope, page: Page) -> Select[Any]:
    """The legs of the movements of a page: it is cut by first legs, so that it counts movements."""
    leg = transfers.alias("first_leg")
    firsts = select(leg.c.id).where(
        _in(leg, scope),
        # Not `right(id, 2)`: of a pattern the planner knows how many ids match it, and so that walking the index pays.
        leg.c.id.like(f"%{_FIRST_LEG}"),
        leg.c.kind.in_(_LINE_KINDS),
        leg.c.phase.in_(_LINE_PHASES),
        *_created(page, leg.c.at),
    )
    first = _windowed(firsts, page, leg.c.id, place=lambda cursor: _legs_of(cursor)[0]).subquery("line")
    last = func.left(first.c.id, -_LEG_DIGITS).concat(_LAST_LEG)
    found = select(transfers).where(_in(transfers, scope), transfers.c.id.between(first.c.id, last))
    # The limit says nothing new, but makes the planner look up the legs of each movement by themselves.
    legs = found.order_by(transfers.c.id).limit(PARTS_MAX).lateral("leg")
    return select(legs).select_from(first.join(legs, true())).order_by(legs.c.id)


def _legs_of(movement: str) -> tuple[str, str]:
    """The ids between which a movement's legs are."""
    legs = TransferId.PREFIX + movement[len(MovementId.PREFIX) :]
    return legs + _FIRST_LEG, legs + _LAST_LEG


def _transfer(scope: Scope, row: Row[Any]) -> Transfer:
    currency = Currency(row.currency)

    def account(owner: str | None, code: str) -> AccountId:
        return AccountId(MerchantId(owner) if owner else scope.merchant, code, currency)

    return Transfer(
        id=TransferId(row.id),
        kind=TransferKind(row.kind),
        phase=Phase(row.phase),
        debit=account(row.debit_owner, row.debit_code),
        credit=account(row.credit_owner, row.credit_code),
        amount_minor=row.amount_minor,
        source=row.source,
        at=row.at,
        resolves=TransferId(row.resolves) if row.resolves else None,
        expires_at=row.expires_at,
    )
