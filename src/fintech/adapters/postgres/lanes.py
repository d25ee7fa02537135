"""Where changesets wait for a writer."""

import asyncio
from collections import deque
from collections.abc import Hashable, Sequence
from enum import IntEnum
from typing import Final

from attrs import define, field, frozen

from fintech.domain.changeset import Answer, Changeset, CommitRefused, Committed
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope

GROUP_MAX: Final = 200
#: How far down a queue a writer looks for changesets that nobody on the way stands in the way of.
LOOK_MAX: Final = 4 * GROUP_MAX

Answered = Outcome[Committed, CommitRefused]


class Care(IntEnum):
    """How sure a group's state is; `group_state` says what each one looks at."""

    SUPPOSED = 0
    GLANCED = 1
    READ = 2
    HELD = 3


@frozen(eq=False)
class Member:
    """One changeset on its way, and who waits for it. ``touches`` names what others may want to write as well."""

    scope: Scope
    changes: Changeset
    answer: "asyncio.Future[Answered]"
    give_up_at: float
    touches: tuple[Hashable, ...]

    def succeed(self, outcome: Answered) -> None:
        """Tell the caller, unless it has gone away."""
        if not self.answer.done():
            self.answer.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Tell the caller that it broke, unless it has gone away."""
        if not self.answer.done():
            self.answer.set_exception(error)


def touched_by(scope: Scope, changes: Changeset) -> tuple[Hashable, ...]:
    """What a changeset shares with others: its idempotency key, and the aggregates that were there before it."""
    touches: list[Hashable] = [change.aggregate.id for change in changes.changes if change.aggregate.version]
    claim = changes.claim
    if claim is not None and not (isinstance(claim, Answer) and claim.claim is None):
        touches.append((scope, claim.key))
    return tuple(touches)


@define(eq=False)
class Lane:
    """A queue and the writers that wait at it. ``under_way``: what groups touch that have been taken, from any lane.

    Two changesets that touch the same are either in one group, where the second sees what the first did, or one after
    the other; in two groups at once the second would lose its race, and all its neighbours with it.
    """

    care: Care
    under_way: set[Hashable]
    waiting: deque[Member] = field(factory=deque)
    idle: "deque[asyncio.Future[None]]" = field(factory=deque)
    hungry: int = 0

    def put(self, member: Member) -> None:
        """Queue a member and wake one writer."""
        self.waiting.append(member)
        self.wake()

    def wake(self) -> None:
        """Wake one writer, if one is idle."""
        while self.idle:
            writer = self.idle.popleft()
            if not writer.done():
                writer.set_result(None)
                break

    async def take(self) -> list[Member]:
        """Up to `GROUP_MAX` members, as soon as there is one; `release` them when they have their answers.

        Everybody who is ready in this turn of the loop gets to put theirs in first: no time is waited, but a group is
        all of a turn's and not its first. Writers that are free at once share what there is, so that the database
        works at one half while this process prepares the other.
        """
        self.hungry += 1
        try:
            await asyncio.sleep(0)
            while not (group := self._group()):
                writer = asyncio.get_running_loop().create_future()
                self.idle.append(writer)
                await writer
                await asyncio.sleep(0)
        finally:
            self.hungry -= 1
        if self.waiting:
            self.wake()
        return group

    def _group(self) -> list[Member]:
        most = min(-(-len(self.waiting) // self.hungry), GROUP_MAX)
        group: list[Member] = []
        later: list[Member] = []
        wanted: set[Hashable] = set()  # by those who have to wait: nobody may overtake them
        while self.waiting and len(group) < most and len(later) < LOOK_MAX:
            member = self.waiting.popleft()
            if self.under_way.isdisjoint(member.touches) and wanted.isdisjoint(member.touches):
                group.append(member)
            else:
                later.append(member)
                wanted.update(member.touches)
        self.waiting.extendleft(reversed(later))
        for member in group:
            self.under_way.update(member.touches)
        return group


def release(group: Sequence[Member], lanes: Sequence[Lane]) -> None:
    """The members of a group have their answers: whoever waited for what they touched may go."""
    under_way = lanes[0].under_way  # the same of all
    for member in group:
        under_way.difference_update(member.touches)
    for lane in lanes:
        if lane.waiting:
            lane.wake()
