"""Delta rows are folded into the accounts, and balances are the same before, meanwhile and after."""

import asyncio

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import Connection, connect
from fintech.adapters.postgres.database import Database
from fintech.adapters.postgres.folding import Folding
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.ledger import Balances
from fintech.ports.contracts.histories import Story

pytestmark = pytest.mark.postgres


async def busy(database: Database) -> Story:
    """A merchant who has just taken ten payments, one after the other: ten delta rows."""
    story = await Story.begin(database.store, RandomIdSource(), ManualClock())
    for _ in range(10):
        await story.committed(story.paying(1_000))
    return story


async def folded(connection: Connection, story: Story) -> None:
    """Wait until no delta row of a merchant is left."""
    async with asyncio.timeout(4):  # sooner than by age
        while await connection.fetchval(
            "select count(*) from book_deltas where merchant_id = $1", story.merchant.id
        ):
            await asyncio.sleep(0.01)


async def test_a_balance_that_many_deltas_make_up_is_folded_when_it_is_read(
    database: Database, connection: Connection
) -> None:
    story = await busy(database)
    before = await database.store.books(story.scope)
    await folded(connection, story)
    assert await database.store.books(story.scope) == before
    assert any(each != Balances() for each in before.values())


async def test_a_row_that_cannot_be_folded_does_not_end_the_folding(
    database: Database, connection: Connection, postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = await busy(database), await busy(database)
    await connection.execute(
        "insert into book_deltas (merchant_id, livemode, moves) values ($1, false, '\"1234\"')",
        broken.merchant.id,
    )
    folding = Folding(lambda: connect(postgres_dsn))
    folding.start()
    try:
        folding.hurry((broken.merchant.id, False))
        async with asyncio.timeout(4):
            while "a book cannot be folded" not in caplog.text:
                await asyncio.sleep(0.01)
        folding.hurry((whole.merchant.id, False))
        await folded(connection, whole)
    finally:
        await folding.close()
