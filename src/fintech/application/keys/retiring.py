"""Retirement: a version that nothing is sealed with any more is destroyed (PCI DSS 3.7.5).

What would be lost by it is not: nobody can be about to put something that a version sealed which has been replaced for
`KeyPolicy.retire_after`, for a lease ends after minutes and what is put after its lease has ended is not spoken of by
any commit (`Protection.keep`); what a backup gave back meanwhile is counted. Whoever seals anew (`Reseal`) takes from older
versions only, so the oldest goes first, and none goes while something is sealed with it or an older one.
"""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.auditing import Audited, Deed, Ending
from fintech.application.commits import TRIES_MAX, NotFound
from fintech.application.keys.permissions import WithdrawLeft
from fintech.domain.audit import AuditAction
from fintech.domain.keys.custody import KeyRing, KeyStatus, RetirementRefused
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted
from fintech.ports.key_table import KeyTable
from fintech.ports.protected_store import ProtectedStore


@frozen
class TooSoon:
    """The next version has not sealed for long enough; from ``at`` on it has."""

    at: datetime


@frozen
class StillSealed:
    """So many values are sealed with it, or with an older version that goes first."""

    number: int
    values: int


@frozen
class OlderFirst:
    """An older version still opens: it goes first."""

    number: int


RetireRefused: TypeAlias = NotFound | RetirementRefused | TooSoon | StillSealed | OlderFirst


@frozen(kw_only=True)
class RetireKey:
    """Destroy a version of a merchant's key."""

    table: KeyTable
    protected: ProtectedStore
    clock: Clock
    audited: Audited
    withdraw: WithdrawLeft
    policy: KeyPolicy

    async def __call__(self, actor: Actor, scope: Scope, number: int) -> Outcome[KeyRing, RetireRefused]:
        """The ring without it. A permission that only it needed is withdrawn, now or by a later sweep. Raises
        `ConcurrencyExhausted`."""
        ring = await self.table.ring(scope)
        if ring is None:
            return Failure(NotFound("ring of keys", scope.merchant))
        deed = Deed(
            actor=actor,
            action=AuditAction.KEY_RETIRED,
            subject=ring.id,
            scope=scope,
            details={"number": number},
        )
        async with self.audited.attempt(deed) as ending:
            retired = await self._retired(ring, number, ending)
            ending.came_to(retired)
        if isinstance(retired, Failure):
            return retired
        withdrawn = await self.withdraw(scope)
        return withdrawn if isinstance(withdrawn, Success) else retired

    async def _retired(self, ring: KeyRing, number: int, ending: Ending) -> Outcome[KeyRing, RetireRefused]:
        current: KeyRing | None = ring
        for _ in range(TRIES_MAX):
            assert current is not None, "a ring is never removed"
            decided = await self._decided(current, number)
            if isinstance(decided, Failure):
                return decided
            await ending.begin()
            saved = await self.table.save(decided.unwrap())
            if isinstance(saved, Success):
                return Success(saved.unwrap())
            current = await self.table.ring(ring.scope)
        raise ConcurrencyExhausted("the ring was changed too often meanwhile; nothing is retired")

    async def _decided(self, ring: KeyRing, number: int) -> Outcome[KeyRing, RetireRefused]:
        now = self.clock.now()
        retired = ring.retired(number, now)
        if isinstance(retired, Failure):
            return retired
        opening = [key.number for key in ring.keys if key.status is not KeyStatus.RETIRED]
        if min(opening) < number:
            return Failure(OlderFirst(min(opening)))
        at = self.policy.retires_at(ring, number)
        assert at is not None, "what only opens has been followed by what seals"
        if now < at:
            return Failure(TooSoon(at))
        counts = await self.protected.counts(ring.scope)
        values = sum(count for version, count in counts.items() if version <= number)
        if values:
            return Failure(StillSealed(number, values))
        return retired
