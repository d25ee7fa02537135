"""From a merchant's ring to its keys in memory: what one lending takes of the key table and of the root."""

import asyncio
import random
from datetime import datetime
from typing import Final

from attrs import field, frozen
from attrs.validators import ge, min_len

from fintech.adapters.crypto.leases import HeldLease, Lending
from fintech.adapters.crypto.making import MakeFirstKey, NotLent, not_lent
from fintech.adapters.crypto.roots import Roots, RootStanding
from fintech.domain.keys.custody import (
    CmkName,
    Custody,
    Derivation,
    KeyRing,
    KeyStatus,
    KeyVersion,
)
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.keys.timing import USUAL, CustodyTiming
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Unwrapped, WrapContext, Wrapped
from fintech.ports.key_table import KeyTable
from fintech.sealing.merchant_keys import MerchantKeys
from fintech.sealing.schedule import derived_key, wipe

#: How often a ring that others make or change at the same moment is looked at again.
TRIES_MAX: Final = 3


@frozen(kw_only=True)
class VaultSettings:
    """``environment`` is bound to every key, so that one deployment's keys are nobody else's. New rings are spread over
    ``cmks`` by merchant, and derived as ``derivation`` says; ``policy`` says how long a version seals. At most ``leases_max`` merchants' keys are in memory at once,
    ``root_calls_max`` calls to the root under way, and ``loads_max`` merchants waiting for theirs."""

    environment: str = field(validator=min_len(1))
    cmks: tuple[CmkName, ...] = field(validator=min_len(1))
    derivation: Derivation = Derivation.WRAPPED
    timing: CustodyTiming = USUAL
    policy: KeyPolicy = field(factory=KeyPolicy)
    leases_max: int = field(default=50_000, validator=ge(1))
    root_calls_max: int = field(default=16, validator=ge(1))
    loads_max: int = field(default=4_096, validator=ge(1))


@frozen(kw_only=True)
class Lender:
    """Lends one merchant's keys, making them first where there are none."""

    root: KeyRoot
    roots: Roots
    table: KeyTable
    audit: AuditTrail
    clock: Clock
    ids: IdSource
    settings: VaultSettings
    lending: Lending
    making: MakeFirstKey = field(init=False)

    @making.default
    def _making(self) -> MakeFirstKey:
        return MakeFirstKey(
            root=self.root,
            roots=self.roots,
            table=self.table,
            audit=self.audit,
            clock=self.clock,
            ids=self.ids,
            environment=self.settings.environment,
            cmks=self.settings.cmks,
            derivation=self.settings.derivation,
        )

    async def lend(self, scope: Scope) -> Outcome[HeldLease, NotLent]:
        """A lease that counts from before the root was asked. Raises `StoreUnavailable` and `AuditUnavailable`."""
        lent_at = self.clock.now()
        found = await self._found(scope)
        if isinstance(found, Failure):
            return found
        ring, fresh = found.unwrap()
        refused = self._refused(ring, lent_at)
        if refused is not None:
            return Failure(refused)
        versions = [key for key in ring.keys if key.status is not KeyStatus.RETIRED]
        outcomes = await asyncio.gather(*(self._key(ring, version, fresh) for version in versions))
        keys = {
            version.number: outcome.unwrap()
            for version, outcome in zip(versions, outcomes, strict=True)
            if isinstance(outcome, Success)
        }
        try:
            denials = [outcome.failure() for outcome in outcomes if isinstance(outcome, Failure)]
            if denials:
                return Failure(self.not_lent(ring, min(denials, key=_weight), lent_at))
            return Success(self._lease(ring, keys, lent_at))
        finally:
            for key in keys.values():
                wipe(key)

    async def authorised(self, scope: Scope, standing: RootStanding) -> NotLent | None:
        """Ask the root whether a merchant's keys would still be unwrapped under a root key; why not, if so. Raises
        `StoreUnavailable`."""
        ring = await self.table.ring(scope)
        keys = () if ring is None else ring.keys
        version = next((key for key in keys if key.cmk == standing.cmk and key.wrapped), None)
        if ring is None or version is None:
            return NotLent(CustodyReason.UNREACHABLE, "the ring has changed")
        context = WrapContext(self.settings.environment, scope, version.number)
        wrapped = Wrapped(version.wrapped, version.grant)
        asked = await self.roots.call(
            standing, lambda: self.root.authorise(standing.cmk, context, wrapped), proves=True
        )
        if isinstance(asked, Success):
            return None
        return self.not_lent(ring, asked.failure(), self.clock.now())

    async def judged(self, lease: HeldLease) -> CustodyReason | bool:
        """What has become of what a lease hangs from: True if it is as it was, False if it has changed but is not closed, or
        why it is closed. Raises `StoreUnavailable`."""
        ring = await self.table.ring(lease.scope)
        if ring is None:
            return CustodyReason.UNREACHABLE
        closed = self._refused(ring, self.clock.now())
        if closed is not None:
            return closed.reason
        denied = any(root.denied_at is not None and root.denied_at >= lease.lent_at for root in lease.roots)
        return ring.version == lease.ring_version and not denied

    async def _found(self, scope: Scope) -> Outcome[tuple[KeyRing, Wrapped | None], NotLent]:
        """The merchant's ring, and what was wrapped just now if it had none: with the token that makes its permission
        work at once."""
        for _ in range(TRIES_MAX):
            ring = await self.table.ring(scope)
            if ring is not None and (ring.keys or self._refused(ring, self.clock.now()) is not None):
                return Success((ring, None))
            made = await self.making(scope, ring)
            if made is not None:
                return made
        return Failure(NotLent(CustodyReason.UNREACHABLE, "others are quicker", unanswered=True))

    def _refused(self, ring: KeyRing, now: datetime) -> NotLent | None:
        """What the bank has said, as the key table has it."""
        if ring.custody is Custody.SHREDDED:
            return NotLent(CustodyReason.DESTROYED, ring.custody)
        if not ring.usable(now):
            return NotLent(CustodyReason.REVOKED, ring.custody)
        if any(self.roots.of(key.cmk).shut for key in ring.keys if key.status is not KeyStatus.RETIRED):
            return NotLent(CustodyReason.SUSPENDED, "root key shut")
        return None

    def not_lent(self, ring: KeyRing, refused: RootRefused, now: datetime) -> NotLent:
        """What a root's no means. One that may be due to a permission that has not got about yet is one to come back
        for; nothing is lent meanwhile."""
        settles = any(now < key.created_at + self.settings.timing.settles for key in ring.keys)
        if refused.fault is RootFault.DENIED and not refused.whole and settles:
            return NotLent(CustodyReason.UNREACHABLE, refused.code)
        return not_lent(refused)

    async def _key(
        self, ring: KeyRing, version: KeyVersion, fresh: Wrapped | None
    ) -> Outcome[Unwrapped, RootRefused]:
        """A version's key."""
        standing = self.roots.of(version.cmk)
        context = WrapContext(self.settings.environment, ring.scope, version.number)
        wrapped = fresh or Wrapped(version.wrapped, version.grant)
        unwrapped = await self.roots.call(
            standing, lambda: self.root.unwrap(version.cmk, context, wrapped), proves=True
        )
        if version.derivation is Derivation.WRAPPED or isinstance(unwrapped, Failure):
            return unwrapped
        salt, message = unwrapped.unwrap(), derivation_of(context)
        macked = await self.roots.call(standing, lambda: self.root.mac(version.cmk, message), proves=False)
        try:
            if isinstance(macked, Failure):
                return macked
            mac = macked.unwrap()
            derived = derived_key(mac, salt, message)
            wipe(mac)
            return Success(derived)
        finally:
            wipe(salt)

    def _lease(self, ring: KeyRing, keys: dict[int, Unwrapped], lent_at: datetime) -> HeldLease:
        timing = self.settings.timing
        active = ring.active
        assert active is not None  # whoever is usable seals
        ends_at = lent_at + timing.lease
        if ring.custody is not Custody.ACTIVE and ring.opened_until is not None:
            ends_at = min(ends_at, ring.opened_until)
        share = random.uniform(timing.renew_from, timing.renew_to)  # noqa: S311 - jitter, not a secret
        cmks = dict.fromkeys(key.cmk for key in ring.keys if key.status is not KeyStatus.RETIRED)
        return HeldLease(
            self.lending,
            ring.scope,
            MerchantKeys(ring.scope, ring.id, keys, active.number),
            self.roots.together(tuple(cmks)),
            ring_version=ring.version,
            lent_at=lent_at,
            due_at=lent_at + (ends_at - lent_at) * share,
            ends_at=ends_at,
            seals_until=min(ends_at, self.settings.policy.seals_until(active)),
        )


def derivation_of(context: WrapContext) -> bytes:
    """What the root MACs for `Derivation.DERIVED`: whose key it is. No id has a stroke in it."""
    mode = "live" if context.scope.livemode else "test"
    return f"{context.scope.merchant}|{mode}|{context.number}".encode()


def _weight(refused: RootRefused) -> int:
    """Of several refusals, the one that is answered: a no before a fault, a fault before no answer."""
    return (RootFault.DENIED, RootFault.CORRUPT, RootFault.UNREACHABLE).index(refused.fault)
