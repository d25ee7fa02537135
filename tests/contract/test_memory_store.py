"""The memory store keeps the promise of a store."""

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.store import MemoryStore
from fintech.ports.contracts.books import LedgerContract
from fintech.ports.contracts.idempotency import IdempotencyContract
from fintech.ports.contracts.store import StoreContract
from fintech.ports.contracts.terminals import TerminalStoreContract


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def ids():
    return CountingIdSource()


@pytest.fixture
def advance(clock):
    return clock.advance


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


class TestMemoryStore(StoreContract): ...


class TestMemoryIdempotency(IdempotencyContract): ...


class TestMemoryLedger(LedgerContract): ...


class TestMemoryTerminals(TerminalStoreContract): ...
