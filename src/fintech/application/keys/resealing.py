"""Resealing: what older versions of a merchant's key sealed is sealed anew with the one that seals now, and its blind
index with it. Values change one by one, each only if it is still as it was read: whoever writes meanwhile wins.

What was read stays readable throughout, for older versions open until nothing is sealed with them (`retiring`). A run
that was ended anywhere is run again: what is older is still older.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import define, field, frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.sealing_anew import sealed_anew
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.columns import COLUMNS
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.key_vault import KeyVault, Lease
from fintech.ports.protected_store import LISTED_MAX, ProtectedStore, SealedValue

#: How many values are read at once, and how many of them are replaced at once.
BATCH: Final = 200
AT_ONCE: Final = 8
#: How many values one run looks at, unless it is told otherwise; the next goes on.
RUN_MAX: Final = 20_000
#: With so many values that cannot be sealed anew, something is wrong that a run does not put right.
STUCK_MAX: Final = LISTED_MAX - BATCH

_log = logging.getLogger(__name__)


class Stuck(StrEnum):
    """Why a value is left as it is."""

    UNKNOWN_COLUMN = "unknown_column"  #: nobody says what is sealed there
    INDEX_DIFFERS = (
        "index_differs"  #: its blind index is not that of the value: another's, or made in another way
    )
    VERSION_GONE = "version_gone"  #: no version that opens has sealed it
    DAMAGED = "damaged"  #: it is not what was sealed there; it is set apart


@frozen(kw_only=True)
class Resealed:
    """What a run came to: values ``done``; ``overtaken`` by whoever wrote meanwhile; ``stuck``, left as they are;
    ``left`` of older versions, those that are stuck among them."""

    number: int
    done: int
    overtaken: int
    stuck: Mapping[Stuck, int]
    left: int


@define
class _Run:
    done: int = 0
    overtaken: int = 0
    looked_at: int = 0
    stuck: dict[Place, Stuck] = field(factory=dict)
    refused: CustodyRefused | None = None


@frozen(kw_only=True)
class Reseal:
    """Seal a merchant's values anew."""

    vault: KeyVault
    protected: ProtectedStore
    clock: Clock
    audited: Audited

    async def __call__(
        self, actor: Actor, scope: Scope, most: int = RUN_MAX
    ) -> Outcome[Resealed, CustodyRefused]:
        """Up to ``most`` values. Refused where the bank does not lend the merchant's keys; what was done until then is."""
        run = _Run()
        refused: CustodyRefused | None = None
        while True:
            leased = await self.vault.lease(scope)
            if isinstance(leased, Failure):
                return leased
            lease = leased.unwrap()
            limit = min(BATCH, most - run.looked_at)
            if limit <= 0 or len(run.stuck) > STUCK_MAX:
                break
            older = await self.protected.older(scope, lease.number, limit + len(run.stuck))
            batch = [value for value in older if value.place not in run.stuck][:limit]
            if not batch:
                break
            run.looked_at += len(batch)
            before, refused = refused, await self._batch(actor, lease, batch, run)
            if before is not None and refused is not None:
                return Failure(refused)  # twice in a row; a lease that ends in between is renewed
        counts = await self.protected.counts(scope)
        resealed = Resealed(
            number=lease.number,
            done=run.done,
            overtaken=run.overtaken,
            stuck={why: list(run.stuck.values()).count(why) for why in Stuck if why in run.stuck.values()},
            left=sum(count for number, count in counts.items() if number < lease.number),
        )
        if run.looked_at:
            told = {"number": resealed.number, "done": resealed.done, "left": resealed.left}
            deed = Deed(actor=actor, action=AuditAction.VALUES_RESEALED, subject=scope.merchant, scope=scope)
            await self.audited.write(deed, AuditResult.DONE, **told)
        return Success(resealed)

    async def _batch(
        self, actor: Actor, lease: Lease, batch: Sequence[SealedValue], run: _Run
    ) -> CustodyRefused | None:
        """Why the lease was of no use any more, if so: then the rest of the batch is left."""
        waiting = iter(batch)
        run.refused = None

        async def worker() -> None:
            for value in waiting:
                if run.refused is None:
                    await self._one(lease, value, run)

        before = set(run.stuck)
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(AT_ONCE):
                    workers.create_task(worker())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        for place in run.stuck.keys() - before:
            await self._tell(actor, lease.scope, place, run.stuck[place])
        return run.refused

    async def _one(self, lease: Lease, value: SealedValue, run: _Run) -> None:
        anew = self._anew(lease, value)
        if isinstance(anew, Success):
            replaced = await self.protected.replace(lease.scope, value, anew.unwrap())
            run.done += replaced
            run.overtaken += not replaced
            return
        why = anew.failure()
        if isinstance(why, CustodyRefused):
            run.refused = why
            return
        if why is Stuck.DAMAGED and not await self.protected.quarantine(lease.scope, value, self.clock.now()):
            run.overtaken += 1  # it is another value by now, and nothing is wrong with that
            return
        run.stuck[value.place] = why

    def _anew(self, lease: Lease, value: SealedValue) -> Outcome[SealedValue, Stuck | CustodyRefused]:
        place = value.place
        column = COLUMNS.get((place.table, place.column))
        if column is None:
            return Failure(Stuck.UNKNOWN_COLUMN)
        if value.number not in lease.numbers:
            return Failure(Stuck.VERSION_GONE)
        opened = lease.open(column.purpose, place, value.message)
        if isinstance(opened, Failure):
            refused = opened.failure()
            return Failure(Stuck.DAMAGED if refused.reason is CustodyReason.INTEGRITY else refused)
        anew = sealed_anew(lease, value, opened.unwrap())
        return Failure(Stuck.INDEX_DIFFERS) if anew is None else Success(anew)

    async def _tell(self, actor: Actor, scope: Scope, place: Place, why: Stuck) -> None:
        where = {"table": place.table, "column": place.column, "record": place.record, "why": why.value}
        _log.error("a sealed value cannot be sealed anew", extra={"merchant": scope.merchant, **where})
        if why is not Stuck.UNKNOWN_COLUMN:
            deed = Deed(actor=actor, action=AuditAction.INTEGRITY_FAILED, subject=place.record, scope=scope)
            await self.audited.write(deed, AuditResult.FAILED, **where)
