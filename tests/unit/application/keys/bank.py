"""A bank with officers, and what it takes to carry its orders out, all of it in memory."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from attrs import define, field
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.adapters.crypto.local import LocalRoot
from fintech.adapters.crypto.notary import LocalNotary
from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.adapters.memory.store import MemoryStore
from fintech.application.auditing import Audited
from fintech.application.commits import Commits, Reply
from fintech.application.keys.breaking_glass import BreakGlass, Broken, GlassRefused
from fintech.application.keys.carrying_out import CarryOut, Signed
from fintech.application.keys.figures import OrderFigures
from fintech.application.keys.orders import Applied, ApplyOrder, OrderRefused
from fintech.application.keys.permissions import WithdrawLeft
from fintech.application.keys.shredding import ShredRing
from fintech.application.merchants import OnboardMerchant
from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.evolving import evolve as evolved
from fintech.domain.ids import MerchantId
from fintech.domain.keys.breaking_glass import GlassRequest
from fintech.domain.keys.custody import CmkStatus, KeyRing
from fintech.domain.keys.orders import TWO_OFFICERS, Order, OrderAction, Subject
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_table import AppliedOrder, KeyTable, RootKey
from fintech.ports.outbox import Outbox
from fintech.ports.signatures import SignatureChecker
from tests.unit.domain.keys.samples import CMK, HERE, HOUR, SHOP, ring

DESK = Actor("desk", Face.CLI, "told by the bank", "req_1")


class Officers(SignatureChecker):
    """The bank's officers: their private keys, too, which nobody of ours has."""

    def __init__(self, *names: str) -> None:
        self.private = {name: Ed25519PrivateKey.generate() for name in names}

    def sign(self, name: str, document: bytes) -> Signed:
        """An officer's signature, under his name."""
        return Signed(key=name, signature=self.private[name].sign(document))

    def check(self, key: str, message: bytes, signature: bytes) -> bool:
        try:
            self.private[key].public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self.private)


class Ledger(AuditTrail):
    """Keeps what is written down; `down` from an entry on."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.down_from: int | None = None

    async def write(self, entry: AuditEntry) -> None:
        if self.down_from is not None and len(self.entries) >= self.down_from:
            raise AuditUnavailable("the sink is down")
        self.entries.append(entry)

    def told(self) -> list[tuple[AuditAction, AuditResult]]:
        """What happened, in short."""
        return [(entry.action, entry.result) for entry in self.entries]


@define
class Bank:
    """Gives orders and sees what becomes of them."""

    clock: ManualClock = field(factory=ManualClock)
    ids: CountingIdSource = field(factory=CountingIdSource)
    table: KeyTable = field(factory=MemoryKeyTable)
    officers: Officers = field(factory=lambda: Officers("ann", "ben", "cho"))
    trail: Ledger = field(factory=Ledger)
    figures: OrderFigures = field(factory=OrderFigures)
    root: LocalRoot = field(factory=lambda: LocalRoot(cmks=(CMK,)))
    store: MemoryStore = field(init=False)
    outbox: Outbox = field(init=False)
    vault: LeasingVault = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.outbox = MemoryOutbox(self.store.memory)
        self.vault = LeasingVault(
            root=self.root,
            table=self.table,
            audit=Ledger(),
            clock=self.clock,
            ids=self.ids,
            settings=VaultSettings(environment="test", cmks=(CMK,)),
            attended=False,
        )

    @property
    def carry_out(self) -> CarryOut:
        return CarryOut(
            table=self.table,
            audited=self.audited,
            clock=self.clock,
            figures=self.figures,
            checker=self.officers,
            environment=HERE,
        )

    @property
    def audited(self) -> Audited:
        return Audited(audit=self.trail, clock=self.clock)

    @property
    def apply_order(self) -> ApplyOrder:
        return ApplyOrder(
            table=self.table,
            store=self.store,
            ids=self.ids,
            clock=self.clock,
            carry_out=self.carry_out,
            shred=self.shred,
            outbox=self.outbox,
        )

    @property
    def shred(self) -> ShredRing:
        return ShredRing(
            table=self.table,
            vault=self.vault,
            protected=MemoryProtectedStore(),
            clock=self.clock,
            audited=self.audited,
            withdraw=WithdrawLeft(table=self.table, root=self.root),
            notary=LocalNotary(bytes(32)),
            policy=KeyPolicy(),
            environment=HERE,
        )

    @property
    def break_glass(self) -> BreakGlass:
        return BreakGlass(table=self.table, carry_out=self.carry_out)

    async def opens(self, scope: Scope = SHOP, *, keys: bool = True) -> None:
        """Books for a merchant, and keys."""
        commits = Commits(store=self.store, ids=self.ids, clock=self.clock)
        onboard = OnboardMerchant(store=self.store, commits=commits)
        await onboard(DESK, scope.merchant, livemode=scope.livemode, name="Corner Coffee")
        if keys:
            (await self.table.save(evolved(ring(), version=0, scope=scope))).unwrap()

    async def keeps_root_key(self) -> None:
        """The root key that everything hangs from is known."""
        known = RootKey(cmk=CMK, status=CmkStatus.ENABLED, custody_open=True, authorised_at=self.clock.now())
        await self.table.save_root_key(known)

    async def orders(
        self,
        sequence: int,
        action: OrderAction,
        subject: Subject = SHOP,
        *,
        by: str | tuple[str, ...] | None = None,
        reason: str = "breach drill",
        environment: str = HERE,
        actor: Actor = DESK,
    ) -> Outcome[Reply[Applied], OrderRefused]:
        """What becomes of an order."""
        order = Order(
            environment=environment,
            sequence=sequence,
            action=action,
            subject=subject,
            issued_at=self.clock.now(),
            reason=reason,
        )
        document = order.document()
        usual = ("ann", "ben") if action in TWO_OFFICERS else ("ann",)
        names = (by,) if isinstance(by, str) else by or usual
        signed = tuple(self.officers.sign(name, document) for name in names)
        return await self.apply_order(actor, document, signed, "203.0.113.9")

    async def breaks(
        self,
        sequence: int,
        *,
        by: tuple[str, str] = ("ann", "ben"),
        scope: Scope = SHOP,
        within: timedelta = HOUR,
        environment: str = HERE,
    ) -> Outcome[Reply[Broken], GlassRefused]:
        """What becomes of a request of two officers."""
        until = self.clock.now() + within
        document = GlassRequest(
            environment=environment, sequence=sequence, scope=scope, until=until, reason="evidence"
        ).document()
        first, second = (self.officers.sign(name, document) for name in by)
        return await self.break_glass(DESK, document, (first, second))

    async def ring(self, scope: Scope = SHOP) -> KeyRing:
        """How the merchant's ring is kept."""
        found = await self.table.ring(scope)
        assert found is not None
        return found


class Interrupted(MemoryKeyTable):
    """Before it keeps anything, somebody else does something, once for each of ``rivals``."""

    def __init__(self) -> None:
        super().__init__()
        self.rivals: list[Callable[[], Awaitable[object]]] = []
        self._rival_at_work = False

    async def save(self, ring: KeyRing, order: AppliedOrder | None = None) -> Any:
        if self.rivals and not self._rival_at_work:
            self._rival_at_work = True
            try:
                await self.rivals.pop()()
            finally:
                self._rival_at_work = False
        return await super().save(ring, order)


def other_shop(letter: str, *, livemode: bool = True) -> Scope:
    """Another merchant."""
    return Scope(MerchantId("acct_" + letter * 24), livemode)


def details(entries: Sequence[AuditEntry], name: str) -> list[str | int | None]:
    """One detail of each entry."""
    return [entry.details.get(name) for entry in entries]
