"""Postgres keeps the promise of an outbox, of whichever process asks."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.outbox import PostgresOutbox
from fintech.adapters.postgres.store import PostgresStore
from fintech.ports.contracts.outbox import OutboxContract
from fintech.ports.contracts.outbox_shares import OutboxSharesContract


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return database.store


@pytest.fixture
async def outboxes(
    database: Database, postgres_dsn: str, clock: ManualClock
) -> AsyncIterator[tuple[PostgresOutbox, PostgresOutbox]]:
    async with open_database(postgres_dsn, clock) as other:
        yield database.outbox, other.outbox


class TestPostgresOutbox(OutboxContract): ...


class TestPostgresOutboxShares(OutboxSharesContract): ...
