"""The whole life of a merchant's keys, on tables that are there: rotated, sealed anew in a race, moved, retired, shredded."""

import asyncio

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database
from fintech.application.keys import permissions, removing, resealing
from fintech.application.protection import Protection
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.keys.custody import KeyStatus
from fintech.domain.outcome import Success
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


async def test_what_is_read_is_sealed_anew_on_postgres_whoever_else_does_so(world: World) -> None:
    await world.keep(8)
    await world.rotate(ANN, SHOP)
    await world.vault.evict()
    readers = [
        Protection(
            vault=world.vault,
            values=world.protected,
            clock=world.clock,
            touched=ResealTouched(protected=world.protected),
        )
        for _ in range(2)
    ]
    places = [place for _, place in world.kept]
    sweep = asyncio.create_task(world.reseal(ANN, SHOP, 8))
    for read in await asyncio.gather(*(reader.read(SHOP, places) for reader in readers)):
        assert read == {place: Success(world.kept[SHOP, place][1]) for place in places}
    done = (await sweep).unwrap().done
    for reader in readers:
        await reader.touched.settled()
        done += reader.touched.figures.done
    assert await world.protected.counts(SHOP) == {2: 24}
    assert done == 24, "each was sealed anew by one of them"
    assert await world.unreadable() == []
