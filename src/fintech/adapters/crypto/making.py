"""A merchant's first key: written down, made at the root, kept."""

import hashlib
from functools import partial
from typing import Final

from attrs import frozen

from fintech.adapters.crypto.roots import Roots, RootStanding
from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.keys.custody import (
    CmkName,
    Derivation,
    KeyRing,
    KeyRingId,
    KeyStatus,
    KeyVersion,
    new_ring,
)
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Face, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, WrapContext, Wrapped
from fintech.ports.key_table import KeyTable

#: Who lends, in the audit trail.
VAULT: Final = "key vault"


@frozen
class NotLent:
    """``code`` is the word of whoever refused: the root's, or what the bank has said of the ring. ``unanswered``: nobody
    has refused anything; what is lent stays lent."""

    reason: CustodyReason
    code: str
    unanswered: bool = False


@frozen(kw_only=True)
class MakeFirstKey:
    """Makes it, for whoever first asks for a merchant's keys. New keys are spread over ``cmks`` by merchant."""

    root: KeyRoot
    roots: Roots
    table: KeyTable
    audit: AuditTrail
    clock: Clock
    ids: IdSource
    environment: str
    cmks: tuple[CmkName, ...]
    derivation: Derivation

    async def __call__(
        self, scope: Scope, empty: KeyRing | None
    ) -> Outcome[tuple[KeyRing, Wrapped | None], NotLent] | None:
        """A first key, in a ring of its own or in one that the bank spoke of before; None if somebody else was quicker. That it
        is made is durable before the root is asked: there is no permission that the trail does not speak of. Raises
        `StoreUnavailable` and `AuditUnavailable`."""
        now, standing = self.clock.now(), self.roots.of(self._cmk(scope))
        if standing.shut:
            return Failure(NotLent(CustodyReason.SUSPENDED, "root key shut"))
        unasked = self.roots.unasked(standing, now)
        if unasked is not None:  # an outage fills no trail
            return Failure(not_lent(unasked))
        context = WrapContext(self.environment, scope, 1)
        ring = empty or new_ring(id=self.ids.new(KeyRingId), scope=scope, key=None, at=now)
        entry = partial(self._entry, ring, standing.cmk)
        await self.audit.write(entry(AuditResult.BEGUN))
        created = await self.roots.call(
            standing, lambda: self.root.create(standing.cmk, context), proves=False
        )
        if isinstance(created, Failure):
            await self.audit.write(entry(AuditResult.FAILED))
            return Failure(not_lent(created.failure()))
        wrapped = created.unwrap()
        key = KeyVersion(
            number=1,
            status=KeyStatus.ACTIVE,
            cmk=standing.cmk,
            derivation=self.derivation,
            wrapped=wrapped.blob,
            grant=wrapped.grant,
            created_at=now,
        )
        with_key = ring.rotated(key)
        if isinstance(with_key, Failure):
            await self._gave_up(scope, standing, wrapped, entry(AuditResult.FAILED))
            return Failure(NotLent(CustodyReason.REVOKED, ring.custody))
        saved = await self.table.save(with_key.unwrap())
        if isinstance(saved, Success):
            await self.audit.write(entry(AuditResult.DONE))
            return Success((saved.unwrap(), wrapped))
        await self._gave_up(scope, standing, wrapped, entry(AuditResult.FAILED))
        return None

    async def _gave_up(
        self, scope: Scope, standing: RootStanding, wrapped: Wrapped, entry: AuditEntry
    ) -> None:
        """Withdraw a permission that nobody would know of, and that would be left when the bank revokes the other one."""
        await self.audit.write(entry)
        ring = await self.table.ring(scope)
        known = {key.grant for key in ring.keys} if ring is not None else set()
        if wrapped.grant is not None and wrapped.grant not in known:
            grant = wrapped.grant
            await self.roots.call(standing, lambda: self.root.withdraw(standing.cmk, grant), proves=False)

    def _cmk(self, scope: Scope) -> CmkName:
        """Where a merchant's first key hangs from: always the same."""
        place = int.from_bytes(hashlib.sha256(scope.merchant.encode()).digest()[:8], "big")
        return self.cmks[place % len(self.cmks)]

    def _entry(self, ring: KeyRing, cmk: CmkName, result: AuditResult) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            actor=VAULT,
            face=Face.WORKER,
            action=AuditAction.KEY_CREATED,
            result=result,
            subject=ring.id,
            merchant=ring.scope.merchant,
            livemode=ring.scope.livemode,
            details={"cmk": cmk, "number": 1, "derivation": self.derivation.value},
        )


def not_lent(refused: RootRefused) -> NotLent:
    """What a root's refusal is to whoever wants a lease."""
    match refused.fault:
        case RootFault.UNREACHABLE:
            return NotLent(CustodyReason.UNREACHABLE, refused.code, unanswered=True)
        case RootFault.CORRUPT:
            return NotLent(CustodyReason.INTEGRITY, refused.code)
        case RootFault.DENIED:
            reason = CustodyReason.SUSPENDED if refused.whole else CustodyReason.REVOKED
            return NotLent(reason, refused.code)
