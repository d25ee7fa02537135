"""The whole life of a merchant's keys, on tables that are there: rotated, sealed anew in a race, moved, retired, shredded."""

import asyncio

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database
from fintech.application.keys import permissions, removing, resealing
from fintech.domain.keys.custody import KeyStatus
from tests.unit.application.keys.test_tending import tender
from tests.unit.application.keys.world import ANN, NEW, OLD, SHOP, World


@pytest.fixture
async def world(database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(permissions, "PAUSE_S", 0)
    monkeypatch.setattr(resealing, "BATCH", 4)
    monkeypatch.setattr(removing, "BATCH", 4)
    made = World(clock=clock, table=database.key_table, protected=database.protected)
    await made.open_ring()
    return made


async def test_keys_live_and_die_on_postgres(world: World) -> None:
    await world.keep(8)
    await world.rotate(ANN, SHOP)
    await world.vault.evict()
    writing = asyncio.create_task(world.keep(2))
    runs = await asyncio.gather(*(world.reseal(ANN, SHOP) for _ in range(3)))
    await writing
    assert sum(run.unwrap().done for run in runs) == 24
    assert await world.protected.counts(SHOP) == {2: 30}
    all_, _ = await world.move()
    assert (all_.moved, all_.troubled) == (1, 0)
    world.root.disable(OLD)
    assert await world.unreadable() == []
    await world.settle()
    await asyncio.gather(tender(world)(), tender(world)())
    assert set((await world.numbers()).items()) == {(1, KeyStatus.RETIRED), (2, KeyStatus.ACTIVE)}
    assert await world.unreadable() == []
    assert {key.cmk for key in (await world.ring()).keys if key.wrapped} == {NEW}
    shredded = (await world.shred(ANN, SHOP)).unwrap()
    assert (shredded.finished, shredded.removed) == (True, 30)
    assert await world.protected.counts(SHOP) == {}
    assert len(await world.unreadable()) == 30
