"""The worker: sweeps, again and again, for as long as a service lives; and whatever else comes round."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from fintech.application.sweep import ROUND_MAX

INTERVAL_S: Final = 0.5
#: How long a round may still take once it is told to stop. What is cut then is due again: nothing is lost by it.
STOP_PATIENCE_S: Final = 10.0

Sweeping: TypeAlias = Callable[[], Awaitable[int]]

_log = logging.getLogger(__name__)


@asynccontextmanager
async def working(
    sweep: Sweeping, *, interval_s: float = INTERVAL_S, name: str = "sweeper"
) -> AsyncIterator[None]:
    """Sweep meanwhile. At the end the round that is under way is finished, within `STOP_PATIENCE_S`."""
    stop = asyncio.Event()
    task = asyncio.create_task(sweep_until(stop, sweep, interval_s, name), name=name)
    try:
        yield
    finally:
        stop.set()
        _, unfinished = await asyncio.wait({task}, timeout=STOP_PATIENCE_S)
        if unfinished:
            _log.warning("the %s is stopped in the middle of a round", name)
            task.cancel()
            await asyncio.wait({task})


async def sweep_until(stop: asyncio.Event, sweep: Sweeping, interval_s: float, name: str) -> None:
    """Sweep every ``interval_s``, and again at once after a full round. A failure is logged once, its end too."""
    failing = False
    while not stop.is_set():
        looked_at = 0
        try:
            looked_at = await sweep()
        except Exception:  # noqa: BLE001 - whatever fails, what is due later must still be looked after
            if not failing:
                _log.exception("the %s fails; it goes on trying", name)
            failing = True
        else:
            if failing:
                _log.info("the %s works again", name)
            failing = False
        if looked_at < ROUND_MAX:
            await _pause(stop, interval_s)


async def _pause(stop: asyncio.Event, interval_s: float) -> None:
    try:
        async with asyncio.timeout(interval_s):
            await stop.wait()
    except TimeoutError:
        return
