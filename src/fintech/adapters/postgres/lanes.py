"""Where changesets wait for a writer."""

import asyncio
from collections import deque
from enum import IntEnum
from typing import Final

from attrs import define, field, frozen

from fintech.domain.changeset import Changeset, CommitRefused, Committed
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope

GROUP_MAX: Final = 200

Answered = Outcome[Committed, CommitRefused]


class Care(IntEnum):
    """How sure a group's state is."""

    SUPPOSED = 0
    READ = 1
    HELD = 2


@frozen(eq=False)
class Member:
    """One changeset on its way, and who waits for it."""

    scope: Scope
    changes: Changeset
    answer: "asyncio.Future[Answered]"
    give_up_at: float

    def succeed(self, outcome: Answered) -> None:
        """Tell the caller, unless it has gone away."""
        if not self.answer.done():
            self.answer.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Tell the caller that it broke, unless it has gone away."""
        if not self.answer.done():
            self.answer.set_exception(error)


@define(eq=False)
class Lane:
    """A queue and the writers that wait at it."""

    care: Care
    waiting: deque[Member] = field(factory=deque)
    idle: "deque[asyncio.Future[None]]" = field(factory=deque)

    def put(self, member: Member) -> None:
        """Queue a member and wake one writer."""
        self.waiting.append(member)
        while self.idle:
            writer = self.idle.popleft()
            if not writer.done():
                writer.set_result(None)
                break

    async def take(self) -> list[Member]:
        """Up to `GROUP_MAX` members, as soon as there is one.

        Everybody who is ready in this turn of the loop gets to put theirs in first: no time is waited, but a group is
        all of a turn's and not its first.
        """
        await asyncio.sleep(0)
        while not self.waiting:
            writer = asyncio.get_running_loop().create_future()
            self.idle.append(writer)
            await writer
            await asyncio.sleep(0)
        size = min(len(self.waiting), GROUP_MAX)
        return [self.waiting.popleft() for _ in range(size)]
