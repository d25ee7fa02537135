"""The watch: looks at the key table for what has changed, and knows how long ago it last could."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from fintech.adapters.crypto.leases import Lending
from fintech.adapters.crypto.roots import NEVER, Roots, RootStanding
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.scope import Scope
from fintech.ports.key_table import LISTED_MAX, KeyTable, RingChange
from fintech.ports.key_vault import VaultFigures

#: A heartbeat is read so many times while it is good.
_READ_OFTEN: Final = 6

_log = logging.getLogger(__name__)


@define(eq=False, kw_only=True)
class Watch:
    """``changed`` is told whose rings have changed, None for everybody's; ``shut`` of a root key that is shut.

    Whoever wants a lease from ``due_at`` on has it look first, so that nothing hangs on somebody running it. Where it is
    ``attended`` by somebody who looks all the time, nobody waits for a table that cannot be read.
    """

    table: KeyTable
    lending: Lending
    roots: Roots
    timing: CustodyTiming
    figures: VaultFigures
    changed: Callable[[Sequence[Scope] | None], Awaitable[None]]
    shut: Callable[[RootStanding], None]
    attended: bool
    due_at: datetime = NEVER
    looked_at: datetime | None = None
    failing: bool = False
    _epoch: int | None = field(default=None, init=False)
    _read_roots_at: datetime = field(default=NEVER, init=False)
    _looking: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def look(self) -> None:
        """Look, or join whoever does."""
        await asyncio.wait({self._look()})

    async def sight(self, now: datetime) -> None:
        """Look if it is time to."""
        if now < self.due_at:
            return
        looking = self._look()
        if not (self.failing and self.attended):
            await asyncio.wait({looking})

    async def next(self) -> None:
        """Wait until it is worth while to look again: for a change, and not for long."""
        every = self.timing.look_every.total_seconds()
        if self.failing or self._epoch is None:
            await asyncio.sleep(every)
            return
        try:
            async with asyncio.timeout(every + self.timing.look_timeout.total_seconds()):
                await self.table.await_change(self._epoch, every)
        except Exception:  # noqa: BLE001 - the look that follows says what is wrong
            await asyncio.sleep(every)

    async def close(self) -> None:
        """End a look that is under way."""
        if self._looking is not None and not self._looking.done():
            self._looking.cancel()
            await asyncio.wait({self._looking})

    def _look(self) -> "asyncio.Task[None]":
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._looked(), name="look at the key table")
        return self._looking

    async def _looked(self) -> None:
        now = self.lending.clock.now()
        self.figures.looks += 1
        try:
            async with asyncio.timeout(self.timing.look_timeout.total_seconds()):
                await self._read(now)
        except Exception as error:  # noqa: BLE001 - whatever fails, leases end with it, and it is tried again
            self.figures.failed_looks += 1
            self.due_at = self.lending.clock.now() + self.timing.look_every
            if not self.failing:
                _log.warning("the key table cannot be read", extra={"error": type(error).__name__})
            self.failing = True
            return
        if self.failing:
            _log.info("the key table can be read again")
        self.failing = False
        self.looked_at = now
        self.lending.until = now + self.timing.blind
        self.due_at = now + 2 * self.timing.look_every

    async def _read(self, now: datetime) -> None:
        changes: Sequence[RingChange] = ()
        unlisted = False
        if self._epoch is None:
            self._epoch = await self.table.epoch()
        else:
            changes = await self.table.changes(self._epoch, LISTED_MAX)
            unlisted = len(changes) == LISTED_MAX
            if unlisted:  # root keys may be among those, too
                self._epoch = await self.table.epoch()
                await self.changed(None)
            elif changes:
                await self.changed([change.scope for change in changes if change.scope is not None])
        if now >= self._read_roots_at or unlisted or any(change.cmk is not None for change in changes):
            for root_key in await self.table.root_keys():
                if self.roots.tell(root_key, now):
                    self.shut(self.roots.of(root_key.cmk))
            self._read_roots_at = now + _sixth(self.timing.heartbeat)
        if changes:
            self._epoch = max(self._epoch, changes[-1].epoch)


def _sixth(whole: timedelta) -> timedelta:
    return whole / _READ_OFTEN
