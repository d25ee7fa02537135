"""What only Postgres can get wrong: what is left of a shredded key, who is told of a change, and values of any shape."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import Connection, connect
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.key_listener import KeyListener
from fintech.adapters.postgres.key_statements import CHANGES, LOCK, RING, RINGS, RINGS_OF_CMK
from fintech.adapters.postgres.key_table import PostgresKeyTable
from fintech.adapters.postgres.protected_statements import COUNTS, FIND, GET, OLDER, REMOVE
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import (
    CmkName,
    Custody,
    Derivation,
    KeyRing,
    KeyRingId,
    KeyStatus,
    KeyVersion,
)
from fintech.domain.keys.places import Place
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.ports.contracts.key_table import fresh, kept, key_version
from fintech.ports.errors import StoreUnavailable
from fintech.ports.protected_store import SealedValue
from tests.conftest import done
from tests.strategies import MOMENTS, ids

pytestmark = pytest.mark.postgres

FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
SCOPES = st.builds(Scope, ids(MerchantId), st.booleans())
FIELDS = st.builds(Place, WORDS, WORDS, WORDS, st.integers(0, 2**31 - 1))
VALUES = st.builds(
    SealedValue,
    place=FIELDS,
    number=st.integers(1, 2**31 - 1),
    message=st.binary(max_size=300),
    index=st.none() | st.binary(min_size=32, max_size=32),
    put_at=MOMENTS,
)
VERSIONS = st.builds(
    KeyVersion,
    number=st.just(1),
    status=st.sampled_from(KeyStatus),
    cmk=WORDS.map(CmkName),
    derivation=st.sampled_from(Derivation),
    wrapped=st.binary(max_size=300),
    grant=st.none() | WORDS,
    created_at=MOMENTS,
    retired_at=st.none() | MOMENTS,
).map(lambda key: evolve(key, wrapped=b"") if key.status is KeyStatus.RETIRED else key)
RINGS_OF_ANY_SHAPE = st.builds(
    KeyRing,
    id=ids(KeyRingId),
    version=st.just(0),
    scope=SCOPES,
    custody=st.sampled_from(Custody),
    keys=st.lists(VERSIONS, min_size=1, max_size=8).map(
        lambda keys: tuple(evolve(key, number=number) for number, key in enumerate(keys, start=1))
    ),
    created_at=MOMENTS,
    opened_until=st.none() | MOMENTS,
    certified_at=st.none() | MOMENTS,
)


@pytest.fixture
async def ring(database: Database) -> KeyRing:
    ids = RandomIdSource()
    return await kept(
        database.key_table, fresh(Scope(ids.new(MerchantId), livemode=False), ids, ManualClock())
    )


@FEW
@given(rings=st.lists(RINGS_OF_ANY_SHAPE, min_size=1, max_size=10, unique_by=lambda ring: ring.scope))
def test_a_ring_of_any_shape_is_found_as_it_was_kept(postgres_dsn: str, rings: list[KeyRing]) -> None:
    async def there_and_back() -> None:
        async with open_database(postgres_dsn, ManualClock()) as database:
            table = database.key_table
            for ring in rings:
                before = await table.ring(ring.scope)
                version = 0 if before is None else before.version
                keys = ring.keys if before is None else (*ring.keys, *before.keys[len(ring.keys) :])
                saved = await table.save(evolve(ring, version=version, keys=keys))
                assert saved == Success(await table.ring(ring.scope))
                assert saved == Success(evolve(ring, version=version + 1, keys=keys))

    done(there_and_back)


@FEW
@given(scope=SCOPES, values=st.lists(VALUES, max_size=30, unique_by=lambda each: _field(each.place)))
def test_a_value_of_any_shape_is_got_as_it_was_put(
    postgres_dsn: str, scope: Scope, values: list[SealedValue]
) -> None:
    async def there_and_back() -> None:
        async with open_database(postgres_dsn, ManualClock()) as database:
            await database.protected.put(scope, values)
            got = await database.protected.get(scope, [each.place for each in values])
            assert got == {each.place: each for each in values}
            for each in values:
                assert await database.protected.remove(scope, each.place.table, each.place.record) >= 0

    done(there_and_back)


def _field(place: Place) -> tuple[str, str, str]:
    return place.table, place.record, place.column


async def test_of_a_shredded_ring_the_table_holds_no_blob(
    database: Database, connection: Connection, ring: KeyRing
) -> None:
    table, now = database.key_table, ring.created_at
    rotated = await kept(table, ring.rotated(key_version(2, now)).unwrap())
    wrapped = [key.wrapped for key in rotated.keys]
    assert await connection.fetchval("select array_agg(wrapped order by number) from key_versions") == wrapped
    await kept(table, rotated.shredded(now).unwrap())
    assert await connection.fetchval("select max(length(wrapped)) from key_versions") == 0
    await connection.execute("vacuum key_versions")  # as the table asks autovacuum to
    assert (
        await connection.fetchval("select n_dead_tup from pg_stat_user_tables where relname = 'key_versions'")
        == 0
    )


async def test_a_retired_version_can_hold_no_blob(connection: Connection, ring: KeyRing) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="retired_is_empty"):
        await connection.execute("update key_versions set status = 'retired'")


async def test_a_change_is_told_to_who_listens_when_it_is_committed_and_to_nobody_when_it_is_refused(
    database: Database, connection: Connection, ring: KeyRing
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener("fintech_keys", lambda *given: told.put_nowait(given[-1]))
    await database.key_table.save(evolve(ring, version=7))
    await kept(database.key_table, ring.placed(Custody.SUSPENDED).unwrap())
    async with asyncio.timeout(30):
        assert await told.get() == str(await database.key_table.epoch())
    assert told.empty()


async def test_whoever_waits_hears_of_it_when_his_line_was_cut_meanwhile(
    database: Database, connection: Connection, ring: KeyRing
) -> None:
    table = database.key_table
    epoch = await table.epoch()
    waiting = asyncio.create_task(table.await_change(epoch, 60.0))
    listening = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'"
    async with asyncio.timeout(30):
        while not await connection.fetch(listening):
            await asyncio.sleep(0.01)
        assert await waiting == epoch  # he looks at once, and finds nothing
        waiting = asyncio.create_task(table.await_change(epoch, 60.0))
        await kept(table, ring.placed(Custody.SUSPENDED).unwrap())
        assert await waiting == epoch + 1


async def test_a_line_on_which_nobody_can_listen_only_makes_it_later(
    database: Database, ring: KeyRing
) -> None:
    async def refused() -> Connection:
        raise OSError("a pooler that takes no more connections")

    deaf = PostgresKeyTable(database.key_table._pool, database.key_table._looks, KeyListener(refused))
    epoch = await deaf.epoch()
    assert await deaf.await_change(epoch, 0.01) == epoch
    waiting = asyncio.create_task(deaf.await_change(epoch, 0.2))
    await kept(database.key_table, ring.placed(Custody.SUSPENDED).unwrap())
    assert await waiting == epoch + 1


async def test_who_looks_for_changes_waits_for_nothing_else_that_goes_on(
    database: Database, connection: Connection, ring: KeyRing
) -> None:
    """Or a few slow statements would keep orders from being heeded, and after 30 s nothing would be lent."""
    table = database.key_table
    waiting = (
        "select count(*) from pg_locks where not granted"  # activity is one and the same in a transaction
    )
    async with connection.transaction():
        await connection.execute("select * from key_epoch for update")
        saving = [asyncio.create_task(table.save(ring)) for _ in range(6)]
        async with asyncio.timeout(30):
            while await connection.fetchval(waiting) < 4:
                await asyncio.sleep(0.01)
                await connection.execute(
                    "select pg_stat_clear_snapshot()"
                )  # else a transaction sees the first
        async with asyncio.timeout(5):
            epoch = await table.epoch()
            assert await table.changes(epoch, 10) == []
            assert await table.root_keys() == []
            assert await table.await_change(epoch, 0.01) == epoch
    assert [isinstance(each, Success) for each in await asyncio.gather(*saving)].count(True) == 1


async def test_whoever_pauses_in_the_middle_of_a_change_loses_the_lock(connection: Connection) -> None:
    """Or an order of the bank would wait behind a process that was stopped, for as long as any transaction may."""
    async with connection.transaction():
        await connection.fetch(LOCK)
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "3s"


async def test_a_database_that_cannot_be_reached_is_unavailable(database: Database, ring: KeyRing) -> None:
    table, store, now = database.key_table, database.protected, ring.created_at
    table._pool.terminate()
    table._looks.terminate()
    for use in (
        table.ring(ring.scope),
        table.save(ring),
        table.epoch(),
        table.await_change(0, 0.5),
        table.changes(0, 1),
        table.lead("somebody", now, now + timedelta(seconds=1)),
        store.get(ring.scope, [Place("t", "c", "r")]),
        store.counts(ring.scope),
    ):
        with pytest.raises(StoreUnavailable):
            await use


@pytest.mark.parametrize("analyzed", [False, True])
async def test_nothing_is_looked_through_for_what_is_asked(postgres_dsn: str, analyzed: bool) -> None:
    connection = await connect(postgres_dsn)
    merchant = "acct_" + "0" * 24
    arguments = {
        RING: (merchant, False),
        RINGS: (merchant, False, 10),
        RINGS_OF_CMK: (merchant, False, 10, "cmk"),
        CHANGES: (0, 10),
        GET: (merchant, False, ["t"], ["r"], ["c"]),
        FIND: (merchant, False, "t", "c", [bytes(32)], 10),
        OLDER: (merchant, False, 2, 10),
        REMOVE: (merchant, False, "t", "r"),
        COUNTS: (merchant, False),
    }
    if analyzed:
        await connection.execute("analyze")
    plans = {
        statement: str(await (await connection.prepare(statement)).explain(*given))
        for statement, given in arguments.items()
    }
    await connection.close()
    for plan in plans.values():
        assert "Seq Scan" not in plan
    assert "protected_values_blind_index" in plans[FIND]
    assert "protected_values_number" in plans[OLDER]
    assert "'Sort'" not in plans[OLDER]
    assert "key_versions_cmk" in plans[RINGS_OF_CMK]
    assert "protected_values_pk" in plans[REMOVE]
