"""How the database goes about what the commit path asks of it."""

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import connect
from fintech.adapters.postgres.database import open_database
from fintech.adapters.postgres.statements import write_statement
from fintech.adapters.postgres.writes import Writes
from fintech.adapters.system.id_source import RandomIdSource
from fintech.ports.contracts.histories import Story

pytestmark = pytest.mark.postgres


async def test_rows_are_looked_up_by_key_however_small_the_tables_are(postgres_dsn: str) -> None:
    clock = ManualClock()
    async with open_database(postgres_dsn, clock) as database:
        story = await Story.begin(database.store, RandomIdSource(), clock)
        payment = await story.paid(10_000, manual=True)
        writes = Writes()
        writes.add(story.scope, story.capturing(payment, 5_000))
        parts, columns = writes.parts()
        connection = await connect(postgres_dsn)
        await connection.execute("analyze")  # the planner knows that there is next to nothing to read
        statement = await connection.prepare(write_statement(parts))
        plan = str(await statement.explain(*columns))
        await connection.close()
    assert "payments_pk" in plan
    assert "Seq Scan" not in plan
    assert "Hash Join" not in plan
