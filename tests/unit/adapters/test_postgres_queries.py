"""What lists on Postgres promise beyond the port: an order of commits that holds, and breakage by its right name."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.database import Database
from fintech.adapters.postgres.queries import PostgresQueries
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.events import EventType
from fintech.ports.contracts.paying_out import payable
from fintech.ports.contracts.seasons import Season
from fintech.ports.errors import PortError, StoreUnavailable
from fintech.ports.queries import Page

COPY = """insert into events (merchant_id, livemode, id, type, aggregate_id, version, at, actor, document)
    select merchant_id, livemode, $1, type, aggregate_id, version, at, actor, document from events limit 1"""


@pytest.fixture
async def season(database: Database) -> Season:
    return await Season.begin(database.store, RandomIdSource(), ManualClock())


@pytest.fixture
async def engine(sqlalchemy_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(sqlalchemy_url)
    yield engine
    await engine.dispose()


async def listed(database: Database, season: Season, after: str | None = None) -> list[str]:
    page = Page(limit=100, after=after)
    return [event.id for event in (await database.queries.events(season.story.scope, page)).items]


async def until_listed(database: Database, season: Season, expected: list[str]) -> None:
    async with asyncio.timeout(10):
        while await listed(database, season) != expected:
            await asyncio.sleep(0.01)


async def test_nothing_appears_behind_what_was_listed(
    database: Database, season: Season, connection: Connection
) -> None:
    (opening, _, _) = season.events[0]
    await until_listed(database, season, [opening])
    slow = connection.transaction()
    await slow.start()
    await connection.execute(COPY, "evt_" + "z" * 24 + "00")
    await season.present_card()
    quick = season.events[-1][0]
    await asyncio.sleep(0.1)
    assert await listed(database, season) == [opening], "a later commit is listed before an earlier one"
    await slow.commit()
    await until_listed(database, season, [quick, "evt_" + "z" * 24 + "00", opening])


async def test_rows_of_a_restored_dump_are_listed(
    database: Database, season: Season, connection: Connection
) -> None:
    await season.present_card()
    await connection.execute("update events set xact = '1000000000000'")
    await until_listed(database, season, sorted((id for id, _, _ in season.events), reverse=True))


async def test_an_event_that_is_not_there_is_no_cursor(database: Database, season: Season) -> None:
    await until_listed(database, season, [season.events[0][0]])
    assert await listed(database, season, after="evt_" + "z" * 26) == []


async def test_a_read_that_takes_too_long_is_broken_off(
    engine: AsyncEngine, season: Season, connection: Connection
) -> None:
    queries = PostgresQueries(engine, timeout_s=0.2)
    async with connection.transaction():
        await connection.execute("lock table payments")
        with pytest.raises(StoreUnavailable):
            await queries.payments(season.story.scope, Page())
    assert (await queries.payments(season.story.scope, Page())).items == ()
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    assert await connection.fetchval(waiting) == 0, "the query goes on in the server"


async def test_a_connection_that_is_cut_is_the_store_unavailable(
    engine: AsyncEngine, season: Season, connection: Connection
) -> None:
    queries = PostgresQueries(engine)
    await queries.payments(season.story.scope, Page())
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        " and datname = current_database() and application_name <> 'fintech'"
    )
    with pytest.raises(StoreUnavailable):
        await queries.payments(season.story.scope, Page())
    assert (await queries.payments(season.story.scope, Page())).items == ()


async def test_a_server_that_is_not_there_is_the_store_unavailable(season: Season) -> None:
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        await PostgresQueries(engine).payments(season.story.scope, Page())


async def test_no_connection_free_in_time_is_the_store_unavailable(
    sqlalchemy_url: str, season: Season
) -> None:
    engine = create_async_engine(sqlalchemy_url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    async with engine.connect():
        with pytest.raises(StoreUnavailable):
            await PostgresQueries(engine).payments(season.story.scope, Page())
    await engine.dispose()


@pytest.mark.parametrize("cursor", ["pi_\x00", "pi_\ud800"])
async def test_what_a_database_cannot_be_asked_is_not_blamed_on_the_line(
    database: Database, season: Season, cursor: str
) -> None:
    with pytest.raises(PortError) as raised:
        await database.queries.payments(season.story.scope, Page(after=cursor))
    assert not isinstance(raised.value, StoreUnavailable)


async def test_what_others_wrote_reads_back_whatever_it_is(database: Database, season: Season) -> None:
    payment = await season.pay(1_000)
    said = payment.updated(season.story.merchant, description="\x00 ' \" \\u0000 \x1f \x1e é 🜚").unwrap()
    await season.story.committed(season.story.changes((said, EventType.PAYMENT_UPDATED)))
    (stored,) = (await database.queries.payments(season.story.scope, Page())).items
    assert stored.description == said.description
    ((of_charge, _),) = (await database.queries.charges(season.story.scope, Page())).items
    assert of_charge == stored


async def test_a_line_that_does_not_tell_its_net_is_added_up(
    database: Database, season: Season, connection: Connection
) -> None:
    for amount in (1_000, 20_000):
        await season.refund((await season.pay(amount)).id, 300)
    read, scope = database.queries.payable_lines, season.story.scope
    told = await read(scope, None, 100)
    await connection.execute("update movements set net_minor = null")
    assert await read(scope, None, 100) == told
    assert [line.net_minor for line in told] == [line.net_minor for line in payable(season)]
