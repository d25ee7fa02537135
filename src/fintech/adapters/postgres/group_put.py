"""Group puts: sealed values that many callers want kept in the same moment, in one statement and one commit.

As much as waits is taken; where there was more than one just now, more is awaited for two milliseconds. So a lone caller
pays one commit and nothing else, and a thousand share it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import asyncpg
from attrs import frozen

from fintech.adapters.postgres.pooled import asked
from fintech.adapters.postgres.protected_statements import PUT
from fintech.domain.scope import Scope
from fintech.ports.errors import PortError, StoreOverloaded, StoreUnavailable

#: How many values one statement keeps, about, and how many calls wait.
GROUP_MAX: Final = 1_000
QUEUE_MAX: Final = 20_000
GATHER_S: Final = 0.002

#: Whose it is, and its table, record and column: what the primary key has.
Key: TypeAlias = tuple[str, bool, str, str, str]
#: Schema, number, message, blind index and time.
Content: TypeAlias = tuple[object, ...]


@frozen(eq=False)
class _Put:
    rows: Mapping[Key, Content]
    kept: "asyncio.Future[None]"


class GroupPut:
    """The puts of one process, in its loop. What one caller puts is kept as a whole or not at all."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting: deque[_Put] = deque()
        self._working: asyncio.Task[None] | None = None

    async def put(self, scope: Scope, rows: Mapping[tuple[str, str, str], Content]) -> None:
        """Durable when it returns. A caller that goes away does not take back what it has put."""
        if len(self._waiting) >= QUEUE_MAX:
            raise StoreOverloaded("too much waits to be kept")
        keyed: dict[Key, Content] = {
            (scope.merchant, scope.livemode, *field): content for field, content in rows.items()
        }
        put = _Put(keyed, asyncio.get_running_loop().create_future())
        self._waiting.append(put)
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="sealed values")
        await put.kept

    async def _work(self) -> None:
        together = 1
        try:
            while self._waiting:
                # Everybody who is ready in this turn of the loop gets into the group, at the least.
                await asyncio.sleep(GATHER_S if together > 1 else 0)
                group = self._take()
                together = len(group)
                await self._keep(group)
        finally:
            self._working = None
            _fail(self._waiting, StoreUnavailable("the store was closed"))
            self._waiting.clear()

    def _take(self) -> Sequence[_Put]:
        """As much as waits, but no field twice: of two who put the same, the later one's is kept."""
        group, taken = [self._waiting.popleft()], set[Key]()
        taken.update(group[0].rows)
        while self._waiting and len(taken) < GROUP_MAX and taken.isdisjoint(self._waiting[0].rows):
            put = self._waiting.popleft()
            taken.update(put.rows)
            group.append(put)
        return group

    async def _keep(self, group: Sequence[_Put]) -> None:
        rows = sorted((*key, *content) for put in group for key, content in put.rows.items())
        columns = [list(column) for column in zip(*rows, strict=True)]
        try:
            await asked(self._pool, PUT, *columns)
        except PortError as error:
            if len(group) > 1 and not isinstance(error, StoreUnavailable):
                for put in group:  # one that cannot be kept must not fail its neighbours
                    await self._keep((put,))
            _fail(group, error)
        except BaseException:
            _fail(group, StoreUnavailable("nobody knows whether it was kept: put it again"))
            raise
        for put in group:
            if not put.kept.done():
                put.kept.set_result(None)


def _fail(group: Iterable[_Put], error: Exception) -> None:
    for put in group:
        if not put.kept.done():
            put.kept.set_exception(error)
