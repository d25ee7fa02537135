"""What a dispatcher has come to so far, in plain numbers."""

from bisect import bisect_left
from enum import StrEnum
from typing import Final

from attrs import define, field

#: Upper bounds of how long an event took to arrive, in seconds.
LAG_BUCKETS_S: Final = (
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    15.0,
    60.0,
    600.0,
    3_600.0,
    21_600.0,
    86_400.0,
    259_200.0,
)


class Ending(StrEnum):
    """What one try, or none, came to."""

    ARRIVED = "arrived"
    FAILED = "failed"  #: it will be tried again
    LOST = "lost"  #: it failed, for the last time
    CANCELED = "canceled"
    HELD_BACK = "held_back"  #: custody lets nobody sign it now
    LET_GO = "let_go"  #: it was not tried; somebody else may


@define
class Figures:
    """How often each ending was, and how long after its event each arrival."""

    endings: dict[Ending, int] = field(factory=lambda: dict.fromkeys(Ending, 0))
    lag_buckets: list[int] = field(factory=lambda: [0] * (len(LAG_BUCKETS_S) + 1))
    lag_total_s: float = 0.0
    under_way: int = 0
    disabled: int = 0

    def add(self, ending: Ending) -> None:
        """One more."""
        self.endings[ending] += 1

    def arrived(self, lag_s: float) -> None:
        """An event has arrived so long after it happened."""
        self.lag_buckets[bisect_left(LAG_BUCKETS_S, lag_s)] += 1
        self.lag_total_s += lag_s
