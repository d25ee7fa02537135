"""Tending keys by itself: a service goes through all rings and sealed values, some of them each minute.

Every process does so; what one has done, the next does not find. It takes a process eight hours to see to fifty thousand
rings, and what it sees to is counted in days.
"""

from typing import Final

from attrs import define, field

from fintech.application.keys.retention import RemoveUnneeded, StoppedAt
from fintech.application.keys.tending import TENDER, TendKeys

#: How often a round is made, and how many sealed values it looks at.
INTERVAL_S: Final = 60.0
VALUES_MAX: Final = 2_000


@define
class KeyTending:
    """A round of each after the other."""

    tend: TendKeys
    remove_unneeded: RemoveUnneeded
    _stopped: StoppedAt | None = field(default=None, init=False)

    async def __call__(self) -> int:
        """Always 0: the next round comes in its time, however much there is to do."""
        await self.tend()
        run = await self.remove_unneeded(TENDER, self._stopped, VALUES_MAX)
        self._stopped = run.stopped
        return 0
