"""The outbox on Postgres: rows with their own state, taken with ``for update skip locked``.

What is due is found by going round the endpoints that have anything to deliver (a loose scan of the index of what is
due), from where the last round ended, and taking from each no more than it has room for. So an endpoint with a million
rows costs what one with ten does, and one that hangs is passed by. A lease is a column of its own, so taking a row
touches no index.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
from sqlalchemy import Text, and_, cast, select
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres.connections import CONNECTION_LOST, RACE_LOST
from fintech.adapters.postgres.documents import decode, decode_aggregate, encode
from fintech.adapters.postgres.outbox_statements import CLAIM, PENDING, RECORD, ROUND, SEND_AGAIN, WAKE
from fintech.adapters.postgres.outbox_tables import deliveries
from fintech.adapters.postgres.paging import created_within, listed, windowed
from fintech.adapters.postgres.reading import reading
from fintech.adapters.postgres.selecting import within
from fintech.adapters.postgres.tables import events
from fintech.domain.events import Event, EventType
from fintech.domain.ids import EventId, MerchantId, WebhookEndpointId
from fintech.domain.scope import Actor, Scope
from fintech.domain.webhooks.delivery import Delivery, DeliveryStatus, DeliveryTry
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.ports.errors import ConcurrencyExhausted, PortError, StoreUnavailable
from fintech.ports.outbox import Claimed, Haul, Outbox, Room, Tried
from fintech.ports.queries import Listed, Page

TIMEOUT_S: Final = 10.0
#: How many endpoints one claim looks at; the next one goes on from there.
ROUND_MAX: Final = 1_000
TRIES_MAX: Final = 5

_START: Final = ("", False, "")


class PostgresOutbox(Outbox):
    """Use it through `open_database`. Lists are read from ``engine``, the rest goes by ``pool``."""

    def __init__(self, pool: asyncpg.Pool, engine: AsyncEngine) -> None:
        self._pool = pool
        self._engine = engine
        self._place: tuple[str, bool, str] = _START

    async def claim(self, now: datetime, lease: timedelta, limit: int, room: Room) -> Haul:
        start = self._place
        found = await self._fetch(ROUND, *start, ROUND_MAX)
        ended = len(found) < ROUND_MAX
        self._place = _START if ended else _place(found[-1])
        wanted = [
            (*_place(row), wished)
            for row in found
            if row["due_at"] <= now and (wished := room(WebhookEndpointId(row["endpoint_id"]))) > 0
        ]
        rows: list[Any] = []
        until = now + lease
        if wanted:
            columns = [list(column) for column in zip(*wanted, strict=True)]
            rows = await self._fetch(CLAIM, *columns, now, until, limit)
        if len(rows) == limit:
            self._place = max(map(_place, rows))  # those after it have not been looked at
            return Haul(_claimed(rows, until), more=True)
        round_begun_before = ended and start != _START
        return Haul(_claimed(rows, until), more=round_begun_before or (bool(rows) and not ended))

    async def record(self, tried: Sequence[Tried]) -> None:
        if not tried:
            return
        arguments = _outcomes(tried)
        for _ in range(TRIES_MAX):
            try:
                await self._fetch(RECORD, *arguments)
            except _RaceLost:
                continue
            return
        raise ConcurrencyExhausted("what became of deliveries could not be kept; they will be tried again")

    async def send_again(
        self, scope: Scope, endpoint: WebhookEndpointId, event: EventId, now: datetime
    ) -> Delivery | None:
        rows = await self._fetch(SEND_AGAIN, scope.merchant, scope.livemode, endpoint, event, now)
        return _delivery(rows[0]) if rows else None

    async def wake(self, scope: Scope, at: datetime, limit: int) -> int:
        return len(await self._fetch(WAKE, scope.merchant, scope.livemode, at, limit))

    async def deliveries(self, scope: Scope, endpoint: WebhookEndpointId, page: Page) -> Listed[Delivery]:
        here = and_(
            events.c.merchant_id == deliveries.c.merchant_id,
            events.c.livemode == deliveries.c.livemode,
            events.c.id == deliveries.c.event_id,
        )
        statement = (
            select(
                deliveries.c.endpoint_id,
                deliveries.c.event_id,
                events.c.type,
                deliveries.c.status,
                deliveries.c.due_at,
                deliveries.c.tries,
                deliveries.c.step,
                cast(deliveries.c.log, Text).label("log"),
            )
            .select_from(deliveries.join(events, here))
            .where(
                within(deliveries, scope),
                deliveries.c.endpoint_id == endpoint,
                *created_within(page, events.c.at),
            )
        )
        async with reading(self._engine, TIMEOUT_S) as connection:
            rows = (
                (await connection.execute(windowed(statement, page, deliveries.c.event_id))).mappings().all()
            )
        return listed(rows, page, _delivery)

    async def pending(self, scope: Scope, events: Sequence[EventId]) -> Mapping[EventId, int]:
        rows = await self._fetch(PENDING, scope.merchant, scope.livemode, list(events))
        return {EventId(id): count for id, count in rows if count}

    async def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        try:
            rows: list[Any] = await self._pool.fetch(statement, *arguments, timeout=TIMEOUT_S)
        except RACE_LOST as error:
            raise _RaceLost("the outbox lost a race") from error
        except CONNECTION_LOST as error:
            raise StoreUnavailable("the store did not answer in time") from error
        except asyncpg.PostgresError as error:
            raise PortError(f"the database refused the outbox: {error.sqlstate}") from error
        return rows


class _RaceLost(PortError):
    """Somebody else was at the same rows; the statement was undone whole."""


def _place(row: Any) -> tuple[str, bool, str]:
    return row["merchant_id"], row["livemode"], row["endpoint_id"]


def _claimed(rows: Sequence[Any], until: datetime) -> tuple[Claimed, ...]:
    return tuple(
        Claimed(
            scope=Scope(MerchantId(row["merchant_id"]), row["livemode"]),
            delivery=_delivery(row),
            endpoint=decode(WebhookEndpoint, row["endpoint"]),
            event=Event(
                id=EventId(row["event_id"]),
                type=EventType(row["type"]),
                at=row["at"],
                actor=decode(Actor, row["actor"]),
                snapshot=decode_aggregate(row["aggregate_id"], row["document"]),
            ),
            pending=row["pending"],
            leased_until=until,
            failing_since=row["failing_since"],
        )
        for row in sorted(rows, key=lambda row: (row["due_at"], row["event_id"]))
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        endpoint=WebhookEndpointId(row["endpoint_id"]),
        event=EventId(row["event_id"]),
        type=row["type"],
        status=DeliveryStatus(row["status"]),
        due_at=row["due_at"],
        tries=row["tries"],
        step=row["step"],
        log=decode(_LOG, row["log"]) if row["log"] else (),
    )


_LOG: Final[Any] = tuple[DeliveryTry, ...]


def _outcomes(tried: Sequence[Tried]) -> list[list[Any]]:
    """The columns that `RECORD` takes, in the order of keys, so that two who record lock in the same order."""
    working = {_endpoint(each) for each in tried if each.after.status is DeliveryStatus.DELIVERED}
    rows = []
    for each in tried:
        after, endpoint = each.after, _endpoint(each)
        fails = each.made and endpoint not in working
        rows.append(
            (
                *endpoint,
                after.event,
                each.claimed.leased_until,
                after.status,
                each.made,
                after.step,
                after.due_at,
                encode(after.log) if after.log else None,
                after.log[-1].at if fails else None,
            )
        )
    rows.sort(key=lambda row: row[:4])
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns + [[each[place] for each in sorted(working)] for place in range(3)]


def _endpoint(tried: Tried) -> tuple[str, bool, str]:
    scope = tried.claimed.scope
    return scope.merchant, scope.livemode, tried.after.endpoint
