"""Postgres keeps the promise of an audit sink and of a checkpoint store, and lets nobody change what is there."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from fintech.adapters.audit.chaining import ChainedTrail
from fintech.adapters.postgres.audit_sink import PostgresAuditSink, PostgresCheckpoints
from fintech.adapters.postgres.connections import open_pool
from fintech.adapters.postgres.database import Database
from fintech.ports.contracts.audit_sink import (
    ONE,
    AuditSinkContract,
    CheckpointStoreContract,
    chained,
    checkpoint_at,
    entry_at,
    stream_of,
)
from fintech.ports.errors import AuditUnavailable, StoreUnavailable
from tests.conftest import spelt
from tests.unit.adapters.audit_doubles import Desk, entry

TABLES = ("audit_streams", "audit_records", "audit_checkpoints")
MEDDLING = [
    *(f"delete from {table}" for table in TABLES),
    *(f"truncate {table} cascade" for table in TABLES),
    "update audit_streams set sealed_key = ''",
    "update audit_records set mac = ''",
    "update audit_checkpoints set head = ''",
    "delete from audit_records where sequence = 99",
]


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_pool(postgres_dsn) as opened:
        yield opened


@pytest.fixture
def sink(pool: asyncpg.Pool) -> PostgresAuditSink:
    return PostgresAuditSink(pool)


@pytest.fixture
def checkpoints(pool: asyncpg.Pool) -> PostgresCheckpoints:
    return PostgresCheckpoints(pool)


@pytest.fixture
def again(pool: asyncpg.Pool) -> PostgresCheckpoints:
    return PostgresCheckpoints(pool)


class TestPostgresAuditSink(AuditSinkContract): ...


class TestPostgresCheckpoints(CheckpointStoreContract): ...


async def filled(sink: PostgresAuditSink, checkpoints: PostgresCheckpoints) -> None:
    await sink.begin(stream_of())
    await sink.append(chained([entry_at(0), entry_at(1)]))
    await checkpoints.keep(checkpoint_at(2))


async def test_nothing_is_changed_or_removed_not_even_by_who_owns_it(
    sink: PostgresAuditSink, checkpoints: PostgresCheckpoints, postgres_dsn: str
) -> None:
    await filled(sink, checkpoints)
    connection = await asyncpg.connect(postgres_dsn)
    for statement in MEDDLING:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
            await connection.execute(statement)
    await connection.close()
    assert list(await sink.records(ONE, -1, 10)) == chained([entry_at(0), entry_at(1)])


async def test_the_role_of_an_application_cannot_take_the_guard_away(
    sink: PostgresAuditSink, checkpoints: PostgresCheckpoints, postgres_url: URL
) -> None:
    """The role of docs/operations/audit.md: it adds and reads, and owns nothing. Only a superuser makes one."""
    await filled(sink, checkpoints)
    role = "fintech_application_role_of_a_test"
    try:
        connection = await asyncpg.connect(spelt(postgres_url.set(username="postgres"), "postgresql"))
    except asyncpg.PostgresError:
        pytest.skip("the role postgres of this server is not ours")
    transaction = connection.transaction()
    await transaction.start()  # roles are the server's: it is rolled back
    await connection.execute(f"create role {role}")
    await connection.execute(f"grant select, insert on {', '.join(TABLES)} to {role}")
    await connection.execute(f"set local role {role}")
    guards = [f"alter table {table} disable trigger all" for table in TABLES]
    for statement in (*MEDDLING, *guards, "drop function audit_is_append_only() cascade"):
        savepoint = connection.transaction()
        await savepoint.start()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
        await savepoint.rollback()
    await transaction.rollback()
    await connection.close()


async def test_who_only_reads_reads_and_cannot_write(
    sink: PostgresAuditSink, checkpoints: PostgresCheckpoints, postgres_dsn: str
) -> None:
    await filled(sink, checkpoints)
    async with open_pool(postgres_dsn, read_only=True) as pool:
        reader = PostgresAuditSink(pool)
        assert await reader.end(ONE) == await sink.end(ONE)
        assert list(await PostgresCheckpoints(pool).of(ONE)) == [checkpoint_at(2)]
        with pytest.raises(StoreUnavailable):
            await reader.append(chained([entry_at(2)], end=await sink.end(ONE)))


async def test_a_database_that_went_away_is_unavailable(database: Database, postgres_dsn: str) -> None:
    await database.audit_sink.begin(stream_of())
    async with open_pool(postgres_dsn) as pool:
        sink = PostgresAuditSink(pool)
        await pool.close()
        with pytest.raises(StoreUnavailable):
            await sink.append(chained([entry_at(0)]))


async def test_processes_that_write_at_once_and_lose_their_lines_keep_whole_chains(
    pool: asyncpg.Pool, postgres_dsn: str
) -> None:
    """What was acknowledged is there, once, in order, whatever became of the connections meanwhile."""
    desk = Desk(sink=PostgresAuditSink(pool), checkpoints=PostgresCheckpoints(pool))
    trails = [desk.trail, desk.another()]
    acknowledged: list[str] = []

    async def one(trail: ChainedTrail, name: str) -> None:
        await trail.write(entry(name))
        acknowledged.append(name)

    cutter = await asyncpg.connect(postgres_dsn)
    for crowd in range(6):
        writing = [
            asyncio.create_task(one(trail, f"{number}.{crowd}.{place}"))
            for place in range(30)
            for number, trail in enumerate(trails)
        ]
        await asyncio.sleep(0.002 * crowd)
        await cutter.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        ends = await asyncio.gather(*writing, return_exceptions=True)
        assert all(each is None or isinstance(each, AuditUnavailable) for each in ends)
    await cutter.close()
    for number, trail in enumerate(trails):
        await one(trail, f"{number}.last")
        await trail.close()
    verdicts = await desk.verdicts()
    assert [(each.found, each.ended) for each in verdicts] == [((), True)] * 2
    written = await desk.subjects()
    assert len(set(written)) == len(written)
    assert set(acknowledged) <= set(written)
