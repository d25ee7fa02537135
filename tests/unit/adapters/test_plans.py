"""How the database goes about what the commit path asks of it."""

import re

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import connect
from fintech.adapters.postgres.database import open_database
from fintech.adapters.postgres.outbox import _outcomes
from fintech.adapters.postgres.outbox_statements import CLAIM, PENDING, RECORD, ROUND
from fintech.adapters.postgres.statements import write_statement
from fintech.adapters.postgres.writes import Writes
from fintech.adapters.system.id_source import RandomIdSource
from fintech.ports.contracts.histories import Story
from fintech.ports.contracts.outbox import LEASE, PAID, changed, enabled, plenty
from fintech.ports.outbox import Tried

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


@pytest.mark.parametrize("analyzed", [False, True])
async def test_deliveries_are_looked_up_by_key_whatever_is_known_of_the_tables(
    postgres_dsn: str, analyzed: bool
) -> None:
    clock = ManualClock()
    async with open_database(postgres_dsn, clock) as database:
        story = await Story.begin(database.store, RandomIdSource(), clock)
        endpoint = await enabled(story, (PAID.value,))
        for _ in range(300):
            await story.paid(500)
        await changed(story, endpoint)
        connection = await connect(postgres_dsn)
        if analyzed:
            await connection.execute("analyze")
        haul = await database.outbox.claim(clock.now(), LEASE, 10, plenty)
        await database.outbox.record([Tried(each, each.delivery) for each in haul.items])
        key = [[story.scope.merchant], [False], [endpoint.id]]
        arguments = {
            ROUND: ("", False, "", 1_000),
            CLAIM: (*key, [10], clock.now(), clock.now(), 10),
            RECORD: _outcomes([Tried(each, each.delivery.canceled()) for each in haul.items]),
            PENDING: (story.scope.merchant, False, [each.event.id for each in haul.items]),
        }
        plans = {
            name: str(await (await connection.prepare(name)).explain(*given, analyze=True))
            for name, given in arguments.items()
        }
        await connection.close()
    for plan in plans.values():
        assert "Seq Scan" not in plan
        assert "Bitmap" not in plan
        for looked_through in map(int, re.findall(r"'Rows Removed by (?:Join )?Filter': (\d+)", plan)):
            assert looked_through < 20, plan
    assert "deliveries_due" in plans[ROUND]
    assert "deliveries_pk" in plans[RECORD]
