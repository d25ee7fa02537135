"""Postgres keeps the promise of `Proofs`."""

import pytest

from fintech.adapters.postgres.database import Database
from fintech.adapters.postgres.proofs import PostgresProofs
from fintech.adapters.postgres.store import PostgresStore
from fintech.ports.contracts.proofs import Plant, ProofsContract
from fintech.ports.proofs import Proof
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


class TestPostgresProofs(ProofsContract): ...
