"""A bank's root, a key table, sealed values and everything that keeps keys alive, in memory; and what may go wrong."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from attrs import define, field
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fintech.adapters.crypto.local import LocalRoot
from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.application.auditing import Audited
from fintech.application.keys.moving import Moved, MovedAll, MoveRing, MoveRings
from fintech.application.keys.permissions import AwaitPermission, WithdrawLeft
from fintech.application.keys.resealing import Reseal
from fintech.application.keys.retiring import RetireKey
from fintech.application.keys.rotation import RotateKey
from fintech.application.keys.shredding import ShredRing
from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.ids import MerchantId
from fintech.domain.keys.columns import BILLING_EMAIL, BILLING_NAME, CARD_NUMBER, Column
from fintech.domain.keys.custody import (
    CmkName,
    Custody,
    Derivation,
    KeyRing,
    KeyRingId,
    KeyStatus,
    KeyVersion,
    new_ring,
)
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.errors import AuditUnavailable, NotaryUnavailable, StoreUnavailable
from fintech.ports.key_root import RootFault, RootRefused, WrapContext, Wrapped
from fintech.ports.key_vault import KeyVault, Lease, VaultFigures, VaultHealth
from fintech.ports.protected_store import SealedValue
from fintech.ports.signatures import Notary, SignatureChecker
from fintech.sealing.merchant_keys import MerchantKeys

SHOP = Scope(MerchantId("acct_" + "m" * 24), livemode=True)
OTHER = Scope(MerchantId("acct_" + "n" * 24), livemode=True)
OLD, NEW = CmkName("bank/old"), CmkName("bank/new")
ANN = Actor("ann", Face.CLI, "it is time")
ENVIRONMENT = "test"
LEASE = timedelta(seconds=300)
DAY = timedelta(days=1)
COLUMNS_USED = (CARD_NUMBER, BILLING_NAME, BILLING_EMAIL)


class LentKeys(Lease):
    """A lease over keys in memory, which ends by the clock."""

    def __init__(self, scope: Scope, keys: MerchantKeys, ends_at: datetime, clock: ManualClock) -> None:
        self._scope, self._keys, self._ends_at, self._clock = scope, keys, ends_at, clock

    @property
    def scope(self) -> Scope:
        return self._scope

    @property
    def number(self) -> int:
        return self._keys.active

    @property
    def numbers(self) -> tuple[int, ...]:
        return self._keys.numbers

    @property
    def ends_at(self) -> datetime:
        return self._ends_at

    def refused(self) -> CustodyRefused | None:
        ended = self._clock.now() >= self._ends_at
        return CustodyRefused(CustodyReason.UNREACHABLE) if ended else None

    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        if self._clock.now() >= self._ends_at:
            raise StoreUnavailable("the lease has ended")
        return self._keys.seal(purpose, place, plaintext)

    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        if self._clock.now() >= self._ends_at:
            return Failure(CustodyRefused(CustodyReason.UNREACHABLE))
        opened = self._keys.open(purpose, place, message)
        if isinstance(opened, Failure):
            return Failure(CustodyRefused(CustodyReason.INTEGRITY))
        return opened

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        return self._keys.index(column, value, number)


@define(slots=False)
class LendingVault(KeyVault):
    """Lends what the table and the root give, for `LEASE`, and lends the same again until then: as late to hear of a
    change as a process that cannot look."""

    table: Any
    root: Any
    clock: ManualClock
    lent: dict[Scope, LentKeys] = field(factory=dict)

    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        lent = self.lent.get(scope)
        if lent is not None and self.clock.now() < lent.ends_at:
            return Success(lent)
        ends_at = self.clock.now() + LEASE
        ring = await self.table.ring(scope)
        if ring is None or ring.custody is Custody.SHREDDED:
            return Failure(CustodyRefused(CustodyReason.DESTROYED))
        if not ring.usable(self.clock.now()) or ring.active is None:
            return Failure(CustodyRefused(CustodyReason.REVOKED))
        keys = {}
        for key in ring.keys:
            if key.status is KeyStatus.RETIRED:
                continue
            context = WrapContext(ENVIRONMENT, scope, key.number)
            unwrapped = await self.root.unwrap(key.cmk, context, Wrapped(key.wrapped, key.grant))
            if isinstance(unwrapped, Failure):
                reason = {
                    RootFault.DENIED: CustodyReason.REVOKED,
                    RootFault.UNREACHABLE: CustodyReason.UNREACHABLE,
                    RootFault.CORRUPT: CustodyReason.INTEGRITY,
                }[unwrapped.failure().fault]
                return Failure(CustodyRefused(reason))
            keys[key.number] = unwrapped.unwrap()
        lent = LentKeys(scope, MerchantKeys(scope, ring.id, keys, ring.active.number), ends_at, self.clock)
        self.lent[scope] = lent
        return Success(lent)

    async def newer(self, scope: Scope, number: int) -> Outcome[Lease, CustodyRefused]:
        if scope in self.lent and self.lent[scope].number < number:
            del self.lent[scope]
        return await self.lease(scope)

    @property
    def figures(self) -> VaultFigures:
        return VaultFigures()

    def health(self) -> VaultHealth:
        return VaultHealth(reason=None, leases=len(self.lent), look_age_s=None, heartbeats_s={})

    async def evict(self, scope: Scope | None = None) -> None:
        if scope is None:
            self.lent.clear()
        self.lent.pop(scope, None)  # type: ignore[arg-type] # None has just been dealt with


@define(slots=False)
class KeptTrail(AuditTrail):
    """Keeps entries; breaks when told to."""

    entries: list[AuditEntry] = field(factory=list)
    broken: bool = False

    async def write(self, entry: AuditEntry) -> None:
        if self.broken:
            raise AuditUnavailable("the sink is down")
        self.entries.append(entry)

    def told(self, action: AuditAction) -> list[AuditResult]:
        """The results of what was done, in order."""
        return [entry.result for entry in self.entries if entry.action is action]


class Ed25519Notary(Notary, SignatureChecker):
    """Signs, and knows its own public key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.away = False

    async def sign(self, message: bytes) -> tuple[str, bytes]:
        if self.away:
            raise NotaryUnavailable("nobody is there")
        return "notary", self._key.sign(message)

    def check(self, key: str, message: bytes, signature: bytes) -> bool:
        try:
            self._key.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return key == "notary"

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({"notary"})


class Faulty:
    """A port that breaks when ``plan`` says so: before a call, or after what it asked for was done."""

    def __init__(self, port: Any, plan: Callable[[str], str | None], broken: Callable[[], Any]) -> None:
        self._port, self._plan, self._broken = port, plan, broken

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method

        @wraps(method)
        async def call(*args: Any, **kwargs: Any) -> Any:
            fate = self._plan(name)
            answer = None if fate == "before" else await method(*args, **kwargs)
            if fate is None:
                return answer
            broken = self._broken()
            if isinstance(broken, Exception):
                raise broken
            return broken

        return call


class HeldUp:
    """A port whose every call may take a while, before it is done and after; ``under_way`` counts them by method."""

    def __init__(self, port: Any, held_up: Callable[[], Awaitable[object]]) -> None:
        self._port, self._held_up = port, held_up
        self.under_way: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        @wraps(method)
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.under_way[name] += 1
            await self._held_up()
            answer = await method(*args, **kwargs)
            await self._held_up()
            self.under_way[name] -= 1
            return answer

        return call


def unreachable() -> Failure[RootRefused]:
    """What a root says that says nothing."""
    return Failure(RootRefused(RootFault.UNREACHABLE, "EndpointConnectionError", whole=True))


def away() -> StoreUnavailable:
    """What a store raises that is away."""
    return StoreUnavailable("the store is away")


@define(slots=False)
class World:
    """Everything, wired as a profile would wire it."""

    clock: ManualClock = field(factory=ManualClock)
    ids: CountingIdSource = field(factory=CountingIdSource)
    root: Any = field(factory=lambda: LocalRoot(cmks=(OLD, NEW)))
    table: Any = field(factory=MemoryKeyTable)
    protected: Any = field(factory=MemoryProtectedStore)
    trail: Any = field(factory=KeptTrail)
    notary: Any = field(factory=Ed25519Notary)
    policy: KeyPolicy = field(factory=KeyPolicy)
    vault: Any = None
    kept: dict[tuple[Scope, Place], tuple[Column, bytes]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.watched: Any = None
        self.vault = self.vault or LendingVault(self.table, self.root, self.clock)
        self.wire()

    def wire(self) -> None:
        """Make the use cases of the ports as they are now."""
        self.audited = Audited(audit=self.trail, clock=self.clock)
        self.withdraw = WithdrawLeft(table=self.table, root=self.root)
        wait = AwaitPermission(root=self.root)
        life = {"table": self.table, "audited": self.audited, "withdraw": self.withdraw}
        wrapping = {"root": self.root, "await_permission": wait, "environment": ENVIRONMENT}
        self.rotate = RotateKey(clock=self.clock, **life, **wrapping)
        self.reseal = Reseal(
            vault=self.vault,
            protected=self.protected,
            clock=self.clock,
            audited=self.audited,
        )
        self.retire = RetireKey(protected=self.protected, clock=self.clock, policy=self.policy, **life)
        self.move_rings = MoveRings(table=self.table, move_ring=MoveRing(**life, **wrapping))
        self.shred = ShredRing(
            vault=self.vault,
            protected=self.protected,
            clock=self.clock,
            notary=self.notary,
            policy=self.policy,
            environment=ENVIRONMENT,
            **life,
        )

    async def open_ring(
        self, scope: Scope = SHOP, cmk: CmkName = OLD, derivation: Derivation = Derivation.WRAPPED
    ) -> KeyRing:
        """A merchant's first key."""
        wrapped = (await self.root.create(cmk, WrapContext(ENVIRONMENT, scope, 1))).unwrap()
        key = KeyVersion(
            number=1,
            status=KeyStatus.ACTIVE,
            cmk=cmk,
            derivation=derivation,
            wrapped=wrapped.blob,
            grant=wrapped.grant,
            created_at=self.clock.now(),
        )
        ring = new_ring(id=self.ids.new(KeyRingId), scope=scope, key=key, at=self.clock.now())
        saved = await self.table.save(ring)
        assert isinstance(saved, Success)
        return saved.unwrap()

    async def keep(self, count: int = 1, scope: Scope = SHOP) -> list[Place]:
        """Seal and put the values of some records, as the writers of the product do."""
        places = []
        for _ in range(count):
            record = self.ids.secret()
            lease = (await self.vault.lease(scope)).unwrap()
            values = {each: f"{each.name} of {record}".encode() for each in COLUMNS_USED}
            await self.protected.put(
                scope, [self.sealed(lease, each, record, values[each]) for each in values]
            )
            for column, value in values.items():
                self.kept[scope, column.at(record)] = (column, value)
                places.append(column.at(record))
        return places

    def sealed(self, lease: Lease, column: Column, record: str, value: bytes) -> SealedValue:
        """A value as it is put."""
        place = column.at(record)
        indexed = None if column.alike is None else lease.index(column.index_name, column.indexed(value))
        return SealedValue(
            place=place,
            number=lease.number,
            message=lease.seal(column.purpose, place, value),
            index=indexed,
            put_at=self.clock.now(),
        )

    async def unreadable(self, places: Iterable[tuple[Scope, Place]] | None = None) -> list[Place]:
        """Of what was kept, what does not open, or is not found by its index."""
        lost = []
        for scope, place in list(self.kept if places is None else places):
            column, value = self.kept[scope, place]
            await self.vault.evict(scope)
            leased = await self.vault.lease(scope)
            there = await self.protected.get(scope, [place])
            if isinstance(leased, Failure) or place not in there:
                lost.append(place)
                continue
            lease = leased.unwrap()
            opened = lease.open(column.purpose, place, there[place].message)
            found = column.alike is None or place.record in await self.protected.find(
                scope,
                place.table,
                place.column,
                [lease.index(column.index_name, column.indexed(value), number) for number in lease.numbers],
                100,
            )
            if opened != Success(value) or not found:
                lost.append(place)
        return lost

    async def ring(self, scope: Scope = SHOP) -> KeyRing:
        """A merchant's ring as it is."""
        ring = await self.table.ring(scope)
        assert ring is not None
        return ring

    async def numbers(self, scope: Scope = SHOP) -> dict[int, KeyStatus]:
        """Where each version stands."""
        return {key.number: key.status for key in (await self.ring(scope)).keys}

    async def settle(self) -> None:
        """Wait until what has been replaced may be retired."""
        self.clock.advance(self.policy.retire_after + DAY)

    async def move(self) -> tuple[MovedAll, list[Moved]]:
        """From the old root key to the new one."""
        told: list[Moved] = []
        return await self.move_rings(ANN, OLD, NEW, told.append), told
