"""A vault on what can be moved by hand: the clock, a local root, a key table in memory that can be away, an audit trail
that can be down."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define, evolve, field

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.adapters.crypto.local import LocalRoot
from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.audit import AuditAction, AuditEntry
from fintech.domain.evolving import evolve as evolved
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import (
    CmkName,
    CmkStatus,
    Custody,
    Derivation,
    KeyRing,
    KeyStatus,
    KeyVersion,
)
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.keys.timing import USUAL, CustodyTiming
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.errors import AuditUnavailable, StoreUnavailable
from fintech.ports.key_root import WrapContext
from fintech.ports.key_table import AppliedOrder, RingChange, RootKey
from fintech.ports.key_vault import Lease

CMK, OTHER_CMK = CmkName("local/1"), CmkName("local/2")
NAME = Place("customers", "name", "cus_1")


class Trail(AuditTrail):
    """Keeps what is written, unless it is ``down``."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.down = False

    async def write(self, entry: AuditEntry) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise AuditUnavailable("the audit trail is down")
        self.entries.append(entry)

    def actions(self) -> Counter[AuditAction]:
        """How often each action was written down."""
        return Counter(entry.action for entry in self.entries)


class Table(MemoryKeyTable):
    """A key table that can be ``away``; ``reads`` counts rings that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.reads = 0

    async def ring(self, scope: Scope) -> KeyRing | None:
        self.reads += 1
        await self._reached()
        return await super().ring(scope)

    async def changes(self, since: int, limit: int) -> Sequence[RingChange]:
        await self._reached()
        return await super().changes(since, limit)

    async def root_keys(self) -> Sequence[RootKey]:
        await self._reached()
        return await super().root_keys()

    async def epoch(self) -> int:
        await self._reached()
        return await super().epoch()

    async def lead(self, name: str, now: datetime, until: datetime) -> bool:
        await self._reached()
        return await super().lead(name, now, until)

    async def _reached(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("the key table is away")


@define
class Desk:
    """Everything that a process has, and others' hands on it."""

    timing: CustodyTiming = USUAL
    clock: ManualClock = field(factory=ManualClock)
    ids: RandomIdSource = field(factory=RandomIdSource)
    root: LocalRoot = field(factory=lambda: LocalRoot(cmks=(CMK, OTHER_CMK)))
    table: Table = field(factory=Table)
    trail: Trail = field(factory=Trail)
    vaults: list[LeasingVault] = field(factory=list)

    def vault(self, *, attended: bool = False, table: Table | None = None, **settings) -> LeasingVault:
        """Another process."""
        told = {"environment": "test", "cmks": (CMK,), "timing": self.timing, **settings}
        vault = LeasingVault(
            root=self.root,
            table=table or self.table,
            audit=self.trail,
            clock=self.clock,
            ids=self.ids,
            settings=VaultSettings(**told),
            attended=attended,
        )
        self.vaults.append(vault)
        return vault

    def merchant(self) -> Scope:
        """A new merchant, live."""
        return Scope(self.ids.new(MerchantId), livemode=True)

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    @property
    def opened(self) -> int:
        """How many keys the root has unwrapped."""
        return self.root.calls["unwrap"]

    async def order(self, scope: Scope, custody: Custody) -> KeyRing:
        """The bank orders something of one merchant."""
        ring = await self._ring(scope)
        ordered = ring.shredded(self.clock.now()) if custody is Custody.SHREDDED else ring.placed(custody)
        return await self.keep(ordered.unwrap())

    async def break_glass(self, scope: Scope, seconds: float) -> KeyRing:
        """Two officers open a closed ring for a while."""
        until = self.clock.now() + timedelta(seconds=seconds)
        return await self.keep((await self._ring(scope)).opened(until).unwrap())

    async def close_and_restore(self, scope: Scope) -> KeyRing:
        """A merchant's ring is closed and open again, and another one than it was."""
        await self.order(scope, Custody.SUSPENDED)
        return await self.order(scope, Custody.ACTIVE)

    async def rotate(self, scope: Scope, cmk: CmkName = CMK, derivation=Derivation.WRAPPED) -> KeyRing:
        """A merchant has a new key."""
        ring = await self._ring(scope)
        number = ring.keys[-1].number + 1
        made = (await self.root.create(cmk, WrapContext("test", scope, number))).unwrap()
        version = KeyVersion(
            number=number,
            status=KeyStatus.ACTIVE,
            cmk=cmk,
            derivation=derivation,
            wrapped=made.blob,
            grant=made.grant,
            created_at=self.clock.now(),
        )
        return await self.keep(ring.rotated(version).unwrap())

    async def damage(self, scope: Scope) -> KeyRing:
        """Somebody swaps a merchant's wrapped key for another merchant's."""
        ring, other = await self._ring(scope), self.merchant()
        await self.vault().lease(other)
        theirs = (await self._ring(other)).keys[0].wrapped
        return await self.keep(ring.with_key(evolved(ring.keys[0], wrapped=theirs)))

    async def close_all(self, cmk: CmkName = CMK, *, open_: bool = False) -> None:
        """The bank orders a root key shut, or open."""
        sequence = await self.table.last_order() + 1
        order = AppliedOrder(sequence, b"", b"", self.clock.now())
        root_key = RootKey(cmk=cmk, status=CmkStatus.ENABLED, custody_open=open_, authorised_at=None)
        (await self.table.save_root_key(root_key, order)).unwrap()

    async def heartbeat(self, cmk: CmkName = CMK, status: CmkStatus = CmkStatus.ENABLED) -> None:
        """The sweep has found a root key to be so, and well if it is enabled."""
        at = self.clock.now() if status is CmkStatus.ENABLED else None
        root_key = RootKey(cmk=cmk, status=status, custody_open=True, authorised_at=at)
        (await self.table.save_root_key(root_key)).unwrap()

    async def revoke_silently(self, scope: Scope) -> None:
        """The bank revokes a merchant's permission, and tells nobody."""
        for key in (await self._ring(scope)).keys:
            assert key.grant is not None
            self.root.revoke(key.grant)

    async def keep(self, ring: KeyRing) -> KeyRing:
        """Save a ring as it is to be."""
        return (await self.table.save(ring)).unwrap()

    async def settled(self, scope: Scope) -> None:
        """Make a merchant's key so old that its permission has got about."""
        ring = await self._ring(scope)
        keys = tuple(evolved(key, created_at=key.created_at - 2 * self.timing.settles) for key in ring.keys)
        await self.keep(evolved(ring, keys=keys))

    async def _ring(self, scope: Scope) -> KeyRing:
        ring = await self.table.ring(scope)
        assert ring is not None
        return ring


def refused(reason: CustodyReason) -> Failure[CustodyRefused]:
    """What a vault answers."""
    return Failure(CustodyRefused(reason))


def works(lease: Lease) -> bool:
    """Whether a lease seals and opens."""
    message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
    return lease.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")


def lent(outcome: Outcome[Lease, CustodyRefused]) -> bool:
    """Whether there is a lease, and it works."""
    return isinstance(outcome, Success) and works(outcome.unwrap())


def faster(factor: float) -> CustodyTiming:
    """The usual times, so many times as fast."""
    return evolve(USUAL.scaled(1 / factor))
