"""Settling by itself, in test mode: the bank of the sandbox pays as the calendar says, one business day later.

Live books are settled from what the bank says that it has paid, by nobody's calendar.
"""

import logging
from datetime import date
from typing import Final

from attrs import define

from fintech.application.settlement import Settled, SettleEverybody
from fintech.domain.business_days import last_day_due
from fintech.domain.scope import Actor, Face
from fintech.ports.clock import Clock

#: How often to look whether a day has become due, which is at nine in Sydney on every business day.
INTERVAL_S: Final = 60.0
#: So few merchants at once, because the service has others to serve meanwhile.
AT_ONCE: Final = 4
#: How often a day is tried again whose settling broke; then the next start or the next day's turn finds what is left.
TRIES_MAX: Final = 5
SETTLER: Final = Actor("settler", Face.WORKER, "the sandbox's bank pays on the next business day")

_log = logging.getLogger(__name__)


@define
class DailySettling:
    """Settles everybody in test mode as soon as another day is due, and once when it starts.

    Every process does so by itself: what another has settled is not open any more.
    """

    clock: Clock
    settle_everybody: SettleEverybody
    _done: date | None = None
    _broke: int = 0

    async def __call__(self) -> int:
        """Settle, if another day is due. Always 0: no second round is worth it at once."""
        through = last_day_due(self.clock.now())
        if through == self._done:
            return 0
        broken = 0

        def told(settled: Settled) -> None:
            nonlocal broken
            if settled.why is not None:
                broken += isinstance(settled.why, Exception)
                why = type(settled.why).__name__
                _log.warning("a merchant is not settled", extra={"merchant": settled.merchant, "why": why})

        run = await self.settle_everybody(
            SETTLER, livemode=False, through=through, told=told, at_once=AT_ONCE
        )
        self._broke = self._broke + 1 if broken else 0
        if not broken or self._broke >= TRIES_MAX:
            self._done, self._broke = through, 0
        if run.settlements:
            figures = {"merchants": run.merchants, "settlements": run.settlements}
            _log.info("settled", extra={"through": through.isoformat(), **figures})
        return 0
