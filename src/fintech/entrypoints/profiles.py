"""Deployments of the core: the only module that names adapters. Each is an async context manager."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.adapters.simulator.card_vault import SimulatedCardVault
from fintech.adapters.system.keyed_digest import HmacDigest
from fintech.entrypoints.container import Core


@asynccontextmanager
async def testing(
    *, acquirer: SimulatedAcquirer | None = None, clock: ManualClock | None = None
) -> AsyncIterator[Core]:
    """Everything in memory, with a clock that is moved by hand and ids that count: for tests, ours and anyone's."""
    clock = clock or ManualClock()
    store = MemoryStore(clock)
    digests = HmacDigest(bytes(32))
    core = Core(
        store=store,
        queries=MemoryQueries(store.memory),
        proofs=MemoryProofs(store.memory),
        acquirer=acquirer or SimulatedAcquirer(answer_timeout_s=0),
        vault=SimulatedCardVault(digests, clock),
        clock=clock,
        ids=CountingIdSource(),
        digests=digests,
    )
    core.check_dependencies()
    yield core
