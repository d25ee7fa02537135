"""Group reads: the rows that many callers ask for in the same moment, in one round trip.

A reader that is free takes what is waiting, up to `GROUP_MAX`, and never waits for more; so a lone caller pays one
round trip and a thousand callers share it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import lru_cache
from time import monotonic
from typing import Final

import asyncpg
from attrs import frozen

from fintech.adapters.postgres.connections import CONNECTION_LOST, Connection
from fintech.domain.scope import Scope
from fintech.ports.errors import PortError, StoreOverloaded, StoreUnavailable

GROUP_MAX: Final = 200
QUEUE_MAX: Final = 20_000
RECONNECT_AFTER_S: Final = 0.05


@frozen(eq=False)
class Wanted:
    """One row that somebody waits for."""

    table: str
    scope: Scope
    id: str
    document: "asyncio.Future[str | None]"
    give_up_at: float


class GroupRead:
    """The point reads of one process: documents by table, scope and id."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], *, readers: int = 2, timeout_s: float = 10.0
    ) -> None:
        self._connect = connect
        self._readers = readers
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Wanted] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the readers."""
        self._tasks = [asyncio.create_task(self._read_on()) for _ in range(self._readers)]

    async def close(self) -> None:
        """Stop the readers and fail what still waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wanted in self._waiting:
            _fail(wanted, StoreUnavailable("the store was closed"))

    def document(self, table: str, scope: Scope, id: str) -> "asyncio.Future[str | None]":
        """The document of a row, or None where there is none."""
        if len(self._waiting) >= QUEUE_MAX:
            raise StoreOverloaded("too many reads wait")
        document: asyncio.Future[str | None] = self._loop.create_future()
        self._waiting.append(Wanted(table, scope, id, document, monotonic() + self._timeout_s))
        while self._idle:
            reader = self._idle.popleft()
            if not reader.done():
                reader.set_result(None)
                break
        return document

    async def _read_on(self) -> None:
        connection: Connection | None = None
        try:
            while True:
                group = await self._take()
                try:
                    if connection is None or connection.is_closed():
                        connection = await self._connect()
                    await _read(connection, group)
                except CONNECTION_LOST as error:
                    _hang_up(connection)
                    connection = None
                    self._again(group, error)
                    await asyncio.sleep(RECONNECT_AFTER_S)
                except asyncpg.PostgresError as error:
                    for wanted in group:
                        _fail(wanted, PortError(f"the database refused a read: {error.sqlstate}"))
                except asyncio.CancelledError:
                    for wanted in group:
                        _fail(wanted, StoreUnavailable("the read was interrupted"))
                    raise
        finally:
            _hang_up(connection)

    async def _take(self) -> list[Wanted]:
        await asyncio.sleep(0)  # everybody who is ready in this turn of the loop gets into the group
        while not self._waiting:
            reader = self._loop.create_future()
            self._idle.append(reader)
            await reader
            await asyncio.sleep(0)
        size = min(len(self._waiting), GROUP_MAX)
        return [self._waiting.popleft() for _ in range(size)]

    def _again(self, group: list[Wanted], error: BaseException) -> None:
        now = monotonic()
        for wanted in group:
            if now < wanted.give_up_at:
                self._waiting.append(wanted)
            else:
                lost = StoreUnavailable("the store did not answer in time")
                lost.__cause__ = error
                _fail(wanted, lost)


async def _read(connection: Connection, group: list[Wanted]) -> None:
    by_table: dict[str, list[tuple[int, Wanted]]] = {}
    for number, wanted in enumerate(group):
        by_table.setdefault(wanted.table, []).append((number, wanted))
    arguments: list[object] = []
    for rows in by_table.values():
        arguments.append([wanted.scope.merchant for _, wanted in rows])
        arguments.append([wanted.scope.livemode for _, wanted in rows])
        arguments.append([wanted.id for _, wanted in rows])
        arguments.append([number for number, _ in rows])
    found = dict(await connection.fetch(_statement(tuple(by_table)), *arguments))
    for number, wanted in enumerate(group):
        if not wanted.document.done():
            wanted.document.set_result(found.get(number))


@lru_cache(maxsize=64)
def _statement(tables: tuple[str, ...]) -> str:
    selects = [
        f"select u.number, e.document::text from unnest(${4 * n + 1}::text[], ${4 * n + 2}::bool[],"
        f" ${4 * n + 3}::text[], ${4 * n + 4}::int4[]) as u(merchant_id, livemode, id, number)"
        f" join {table} t using (merchant_id, livemode, id)"
        " join events e on e.merchant_id = t.merchant_id and e.livemode = t.livemode and e.id = t.event_id"
        for n, table in enumerate(tables)
    ]
    return " union all ".join(selects)


def _fail(wanted: Wanted, error: Exception) -> None:
    if not wanted.document.done():
        wanted.document.set_exception(error)


def _hang_up(connection: Connection | None) -> None:
    if connection is not None:
        connection.terminate()
