"""The promise of revocation, put to the proof: four processes use merchants' keys under load while the bank takes them away
in every way that it has, and each use is counted."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
from attrs import define, field, frozen

from fintech.adapters.crypto.notary import LocalNotary
from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.simulator.kms.server import SimulatedKms
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.application.auditing import Audited
from fintech.application.keys.carrying_out import CarryOut
from fintech.application.keys.figures import OrderFigures
from fintech.application.keys.orders import ApplyOrder
from fintech.application.keys.permissions import WithdrawLeft
from fintech.application.keys.shredding import ShredRing
from fintech.domain.ids import MerchantId
from fintech.domain.keys import orders
from fintech.domain.keys.custody import (
    CmkName,
    Derivation,
    KeyRingId,
    KeyStatus,
    KeyVersion,
    new_ring,
)
from fintech.domain.keys.orders import Order, OrderAction
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.scope import Scope
from fintech.ports.key_root import KeyRoot, WrapContext
from fintech.ports.key_table import KeyTable
from tests.kms import kms_root
from tests.scenarios.custody_subject import ENVIRONMENT, opened
from tests.scenarios.cutting_proxy import cutting_proxy
from tests.scenarios.services import environment
from tests.unit.application.keys.bank import DESK, Ledger, Officers

PROCESSES = 4
PATIENCE_S = 60.0
#: How long it is looked on after a bound, to see that nothing is used any more.
AFTER_S = 0.3


@frozen
class Report:
    """What a process has used so far."""

    counts: Mapping[str, int]
    last: Mapping[str, float]


@define
class Subject:
    """One of the processes."""

    process: asyncio.subprocess.Process

    async def line(self) -> str:
        """What it says next."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return (await self.process.stdout.readline()).decode()

    async def report(self) -> Report:
        """What it has used so far."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"report\n")
        await self.process.stdin.drain()
        return Report(**json.loads(await self.line()))


@define
class Proof:
    """The bank, its KMS, the key table, and processes that use what hangs from both."""

    dsn: str
    timing: CustodyTiming
    kms: SimulatedKms
    root: KeyRoot
    table: KeyTable
    clock: SystemClock = field(factory=SystemClock)
    ids: RandomIdSource = field(factory=RandomIdSource)
    officers: Officers = field(factory=lambda: Officers("ann"))
    subjects: list[Subject] = field(factory=list)
    grants: dict[MerchantId, str] = field(factory=dict)

    async def merchant(self, root_number: int = 0) -> MerchantId:
        """A merchant whose key hangs from a root key."""
        cmk = CmkName(self.kms.roots[root_number].cmk)
        scope, now = Scope(self.ids.new(MerchantId), livemode=True), self.clock.now()
        wrapped = (await self.root.create(cmk, WrapContext(ENVIRONMENT, scope, 1))).unwrap()
        assert wrapped.grant is not None
        self.grants[scope.merchant] = wrapped.grant
        key = KeyVersion(
            number=1,
            status=KeyStatus.ACTIVE,
            cmk=cmk,
            derivation=Derivation.WRAPPED,
            wrapped=wrapped.blob,
            grant=wrapped.grant,
            created_at=now - 2 * self.timing.settles,  # its permission has got about long ago
        )
        ring = new_ring(id=self.ids.new(KeyRingId), scope=scope, key=key, at=now)
        (await self.table.save(ring)).unwrap()
        return scope.merchant

    async def orders(self, action: OrderAction, subject: orders.Subject) -> float:
        """Apply an order; when it was committed, by the monotonic clock."""
        audited = Audited(audit=Ledger(), clock=self.clock)
        order = Order(
            environment=ENVIRONMENT,
            sequence=await self.table.last_order() + 1,
            action=action,
            subject=subject,
            issued_at=self.clock.now().replace(microsecond=0),
            reason="proof",
        )
        apply = ApplyOrder(
            table=self.table,
            store=(store := MemoryStore(self.clock)),
            ids=self.ids,
            clock=self.clock,
            carry_out=CarryOut(
                table=self.table,
                audited=audited,
                clock=self.clock,
                figures=OrderFigures(),
                checker=self.officers,
                environment=ENVIRONMENT,
            ),
            shred=self._shred(audited),
            outbox=MemoryOutbox(store.memory),
        )
        document = order.document()
        names = ("ann", "ben") if action in orders.TWO_OFFICERS else ("ann",)
        signed = tuple(self.officers.sign(name, document) for name in names)
        (await apply(DESK, document, signed)).unwrap()
        return time.monotonic()

    def revokes_grant(self, merchant: MerchantId) -> float:
        """Behind our back, in the KMS."""
        cmk = self.kms.roots[0].cmk
        self.kms.as_bank("RevokeGrant", KeyId=cmk, GrantId=self.grants[merchant])
        return time.monotonic()

    def disables_key(self, root_number: int) -> float:
        """Behind our back, in the KMS."""
        self.kms.as_bank("DisableKey", KeyId=self.kms.roots[root_number].cmk)
        return time.monotonic()

    async def start(self, name: str, dsn: str, merchants: Sequence[MerchantId]) -> None:
        """Another process."""
        told = {
            "name": name,
            "dsn": dsn,
            "kms": self.kms.told(),
            "merchants": merchants,
            "timing": {
                each.name: value if isinstance(value, float) else value.total_seconds()
                for each in attrs.fields(CustodyTiming)
                for value in [getattr(self.timing, each.name)]
            },
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.scenarios.custody_subject", json.dumps(told)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
        )
        self.subjects.append(Subject(process))

    async def ready(self) -> None:
        """When all of them use every merchant's keys."""
        for subject in self.subjects:
            assert await subject.line() == "ready\n"

    async def reports(self) -> list[Report]:
        """What each has used so far."""
        return list(await asyncio.gather(*(subject.report() for subject in self.subjects)))

    async def close(self) -> None:
        """End them."""
        for subject in self.subjects:
            if subject.process.stdin is not None:
                subject.process.stdin.close()
        for subject in self.subjects:
            try:
                async with asyncio.timeout(10):
                    await subject.process.wait()
            except TimeoutError:
                subject.process.kill()
                await subject.process.wait()

    def _shred(self, audited: Audited) -> ShredRing:
        return ShredRing(
            table=self.table,
            vault=None,  # type: ignore[arg-type] # nothing is shredded here
            protected=MemoryProtectedStore(),
            clock=self.clock,
            audited=audited,
            withdraw=WithdrawLeft(table=self.table, root=self.root),
            notary=LocalNotary(bytes(32)),
            policy=KeyPolicy(),
            environment=ENVIRONMENT,
        )


@asynccontextmanager
async def proving(dsn: str, timing: CustodyTiming) -> AsyncIterator[Proof]:
    """A bank with a KMS, and a key table, and nobody who uses either yet."""
    async with AsyncExitStack() as closing:
        kms = await closing.enter_async_context(SimulatedKms().running())
        root = kms_root(kms.told())
        closing.push_async_callback(root.close)
        proof = Proof(dsn=dsn, timing=timing, kms=kms, root=root, table=await opened(closing, dsn))
        closing.push_async_callback(proof.close)
        yield proof


@frozen(kw_only=True)
class Bounds:
    """How long after each of the bank's ways nothing is used any more, in seconds."""

    order: float
    disable: float
    revoke: float
    cut_off: float


async def revoke_in_every_way(dsn: str, timing: CustodyTiming, bounds: Bounds) -> dict[str, float]:
    """The proof; how long after each way the last use was, in seconds, over all processes."""
    async with AsyncExitStack() as closing:
        proof = await closing.enter_async_context(proving(dsn, timing))
        ordered, hanging = await proof.merchant(), await proof.merchant(1)
        granted, untouched = await proof.merchant(), await proof.merchant()
        everybody = [ordered, hanging, granted, untouched]
        line = AsyncExitStack()
        closing.push_async_callback(line.aclose)
        _, through = await line.enter_async_context(cutting_proxy(dsn))
        for number in range(PROCESSES):
            at = through if number == PROCESSES - 1 else dsn
            await proof.start(f"process-{number}", at, everybody)
        await proof.ready()
        granted_at = proof.revokes_grant(granted)
        ordered_at = await proof.orders(OrderAction.SUSPEND, Scope(ordered, livemode=True))
        disabled_at = proof.disables_key(1)
        lags = {
            "order": await _nothing_after(proof, ordered, ordered_at, bounds.order),
            "disable": await _nothing_after(proof, hanging, disabled_at, bounds.disable),
        }
        before = await proof.reports()
        await line.aclose()
        cut_at = time.monotonic()
        await asyncio.sleep(bounds.cut_off)
        at_bound = await proof.reports()
        lags["revoke"] = await _nothing_after(proof, granted, granted_at, bounds.revoke)
        after = await proof.reports()
        assert after[-1].counts == at_bound[-1].counts
        lags["cut_off"] = after[-1].last[untouched] - cut_at
        assert lags["cut_off"] <= bounds.cut_off
        for then, now in zip(before[:-1], after[:-1], strict=True):
            assert now.counts[untouched] > then.counts[untouched], "nobody else's keys are taken away"
        return lags


async def _nothing_after(proof: Proof, merchant: MerchantId, at: float, bound: float) -> float:
    """Wait until the bound is over: no process has used the merchant's keys after it, nor does one then."""
    await asyncio.sleep(max(at + bound - time.monotonic(), 0.0))
    at_bound = await proof.reports()
    await asyncio.sleep(AFTER_S)
    later = await proof.reports()
    for then, now in zip(at_bound, later, strict=True):
        assert now.counts[merchant] == then.counts[merchant]
        assert now.last[merchant] - at <= bound
    return max(report.last[merchant] for report in later) - at
