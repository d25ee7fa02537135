"""Memory keeps the promise of `Queries`."""

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import MemoryStore
from fintech.ports.contracts.queries import QueriesContract


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def queries(store: MemoryStore) -> MemoryQueries:
    return MemoryQueries(store.memory)


class TestMemoryQueries(QueriesContract): ...
