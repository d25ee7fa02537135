"""A database of a test's own, through the front door and beside it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.database import Database, open_database


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Database]:
    async with open_database(postgres_dsn, ManualClock()) as opened:
        yield opened


@pytest.fixture
async def connection(postgres_dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(postgres_dsn)
    yield connection
    await connection.close()
