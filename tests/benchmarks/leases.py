"""What a vault costs: memory for each merchant's keys, calls to the root, and time for each request.

The root is local, so that what is measured is the vault; how often it is asked is the same with every root. What is counted as memory is what the process has more of in the machine's, with every
merchant's keys used once.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import time
from pathlib import Path

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.audit import AuditEntry
from fintech.domain.ids import MerchantId
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.scope import Scope
from fintech.ports.audit_trail import AuditTrail

MERCHANTS = 50_000
AT_ONCE = 200
HITS = 200_000
MEMORY_MAX_MIB = 64.0

PLACE = Place("cards", "number", "card_1")

_MIB = 1 << 20
_MEASURE = "from tests.benchmarks.leases import measure; measure()"


class NoTrail(AuditTrail):
    """Keeps nothing."""

    async def write(self, entry: AuditEntry) -> None:
        """Is done at once."""


def leases(_seconds: float, rounds: int) -> bool:
    """The figures of ``rounds`` processes of their own; whether every target is reached."""
    runs = []
    for number in range(1, rounds + 1):
        command = [sys.executable, "-c", _MEASURE]
        root = Path(__file__).parents[2]
        ran = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        print(f"  round {number}  {ran.stdout.strip()}", flush=True)
        runs.append([float(figure) for figure in ran.stdout.split()])
    memory, calls, bare, used, load = (statistics.median(figures) for figures in zip(*runs, strict=True))
    print(f"\n{MERCHANTS:,} merchants' leases in one process, MiB{memory:>12.1f}  <= {MEMORY_MAX_MIB:.0f}")
    print(f"calls to the root for one merchant under {AT_ONCE} requests at once{calls:>6.0f}  <= 1")
    print(f"a lease that is there, us{bare:>10.2f}")
    print(f"a lease that is there, and one value of 1 KiB sealed and opened, us{used:>10.1f}")
    print(f"a lease that is not there (and a seal; local root, memory table), us{load:>10.0f}")
    return memory <= MEMORY_MAX_MIB and calls <= 1


def measure() -> None:
    """Print one process's figures: MiB, calls, and microseconds of a hit, of a hit with its use, and of a load."""
    print(*asyncio.run(_measured()))


async def _measured() -> tuple[float, ...]:
    ids, clock = RandomIdSource(), SystemClock()
    root, table = LocalRoot(), MemoryKeyTable()

    def opened(leases_max: int = MERCHANTS) -> LeasingVault:
        settings = VaultSettings(environment="benchmark", cmks=(LOCAL_CMK,), leases_max=leases_max)
        return LeasingVault(root=root, table=table, audit=NoTrail(), clock=clock, ids=ids, settings=settings)

    maker, scopes = opened(1), [Scope(ids.new(MerchantId), livemode=True) for _ in range(MERCHANTS)]
    for scope in scopes:  # their rings are in the table, which is another machine's memory
        await maker.lease(scope)
    await maker.close()
    del maker
    names = [(str(scope.merchant), scope.livemode) for scope in scopes]
    del scopes, scope
    vault = opened()
    gc.collect()
    before, started = _resident(), time.perf_counter()
    for merchant, livemode in names:
        lease = (await vault.lease(Scope(MerchantId(merchant), livemode))).unwrap()
        lease.seal(KeyPurpose.PAN, PLACE, b"4111111111111111")
    load_s = (time.perf_counter() - started) / MERCHANTS
    gc.collect()
    memory = (_resident() - before) / _MIB
    assert vault.health().leases == MERCHANTS
    hit_s, used_s = await _hits(vault, Scope(MerchantId(names[0][0]), livemode=True))
    calls = await _calls(root, opened(), Scope(MerchantId(names[1][0]), livemode=True))
    await vault.close()
    return round(memory, 1), calls, round(hit_s * 1e6, 2), round(used_s * 1e6, 1), round(load_s * 1e6)


async def _hits(vault: LeasingVault, scope: Scope) -> tuple[float, float]:
    started = time.perf_counter()
    for _ in range(HITS):
        await vault.lease(scope)
    hit_s = (time.perf_counter() - started) / HITS
    kibibyte = bytes(1024)
    started = time.perf_counter()
    for _ in range(HITS // 10):
        lease = (await vault.lease(scope)).unwrap()
        lease.open(KeyPurpose.PAN, PLACE, lease.seal(KeyPurpose.PAN, PLACE, kibibyte)).unwrap()
    return hit_s, (time.perf_counter() - started) / (HITS // 10)


async def _calls(root: LocalRoot, vault: LeasingVault, scope: Scope) -> float:
    """How many calls one merchant causes whose keys take 20 ms to come."""
    root.calls.clear()
    root.latency_s = 0.02
    await asyncio.gather(*(vault.lease(scope) for _ in range(AT_ONCE)))
    await vault.close()
    return float(root.calls.total())


def _resident() -> int:
    """Of this process's memory, what is in the machine's (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096
