"""The worker: sweeps and delivers, again and again, for as long as a service lives; and whatever else comes round."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

from fintech.application.keys.sweep import KeySweep
from fintech.application.sweep import ROUND_MAX
from fintech.application.webhooks import dispatch
from fintech.application.webhooks.dispatch import Dispatch
from fintech.application.webhooks.posting import PostEvent
from fintech.application.webhooks.secrets import SigningSecrets
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.events import event_body
from fintech.entrypoints.noting import INTERVAL_S as NOTING_INTERVAL_S
from fintech.entrypoints.noting import Noting, Strangers
from fintech.ports.errors import StoreUnavailable

INTERVAL_S: Final = 0.5
#: How long a round may still take once it is told to stop. What is cut then is due again: nothing is lost by it.
STOP_PATIENCE_S: Final = 10.0
#: How long what is being delivered may still take then.
DELIVERY_PATIENCE_S: Final = 5.0
#: So many times while root keys are tried once, it is looked whether it is time for merchants.
MERCHANTS_OFTEN: Final = 5

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


def dispatcher(core: Core) -> Dispatch:
    """Sends what is in the core's outbox, as the HTTP face writes it."""
    return Dispatch(
        outbox=core.outbox(),
        post=PostEvent(
            sender=core.webhook_sender(),
            secrets=SigningSecrets(core.protection()),
            render=event_body,
            clock=core.clock(),
        ),
        clock=core.clock(),
        give_up=core.give_up_webhook_endpoint(),
    )


@asynccontextmanager
async def sweeping_keys(sweep: KeySweep) -> AsyncIterator[None]:
    """Ask the root about keys meanwhile, if no other process does. At the end another one may take over at once."""
    every_s = sweep.terms.timing.canary_every.total_seconds()
    try:
        async with (
            working(sweep.try_root_keys, interval_s=every_s, name="canary of keys"),
            working(sweep.try_merchants, interval_s=every_s / MERCHANTS_OFTEN, name="sweep of keys"),
        ):
            yield
    finally:
        with suppress(StoreUnavailable):  # its lead ends by itself
            await sweep.give_up()


@asynccontextmanager
async def noting(core: Core) -> AsyncIterator[Strangers]:
    """Write into the audit trail meanwhile that the service runs and who is not let in, and at the end that it stopped."""
    notes = Noting(audit=core.audit(), clock=core.clock())
    notes.started()
    try:
        async with working(notes, interval_s=NOTING_INTERVAL_S, name="noting"):
            yield notes.strangers
    finally:
        await notes.stopped()


@asynccontextmanager
async def delivering(
    dispatching: Dispatch, *, interval_s: float = dispatch.INTERVAL_S, patience_s: float = DELIVERY_PATIENCE_S
) -> AsyncIterator[None]:
    """Deliver meanwhile. At the end what is under way has ``patience_s`` to arrive; the rest is free for others."""
    task = asyncio.create_task(dispatching.run(interval_s, patience_s=patience_s), name="dispatcher")
    try:
        yield
    finally:
        dispatching.stop()
        await asyncio.wait({task})
        if not task.cancelled() and (broken := task.exception()):
            _log.error("the dispatcher broke", exc_info=broken)


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
