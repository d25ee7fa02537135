"""Tending keys by itself: a service goes through all rings and sealed values, some of them each minute.

Every process does so; what one has done, the next does not find. It takes a process eight hours to see to fifty thousand
rings, and what it sees to is counted in days.
"""

from datetime import datetime
from typing import Final

from attrs import define, field

from fintech.application.keys.retention import RemoveUnneeded, StoppedAt
from fintech.application.keys.tending import TENDER, TendKeys
from fintech.ports.clock import Clock

#: How often a round is made, and how many sealed values it looks at.
INTERVAL_S: Final = 60.0
VALUES_MAX: Final = 2_000


@define
class TendingFigures:
    """What this process's rounds came to, all of them together (`Tended`, `RetentionRun`). ``failed`` are rounds that
    something ended half way, as a store that is away; ``ended_at`` is when the last one came to its end."""

    rounds: int = 0
    failed: int = 0
    rings: int = 0
    rotated: int = 0
    resealed: int = 0
    retired: int = 0
    shredded: int = 0
    certified: int = 0
    troubled: int = 0
    removed: int = 0
    unknown: int = 0
    ended_at: datetime | None = None


@define(kw_only=True)
class KeyTending:
    """A round of each after the other."""

    tend: TendKeys
    remove_unneeded: RemoveUnneeded
    clock: Clock
    figures: TendingFigures = field(factory=TendingFigures, init=False)
    _stopped: StoppedAt | None = field(default=None, init=False)

    async def __call__(self) -> int:
        """Always 0: the next round comes in its time, however much there is to do."""
        self.figures.rounds += 1
        try:
            await self._tended()
            await self._removed()
        except Exception:
            self.figures.failed += 1
            raise
        self.figures.ended_at = self.clock.now()
        return 0

    async def _tended(self) -> None:
        tended, figures = await self.tend(), self.figures
        figures.rings += tended.rings
        figures.rotated += tended.rotated
        figures.resealed += tended.resealed
        figures.retired += tended.retired
        figures.shredded += tended.shredded
        figures.certified += tended.certified
        figures.troubled += tended.troubled

    async def _removed(self) -> None:
        run = await self.remove_unneeded(TENDER, self._stopped, VALUES_MAX)
        self._stopped = run.stopped
        self.figures.removed += run.removed
        self.figures.unknown += run.unknown
