"""Postgres keeps the promise of a key table, of whichever process asks."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.key_table import PostgresKeyTable
from fintech.ports.contracts.key_census import KeyCensusContract
from fintech.ports.contracts.key_table import KeyTableContract
from fintech.ports.contracts.root_keys import RootKeysContract


@pytest.fixture
async def key_tables(
    database: Database, postgres_dsn: str, clock: ManualClock
) -> AsyncIterator[tuple[PostgresKeyTable, PostgresKeyTable]]:
    async with open_database(postgres_dsn, clock) as other:
        yield database.key_table, other.key_table


class TestPostgresKeyTable(KeyTableContract): ...


class TestPostgresRootKeys(RootKeysContract): ...


class TestPostgresKeyCensus(KeyCensusContract): ...
