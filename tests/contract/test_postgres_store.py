"""The Postgres store keeps the promise of a store."""

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.postgres.database import open_database
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
async def store(postgres_dsn, clock):
    async with open_database(postgres_dsn, clock) as database:
        yield database.store


class TestPostgresStore(StoreContract): ...


class TestPostgresIdempotency(IdempotencyContract): ...


class TestPostgresLedger(LedgerContract): ...


class TestPostgresTerminals(TerminalStoreContract): ...
