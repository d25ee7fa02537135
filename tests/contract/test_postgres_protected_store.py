"""Postgres keeps the promise of a protected store, of whichever process asks."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.protected_store import PostgresProtectedStore
from fintech.ports.contracts.protected_store import ProtectedStoreContract


@pytest.fixture
async def protected_stores(
    database: Database, postgres_dsn: str, clock: ManualClock
) -> AsyncIterator[tuple[PostgresProtectedStore, PostgresProtectedStore]]:
    async with open_database(postgres_dsn, clock) as other:
        yield database.protected, other.protected


class TestPostgresProtectedStore(ProtectedStoreContract): ...
