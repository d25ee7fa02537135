"""Group commit: many changesets in one transaction, each decided alone by the domain's own `apply`.

A writer that is free takes what is waiting, up to `GROUP_MAX`, and never waits for more. It applies the changesets one
by one to the group's `State`, writes what was accepted as one guarded statement, and answers every caller after the
commit. Which state depends on luck: first what the changesets suppose (no read at all), after a lost race what a glance
or a reading finds, after several what is held under locks. Changesets that may take an account past its limit have a lane of their
own and are held from the start. Two that touch the same are never on their way in two groups at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from time import monotonic
from typing import Final

from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.lanes import Answered, Care, Lane, Member, touched_by
from fintech.adapters.postgres.recent_claims import RecentClaims
from fintech.adapters.postgres.writer import Writer
from fintech.adapters.postgres.writes import Owner
from fintech.domain.changeset import Changeset
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import StoreOverloaded, StoreUnavailable

QUEUE_MAX: Final = 20_000


class GroupCommit:
    """The commit path of one process, made in its loop. ``committed`` is told whose deltas were written."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        clock: Clock,
        *,
        committed: Callable[[Iterable[Owner]], None],
        writers: int = 2,
        holders: int = 1,
        timeout_s: float = 30.0,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._committed = committed
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()  # asking for it is a system call each time
        under_way: set[Hashable] = set()
        self._free = Lane(Care.SUPPOSED, under_way)
        self._limited = Lane(Care.HELD, under_way)
        self._crew = {self._free: writers, self._limited: holders}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the writers."""
        recent = RecentClaims()
        for lane, crew in self._crew.items():
            for _ in range(crew):
                writer = Writer(self._connect, self._clock, self._committed, recent)
                self._tasks.append(asyncio.create_task(writer.work(lane, tuple(self._crew))))

    async def close(self) -> None:
        """Stop the writers and fail what still waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._crew:
            while lane.waiting:
                lane.waiting.popleft().fail(StoreUnavailable("the store was closed"))

    @property
    def waiting(self) -> int:
        """How many changesets wait for a writer."""
        return sum(len(lane.waiting) for lane in self._crew)

    def commit(self, scope: Scope, changes: Changeset) -> "asyncio.Future[Answered]":
        """Queue a changeset. The future is its caller's: cancelling it does not undo the commit."""
        lane = self._limited if changes.limited else self._free
        if len(lane.waiting) >= QUEUE_MAX:
            raise StoreOverloaded("too many changesets wait to be committed")
        answer: asyncio.Future[Answered] = self._loop.create_future()
        give_up_at = monotonic() + self._timeout_s
        lane.put(Member(scope, changes, answer, give_up_at, touched_by(scope, changes)))
        return answer
