"""Memory keeps the promise of `Queries`."""

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import MemoryStore
from fintech.ports.contracts.queries import QueriesContract
from fintech.ports.contracts.terminals import TerminalQueriesContract


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def queries(store: MemoryStore) -> MemoryQueries:
    return MemoryQueries(store.memory)


class TestMemoryQueries(QueriesContract): ...


class TestMemoryTerminalQueries(TerminalQueriesContract): ...
