"""Postgres keeps the promise of `Queries`."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from attrs import frozen
from sqlalchemy import URL

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.queries import PostgresQueries
from fintech.adapters.postgres.store import PostgresStore
from fintech.adapters.system.id_source import RandomIdSource
from fintech.ports.contracts.queries import QueriesContract, busy
from fintech.ports.contracts.seasons import Season
from fintech.ports.contracts.terminals import TerminalQueriesContract
from tests.conftest import Server, done, spelt


@frozen
class Told:
    """The season of a chance, the database that it was in, and what chance had come to by then."""

    database: str
    season: Season
    chance: Random


Lived = Callable[[int], Told]


@pytest.fixture(scope="module")
def lived(postgres_server: Server) -> Iterator[Lived]:
    """Each is told once; every test has a copy. Telling one takes longer than to ask for lists of it."""
    told: dict[int, Told] = {}

    async def tell(name: str, chance: Random) -> Told:
        clock = ManualClock()
        async with open_database(spelt(postgres_server.url_of(name), "postgresql"), clock) as opened:
            season = await busy(opened.store, RandomIdSource(), clock, chance, clock.advance)
        return Told(name, season, chance)

    def of(number: int) -> Told:
        if number not in told:
            name = postgres_server.new_database()
            told[number] = done(lambda: tell(name, Random(number)))
        return told[number]

    yield of
    for each in told.values():
        postgres_server.drop(each.database)


def chance_of(request: pytest.FixtureRequest) -> int:
    number: int = request.node.callspec.params["chance"]
    return number


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: Server, lived: Lived) -> Iterator[URL]:
    """A database of this test's own: empty, or a copy of one that has seen a season."""
    like = lived(chance_of(request)).database if "season" in request.fixturenames else None
    name = postgres_server.new_database(like=like)
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return database.store


@pytest.fixture
def queries(database: Database) -> PostgresQueries:
    return database.queries


class TestPostgresQueries(QueriesContract):
    @pytest.fixture
    def season(
        self,
        request: pytest.FixtureRequest,
        chance: Random,
        store: PostgresStore,
        ids: RandomIdSource,
        clock: ManualClock,
        lived: Lived,
    ) -> Season:
        """It is in the database already."""
        told = lived(chance_of(request))
        chance.setstate(told.chance.getstate())
        clock.advance(told.season.now - clock.now())
        return told.season.copied(store, ids, clock)


class TestPostgresTerminalQueries(TerminalQueriesContract): ...
