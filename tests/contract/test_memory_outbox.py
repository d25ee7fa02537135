"""Memory keeps the promise of an outbox."""

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.adapters.memory.store import MemoryStore
from fintech.ports.contracts.outbox import OutboxContract
from fintech.ports.contracts.outbox_shares import OutboxSharesContract


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def outboxes(store: MemoryStore) -> tuple[MemoryOutbox, MemoryOutbox]:
    return MemoryOutbox(store.memory), MemoryOutbox(store.memory)


class TestMemoryOutbox(OutboxContract): ...


class TestMemoryOutboxShares(OutboxSharesContract): ...
