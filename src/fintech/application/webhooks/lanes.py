"""A lane for each endpoint: how much is sent to it at once, so that one that is slow or down delays nobody else."""

from collections import deque
from typing import Final

from attrs import define, field

from fintech.ports.outbox import Claimed

#: How many are under way to one endpoint at once, and how many of its deliveries are held, under way or next.
RUNNING_MAX: Final = 16
HELD_MAX: Final = 256
#: An endpoint that nothing has arrived at yet, as far as this process knows, gets so many at first.
UNPROVEN_MAX: Final = 2
#: From so many failures in a row on, one at a time; then with pauses that double.
ALONE_FROM: Final = 4
PAUSE_MAX_S: Final = 60.0
#: A lane that is short of this many wants more.
REFILL_BELOW: Final = HELD_MAX // 2


@define(eq=False)
class Lane:
    """Moments are seconds of a clock that only runs forward.

    ``failures`` counts in waves: of those that were under way at once, all that fail are one failure. ``more``: there
    was more to claim than there was room for.
    """

    queue: deque[Claimed] = field(factory=deque)
    running: int = 0
    failures: int = 0
    proven: bool = False
    more: bool = False
    free_at: float = 0.0
    failed_at: float = float("-inf")

    @property
    def most(self) -> int:
        """How many may be under way at once now."""
        if self.failures:
            return max(1, RUNNING_MAX >> self.failures)
        return RUNNING_MAX if self.proven else UNPROVEN_MAX

    @property
    def held(self) -> int:
        """How many are under way or next."""
        return self.running + len(self.queue)

    @property
    def hungry(self) -> bool:
        """Whether it is worth the while to claim more."""
        return self.more and not self.failures and len(self.queue) < REFILL_BELOW

    def room(self, now: float) -> int:
        """How many more of its deliveries are wanted."""
        if now < self.free_at:
            return 0
        most = HELD_MAX if self.proven and not self.failures else self.most
        return max(most - self.held, 0)

    def starts(self) -> int:
        """How many more may be sent at once."""
        return min(self.most - self.running, len(self.queue))

    def idle(self, now: float) -> bool:
        """Whether it may be forgotten."""
        return not self.held and not (self.failures and now < self.free_at + PAUSE_MAX_S)

    def succeeded(self) -> None:
        """Something has arrived."""
        self.proven = True
        self.failures = 0
        self.free_at = 0.0

    def failed(self, started: float, now: float, *, hung: bool) -> None:
        """Something that was sent at a moment has failed; ``hung``: after as long as we wait."""
        if started < self.failed_at:
            return  # of a wave that has been counted
        self.failed_at = now
        self.failures = max(self.failures + 1, ALONE_FROM if hung else 0)
        if self.failures > ALONE_FROM:
            self.free_at = now + min(2.0 ** (self.failures - ALONE_FROM - 1), PAUSE_MAX_S)
