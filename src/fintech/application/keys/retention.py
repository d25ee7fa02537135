"""The retention run: sealed values that nobody needs any more are removed (PCI DSS 3.2.1). Those of a commit that failed,
those of records that are gone, and numbers of cards and accounts that ended long ago.

A run looks at so many values and says where it stopped; the next goes on there, or at the beginning: what was looked at
twice is as it was. A value is removed only if it is still as it was when its record was asked about.
"""

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from attrs import define, frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.keys.honeytokens import Honeytokens
from fintech.application.keys.needing import AskRecords
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.places import Place
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.key_table import KeyTable
from fintech.ports.protected_store import ProtectedStore, SealedValue

#: How many values are listed at once, how many rings, and how many values a run looks at unless it is told otherwise.
BATCH: Final = 200
RINGS_PAGE: Final = 200
RUN_MAX: Final = 20_000

_log = logging.getLogger(__name__)


@frozen
class StoppedAt:
    """Where a run stopped: after a merchant's value, or before its first."""

    scope: Scope
    place: Place | None


@frozen(kw_only=True)
class RetentionRun:
    """What a run came to. ``unknown`` are values whose record nobody knows how to ask about; they are kept. ``stopped`` is
    None when it came to the end."""

    looked_at: int
    removed: int
    unknown: int
    stopped: StoppedAt | None


@define
class _Run:
    looked_at: int = 0
    removed: int = 0
    unknown: int = 0


@frozen(kw_only=True)
class RemoveUnneeded:
    """Look at merchants' sealed values, and remove what is not needed."""

    table: KeyTable
    protected: ProtectedStore
    clock: Clock
    audited: Audited
    ask: AskRecords
    honeytokens: Honeytokens
    policy: KeyPolicy

    async def __call__(
        self, actor: Actor, start: StoppedAt | None = None, most: int = RUN_MAX
    ) -> RetentionRun:
        """Of up to about ``most`` values, from where another run has stopped. What is planted is passed over."""
        now, run = self.clock.now(), _Run()
        stopped: StoppedAt | None = None
        async for scope in self._scopes(start):
            after = start.place if start is not None and start.scope == scope else None
            stopped = await self._merchant(actor, scope, after, now, run, most)
            if stopped is not None:
                break
        return RetentionRun(
            looked_at=run.looked_at, removed=run.removed, unknown=run.unknown, stopped=stopped
        )

    async def _scopes(self, start: StoppedAt | None) -> AsyncIterator[Scope]:
        if start is not None:
            yield start.scope
        after = None if start is None else start.scope
        while page := await self.table.rings(None, after, RINGS_PAGE):
            for ring in page:
                if not self.honeytokens.planted(ring.scope.merchant):
                    yield ring.scope
            after = page[-1].scope

    async def _merchant(
        self, actor: Actor, scope: Scope, after: Place | None, now: datetime, run: _Run, most: int
    ) -> StoppedAt | None:
        removed, before = 0, now - self.policy.unclaimed_kept
        stopped: StoppedAt | None = None
        while values := await self.protected.listed(scope, before, after, BATCH):
            if run.looked_at >= most:
                stopped = StoppedAt(scope, after)
                break
            unneeded = [value for value in values if not await self._needed(scope, value, now, run)]
            removed += await self.protected.discard(scope, unneeded)
            run.looked_at += len(values)
            after = values[-1].place
        if removed:
            run.removed += removed
            deed = Deed(actor=actor, action=AuditAction.VALUES_REMOVED, subject=scope.merchant, scope=scope)
            await self.audited.write(deed, AuditResult.DONE, values=removed)
        return stopped

    async def _needed(self, scope: Scope, value: SealedValue, now: datetime, run: _Run) -> bool:
        if self.honeytokens.planted(value.place.record):
            return True
        needed = await self.ask(scope, value.place, now)
        if needed is None:
            run.unknown += 1
            told = {"merchant": scope.merchant, "table": value.place.table, "record": value.place.record}
            _log.warning("nobody knows whether a sealed value is needed", extra=told)
        return needed is not False
