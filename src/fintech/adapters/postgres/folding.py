"""Folds delta rows into the accounts, so that a balance stays a short read however much was booked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Final

import asyncpg

from fintech.adapters.postgres.book_balances import fold_balances, hold_books
from fintech.adapters.postgres.connections import CONNECTION_LOST, RACE_LOST, Connection
from fintech.adapters.postgres.statements import write_statement
from fintech.adapters.postgres.writes import Owner, Writes
from fintech.domain.ids import MerchantId

#: An owner is folded when it has so many delta rows, or when the oldest is so old.
DELTAS_MAX: Final = 64
AGE_MAX_S: Final = 5.0
#: So few at once, because adding up their rows is done in one go, and everybody else waits meanwhile.
OWNERS_MAX: Final = 16
ROUND_S: Final = 0.25
#: How often to look for deltas that another process left behind.
SCAN_S: Final = 60.0

_log = logging.getLogger(__name__)


class Folding:
    """The folding task of one process. It waits for no book that is held: who holds it folds it anyway."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._counts: dict[Owner, int] = {}
        self._since: dict[Owner, float] = {}
        self._scanned = -SCAN_S
        self._hurried: dict[Owner, None] = {}
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start folding."""
        self._task = asyncio.create_task(self._fold_on())

    async def close(self) -> None:
        """Stop folding; what is not folded is found by the next process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hurry(self, owner: Owner) -> None:
        """Somebody reads this owner's balances and had to add up many delta rows: fold them now."""
        self._hurried[owner] = None
        self._awake.set()

    def note(self, owners: Iterable[Owner]) -> None:
        """Delta rows were written for these owners."""
        now = monotonic()
        for owner in owners:
            self._counts[owner] = self._counts.get(owner, 0) + 1
            self._since.setdefault(owner, now)

    async def _fold_on(self) -> None:
        connection: Connection | None = None
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_S):
                        await self._awake.wait()
                self._awake.clear()
                try:
                    if connection is None or connection.is_closed():
                        connection = await self._connect()
                    await self._scan(connection)
                    while due := self._due():
                        await self._fold_each(connection, due)
                except (*CONNECTION_LOST, *RACE_LOST, asyncpg.PostgresError) as error:
                    _log.warning("folding was interrupted and will go on: %s", type(error).__name__)
        finally:
            if connection is not None:
                connection.terminate()

    async def _scan(self, connection: Connection) -> None:
        if monotonic() - self._scanned < SCAN_S:
            return
        self._scanned = monotonic()
        rows = await connection.fetch(
            "select merchant_id, livemode from book_deltas group by 1, 2 order by count(*) desc limit 10000"
        )
        for merchant, livemode in rows:
            self._since.setdefault((MerchantId(merchant), livemode), 0.0)

    def _due(self) -> list[Owner]:
        old = monotonic() - AGE_MAX_S
        due = list(islice(self._hurried, OWNERS_MAX))
        for owner, since in self._since.items():
            if len(due) == OWNERS_MAX:
                break
            if (self._counts.get(owner, 0) >= DELTAS_MAX or since < old) and owner not in self._hurried:
                due.append(owner)
        for owner in due:
            self._hurried.pop(owner, None)
            self._counts.pop(owner, None)
            self._since.pop(owner, None)
        return sorted(due)

    async def _fold_each(self, connection: Connection, owners: list[Owner]) -> None:
        """Fold all at once; or one by one, where one of them cannot be."""
        try:
            await self._fold(connection, owners)
        except (*CONNECTION_LOST, *RACE_LOST):
            raise
        except Exception as error:  # noqa: BLE001 - whatever is in one book, the others need it
            if len(owners) == 1:
                _log.error("a book cannot be folded: %s", type(error).__name__)
                return
            for owner in owners:
                await self._fold_each(connection, [owner])

    async def _fold(self, connection: Connection, owners: list[Owner]) -> None:
        async with connection.transaction():
            held = await hold_books(connection, owners, skip_locked=True)
            writes = Writes()
            for (livemode, account), balances in (await fold_balances(connection, held, set())).items():
                writes.set_balances(livemode, account, balances)
            if writes:
                parts, columns = writes.parts()
                await connection.fetchval(write_statement(parts), *columns)
