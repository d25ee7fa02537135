"""Postgres keeps the promise of `Queries`."""

import pytest

from fintech.adapters.postgres.database import Database
from fintech.adapters.postgres.queries import PostgresQueries
from fintech.adapters.postgres.store import PostgresStore
from fintech.ports.contracts.queries import QueriesContract
from fintech.ports.contracts.terminals import TerminalQueriesContract


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return database.store


@pytest.fixture
def queries(database: Database) -> PostgresQueries:
    return database.queries


class TestPostgresQueries(QueriesContract): ...


class TestPostgresTerminalQueries(TerminalQueriesContract): ...
