"""Postgres keeps the promise of `Proofs`."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from sqlalchemy import URL

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.proofs import PostgresProofs
from fintech.adapters.postgres.store import PostgresStore
from fintech.adapters.system.id_source import RandomIdSource
from fintech.ports.contracts.proofs import Plant, ProofsContract, told
from fintech.ports.proofs import Proof
from tests.conftest import Server, done, spelt
from tests.planting import plant as sow

DELTA = "insert into book_deltas (merchant_id, livemode, moves) select id, false, '{}' from merchants where not livemode limit 1"
WRONG = {
    Proof.BALANCED: DELTA.format('[["fees/acquiring","AUD",0,0,0,1]]'),
    Proof.REBUILT: DELTA.format('[["fees/acquiring","AUD",0,0,0,1],["losses","AUD",0,1,0,0]]'),
    Proof.HOLDS: DELTA.format('[["holds","AUD",1,0,0,0]]'),
    Proof.SAFEGUARDED: DELTA.format('[["available","AUD",0,0,0,1000000000]]'),
    Proof.PAYMENTS: "update transfers set amount_minor = amount_minor + 1 where id ="
    " (select id from transfers where kind = 'acquiring_fee' and not livemode limit 1)",
    Proof.DISPUTES: DELTA.format('[["reserved","AUD",0,0,0,1]]'),
    Proof.PAYOUTS: DELTA.format('[["in_transit","AUD",0,0,0,1]]'),
    Proof.REMITTED: """update events set document = replace(document::text, '"minor":', '"minor":1')::json where id ="""
    " (select event_id from remittances where not livemode limit 1)",
    Proof.STATEMENTS: "update movements set line = false where id ="
    " (select max(id) from movements where line and not livemode)",
    Proof.INVOICES: "update transfers set credit_code = 'fees/acquiring' where id ="
    " (select max(id) from transfers where kind = 'fee_tax' and not livemode)",
    Proof.EVENTS: "update payments set version = version + 1 where id ="
    " (select id from payments where not livemode limit 1)",
}


#: The name of a database in which the seasons of a chance have been.
Lived = Callable[[int], str]


@pytest.fixture(scope="module")
def lived(postgres_server: Server) -> Iterator[Lived]:
    """They are told once; every test has a copy. Telling them takes longer than to find what is wrong with them."""
    names: dict[int, str] = {}

    async def tell(dsn: str, number: int) -> None:
        clock = ManualClock()
        async with open_database(dsn, clock) as opened:
            await told(opened.store, RandomIdSource(), clock, Random(number), clock.advance)

    def named(number: int) -> str:
        if number not in names:
            names[number] = postgres_server.new_database()
            done(lambda: tell(spelt(postgres_server.url_of(names[number]), "postgresql"), number))
        return names[number]

    yield named
    for name in names.values():
        postgres_server.drop(name)


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: Server, lived: Lived) -> Iterator[URL]:
    """A database of this test's own: empty, or a copy of one that has seen the seasons."""
    chance = request.node.callspec.params["chance"] if "seasons" in request.fixturenames else None
    name = postgres_server.new_database(like=None if chance is None else lived(chance))
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return database.store


@pytest.fixture
def proofs(database: Database) -> PostgresProofs:
    return database.proofs


@pytest.fixture
def plant(postgres_dsn: str) -> Plant:
    async def planted(proof: Proof) -> None:
        await sow(postgres_dsn, WRONG[proof])

    return planted


class TestPostgresProofs(ProofsContract):
    @pytest.fixture
    def seasons(self, chance: Random) -> None:
        """They are in the database already."""
