"""The commit path against a hostile world: cut lines, poisoned rows, rivals in other processes.

Every changeset that was acknowledged is there once, every refused one is not there at all, and the books prove.
"""

import asyncio
import itertools
import random

import asyncpg
import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import open_database
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.changeset import Changeset, StaleWrite
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.outcome import Failure, Success
from fintech.ports.contracts.histories import Story, stored
from fintech.ports.errors import PortError, StoreUnavailable
from fintech.ports.proofs import Proof
from tests.scenarios.cutting_proxy import Cut, cutting_proxy

pytestmark = pytest.mark.postgres


async def proven(database) -> None:
    """Every proof holds."""
    for proof in Proof:
        assert list(await database.proofs.check(proof, livemode=False)) == []


async def landed(story: Story, changes: Changeset) -> None:
    """Commit, handing the same changeset in again while nobody knows what became of it."""
    for _ in range(20):
        try:
            outcome = await story.store.commit(story.scope, changes)
        except StoreUnavailable:
            continue
        assert isinstance(outcome, Success), outcome
        return
    pytest.fail("the store never came back")


async def test_a_line_cut_at_any_moment_loses_and_doubles_nothing(postgres_dsn: str) -> None:
    clock, ids = ManualClock(), RandomIdSource()
    async with (
        cutting_proxy(postgres_dsn) as (proxy, dsn),
        open_database(dsn, clock) as cut_database,
        open_database(postgres_dsn, clock) as database,
    ):
        story = await Story.begin(cut_database.store, ids, clock)
        acknowledged: list[str] = []
        cuts = itertools.cycle(Cut)

        async def shop() -> None:
            for _ in range(15):
                changes = story.paying(1_000, claim=story.claim(ids.secret()))
                await landed(story, changes)
                acknowledged.append(stored(changes).id)

        async def saboteur() -> None:
            for _ in range(24):
                proxy.cut(next(cuts))
                while not proxy.idle:
                    await asyncio.sleep(0.005)

        sabotage = asyncio.ensure_future(saboteur())
        await asyncio.gather(*(shop() for _ in range(40)))
        sabotage.cancel()
        assert proxy.cuts >= 8
        connection = await asyncpg.connect(postgres_dsn)
        rows = await connection.fetch("select id, version from payments")
        await connection.close()
        assert sorted(row["id"] for row in rows) == sorted(acknowledged)
        assert {row["version"] for row in rows} == {1}
        await proven(database)


async def test_a_poisoned_changeset_fails_alone(postgres_dsn: str) -> None:
    clock, ids = ManualClock(), RandomIdSource()
    async with open_database(postgres_dsn, clock) as database:
        story = await Story.begin(database.store, ids, clock)
        good = [story.paying(100) for _ in range(60)]
        poisons = [
            story.paying(100, claim=story.claim("nul \x00")),
            story.paying(100, claim=story.claim("surrogate \ud800")),
        ]
        surrogate = story.paying(100)
        payment = evolve(surrogate.changes[0].aggregate, description="\udfff")
        poisons.append(
            story.changes(
                (payment, EventType.PAYMENT_SUCCEEDED), transfers=surrogate.transfers, id=surrogate.id
            )
        )
        mixed = [*good, *poisons]
        random.Random(7).shuffle(mixed)
        outcomes = await asyncio.gather(
            *(database.store.commit(story.scope, changes) for changes in mixed), return_exceptions=True
        )
        for changes, outcome in zip(mixed, outcomes, strict=True):
            if changes in poisons:
                assert isinstance(outcome, PortError), outcome
            else:
                assert isinstance(outcome, Success), outcome
        await proven(database)


async def test_a_server_that_only_reads_for_a_while_loses_nothing(postgres_dsn: str) -> None:
    """As after a failover, until the name leads to the server that writes."""
    clock = ManualClock()
    connection = await asyncpg.connect(postgres_dsn)
    name = await connection.fetchval("select quote_ident(current_database())")
    await connection.execute(f"alter database {name} set default_transaction_read_only = on")
    async with open_database(postgres_dsn, clock) as database:
        beginning = asyncio.ensure_future(Story.begin(database.store, RandomIdSource(), clock))
        await asyncio.sleep(0.5)
        assert not beginning.done()
        await connection.execute(f"alter database {name} set default_transaction_read_only = off")
        story = await beginning
        assert await database.store.merchant(story.scope) is not None
    await connection.close()


async def test_rivals_in_other_stores_agree(postgres_dsn: str) -> None:
    """Two stores have nothing in common but the database, like two processes."""
    clock, ids = ManualClock(), RandomIdSource()
    async with open_database(postgres_dsn, clock) as one, open_database(postgres_dsn, clock) as two:
        story = await Story.begin(one.store, ids, clock)
        stores = itertools.cycle([one.store, two.store])
        payments = [await story.paid(10_000, manual=True) for _ in range(10)]
        rivals = [story.capturing(payments[n % 10], 100 + n) for n in range(200)]
        keys = [story.paying(50, claim=story.claim(f"key {n % 20}")) for n in range(100)]
        everything = [*rivals, *keys]
        random.Random(11).shuffle(everything)
        outcomes = dict(
            zip(
                [changes.id for changes in everything],
                await asyncio.gather(*(next(stores).commit(story.scope, changes) for changes in everything)),
                strict=True,
            )
        )
        for payment in payments:
            mine = [outcomes[rival.id] for rival in rivals if stored(rival).id == payment.id]
            assert sum(isinstance(outcome, Success) for outcome in mine) == 1
            assert mine.count(Failure(StaleWrite(payment.id, 2))) == 19
        assert sum(isinstance(outcomes[changes.id], Success) for changes in keys) == 20
        await proven(one)


async def test_the_server_restarts_under_load(postgres_dsn: str) -> None:
    """Every connection is killed again and again; callers that wait long enough see their commits land."""
    clock, ids = ManualClock(), RandomIdSource()
    async with open_database(postgres_dsn, clock) as database:
        story = await Story.begin(database.store, ids, clock)
        killer = await asyncpg.connect(postgres_dsn)

        async def kill() -> None:
            while True:
                await asyncio.sleep(0.05)
                await killer.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                    " and application_name = 'fintech'"
                )

        killing = asyncio.ensure_future(kill())
        many = [story.paying(100) for _ in range(400)]

        async def later(changes: Changeset, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            await landed(story, changes)

        await asyncio.gather(*(later(changes, n / 400) for n, changes in enumerate(many)))
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
        assert await killer.fetchval("select count(*) from payments") == 400
        await killer.close()
        await proven(database)
