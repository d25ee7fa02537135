"""Has the server of a data folder back, whatever ended it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

ENSURE_INTERVAL_S: Final = 1.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def repeated(ensure: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Have the server back meanwhile, whatever ended it: connections that were cut find it at the same address."""

    async def repeat() -> None:
        failing = False
        while True:
            await asyncio.sleep(ENSURE_INTERVAL_S)
            try:
                await ensure()
            except Exception:  # noqa: BLE001 - it is tried again, and the store says that it is unavailable
                if not failing:
                    _log.exception("the server of the data folder cannot be had back yet")
                failing = True
            else:
                failing = False

    task = asyncio.create_task(repeat(), name="server guard")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
