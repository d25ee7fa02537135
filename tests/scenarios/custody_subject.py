"""One process that uses merchants' keys as hard as it may, and counts every use.

Its line of arguments says where the key table and the KMS are, and whose keys to use. It prints ``ready`` when each
has been used, and whatever line it is told, how often each merchant's keys were used so far and when last, by the
machine's monotonic clock; it ends with its input. A use counts when it is over, so that none is too early.
"""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from attrs import define, field

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.adapters.postgres.connections import Connection, connect, open_pool
from fintech.adapters.postgres.key_listener import KeyListener
from fintech.adapters.postgres.key_table import PostgresKeyTable
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.application.auditing import Audited
from fintech.application.keys.sweep import KeySweep, SweepTerms
from fintech.application.keys.sweep_findings import Findings
from fintech.domain.audit import AuditEntry
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.errors import LeaseEnded, PortError
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import Lease
from tests.kms import kms_root

#: What a subject is bound to, as is whoever makes its keys.
ENVIRONMENT = "proof"
#: How many requests of each merchant are under way at once, and how many that keep their lease as long as they can.
REQUESTS, KEEPERS = 2, 1
PAUSE_S = 0.001
NAME = Place("customers", "name", "cus_1")


class NoTrail(AuditTrail):
    """Nothing is proved of it here."""

    async def write(self, entry: AuditEntry) -> None:
        del entry


@define
class Uses:
    """How often each merchant's keys were used, and when last."""

    counts: dict[str, int] = field(factory=dict)
    last: dict[str, float] = field(factory=dict)

    def note(self, scope: Scope) -> None:
        """One more, that is just over."""
        self.counts[scope.merchant] = self.counts.get(scope.merchant, 0) + 1
        self.last[scope.merchant] = time.monotonic()


def use(lease: Lease) -> bool:
    """Seal something and open it again; whether the bank let us."""
    try:
        message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
    except LeaseEnded:
        return False
    return not isinstance(lease.open(KeyPurpose.PII, NAME, message), Failure)


async def requests(vault: LeasingVault, scope: Scope, uses: Uses, *, keeping: bool) -> None:
    """Use a merchant's keys again and again: each time with a lease, or ``keeping`` one until it ends."""
    while True:
        await asyncio.sleep(PAUSE_S)
        try:
            lent = await vault.lease(scope)
        except PortError:
            continue
        if isinstance(lent, Failure):
            continue
        lease = lent.unwrap()
        while use(lease):
            uses.note(scope)
            if not keeping:
                break
            await asyncio.sleep(PAUSE_S)


async def sweeping(sweep: KeySweep, timing: CustodyTiming) -> None:
    """Lead the sweep whenever nobody else does, as a service's worker would."""
    while True:
        try:
            await sweep.try_root_keys()
            await sweep.try_merchants()
        except PortError:
            pass
        await asyncio.sleep(timing.canary_every.total_seconds() / 4)


async def main(told: dict[str, Any]) -> None:
    """Use, until the input ends."""
    timing = timing_of(told["timing"])
    scopes = [Scope(MerchantId(merchant), livemode=True) for merchant in told["merchants"]]
    clock, ids, trail = SystemClock(), RandomIdSource(), NoTrail()
    cmks = tuple(CmkName(pair["cmk"]) for pair in told["kms"]["roots"])
    async with AsyncExitStack() as closing:
        root = kms_root(told["kms"])
        closing.push_async_callback(root.close)
        table = await opened(closing, told["dsn"])
        settings = VaultSettings(environment=ENVIRONMENT, cmks=cmks, timing=timing)
        vault = LeasingVault(root=root, table=table, audit=trail, clock=clock, ids=ids, settings=settings)
        closing.push_async_callback(vault.close)
        uses = Uses()
        work = [
            asyncio.create_task(requests(vault, scope, uses, keeping=keeping))
            for scope in scopes
            for keeping in [True] * KEEPERS + [False] * REQUESTS
        ]
        sweep = KeySweep(
            root=root,
            table=table,
            findings=Findings(audited=Audited(audit=trail, clock=clock)),
            clock=clock,
            terms=SweepTerms(name=told["name"], environment=ENVIRONMENT, cmks=cmks, timing=timing),
        )
        work.append(asyncio.create_task(sweeping(sweep, timing)))
        while len(uses.counts) < len(scopes):
            await asyncio.sleep(PAUSE_S)
        print("ready", flush=True)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps({"counts": uses.counts, "last": uses.last}), flush=True)
        for task in work:
            task.cancel()
        await asyncio.wait(work)


def timing_of(told: dict[str, float]) -> CustodyTiming:
    """Durations in seconds, and shares."""
    shares = ("renew_from", "renew_to")
    terms: dict[str, Any] = {
        name: value if name in shares else timedelta(seconds=value) for name, value in told.items()
    }
    return CustodyTiming(**terms)


async def opened(closing: AsyncExitStack, dsn: str) -> KeyTable:
    """The key table, and nothing else of the database."""

    async def new_connection() -> Connection:
        return await connect(dsn)

    pool = await closing.enter_async_context(open_pool(dsn))
    listener = KeyListener(new_connection)
    closing.push_async_callback(listener.close)
    return PostgresKeyTable(pool, pool, listener)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
