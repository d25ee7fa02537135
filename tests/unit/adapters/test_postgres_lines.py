"""Lines that do not tell what they did to the balance, as a release before this one writes them."""

from datetime import timedelta
from importlib import import_module
from random import Random

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.database import Database
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.lines import line_amounts
from fintech.ports.contracts.seasons import Season
from fintech.ports.contracts.trading import trade
from fintech.ports.proofs import Proof

MIGRATION = import_module("fintech.adapters.postgres.migrations.versions.0002_cash_flow")


@pytest.fixture
async def season(database: Database) -> Season:
    clock = ManualClock()
    season = await Season.begin(database.store, RandomIdSource(), clock)
    await trade(season, Random(3), clock.advance, steps=20)
    clock.advance(timedelta(hours=1))
    return season


async def balances(database: Database, season: Season) -> list[int]:
    """Before each line, and now."""
    moments = [*(legs[0].at for legs in season.lines.values()), season.now]
    return [await database.queries.balance_before(season.story.scope, moment) for moment in moments]


async def nets(connection: Connection) -> dict[str, int | None]:
    return dict(await connection.fetch("select id, net_minor from movements order by id"))


async def test_every_line_tells_its_net_and_nothing_else_does(season: Season, connection: Connection) -> None:
    told = {id: net for id, net in (await nets(connection)).items() if net is not None}
    assert told == {id: line_amounts(legs).net_minor for id, legs in season.lines.items()}
    assert len(told) < len(season.movements)


@pytest.mark.parametrize("untold", ["true", "random() < 0.5"])
async def test_a_balance_is_the_same_where_lines_do_not_tell(
    database: Database, season: Season, connection: Connection, untold: str
) -> None:
    expected = await balances(database, season)
    assert len(set(expected)) > 5
    await connection.execute(f"update movements set net_minor = null where {untold}")
    assert await balances(database, season) == expected
    assert list(await database.proofs.check(Proof.STATEMENTS, livemode=False)) == []


async def test_the_upgrade_tells_what_was_not_told(season: Season, connection: Connection) -> None:
    expected = await nets(connection)
    await connection.execute("update movements set net_minor = null")
    (fill,) = [each for each in MIGRATION._LINES if each.startswith("update")]
    await connection.execute(fill)
    assert await nets(connection) == expected
