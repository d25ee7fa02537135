"""The same life on memory and on Postgres, side by side: after every step nobody can tell one from the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.postgres.database import open_database
from fintech.adapters.simulator.card_vault import SimulatedCardVault
from fintech.adapters.system.keyed_digest import HmacDigest
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import testing
from tests.conftest import Server, spelt
from tests.properties.acquirers import StoryAcquirer
from tests.properties.machine import BRIEF, MoneyMachine
from tests.properties.world import OpenCore

#: Each step asks Postgres for every proof and list, so there are few stories here and many on memory.
FEW = settings(BRIEF, max_examples=8, stateful_step_count=25)


def on_postgres(server: Server) -> OpenCore:
    """A core like `testing`, but for where it stores; on a database of its own."""

    @asynccontextmanager
    async def opened(*, acquirer: StoryAcquirer, clock: ManualClock) -> AsyncIterator[Core]:
        name = server.new_database()
        dsn = spelt(server.url_of(name), "postgresql")
        digests = HmacDigest(bytes(32))
        async with open_database(dsn, clock, writers=1, readers=1) as database:
            yield Core(
                store=database.store,
                queries=database.queries,
                proofs=database.proofs,
                acquirer=acquirer,
                vault=SimulatedCardVault(digests, clock),
                clock=clock,
                ids=CountingIdSource(),
                digests=digests,
            )
        server.drop(name)

    return opened


def test_memory_and_postgres_cannot_be_told_apart(postgres_server: Server) -> None:
    class OnBoth(MoneyMachine):
        cores: ClassVar[tuple[OpenCore, ...]] = (testing, on_postgres(postgres_server))

    run_state_machine_as_test(OnBoth, settings=FEW)
