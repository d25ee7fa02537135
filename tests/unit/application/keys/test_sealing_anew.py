"""Lazy resealing: what is opened anyway is sealed anew behind its reader's back, who never waits for it and never fails by it."""

import asyncio

import pytest
from attrs import evolve

from fintech.application import sealing_anew
from fintech.application.protection import Protection
from fintech.application.sealing_anew import ResealTouched, TouchedFigures
from fintech.domain.keys.columns import BILLING_EMAIL
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Success
from fintech.ports.errors import LeaseEnded
from tests.unit.application.keys.world import ANN, SHOP, Faulty, HeldUp, LentKeys, World, away


class Reader(Protection):
    """A reader of a world's values, which were sealed before the last rotation."""

    async def all_of(self, world: World) -> None:
        """Read everything, and get it."""
        places = [place for _, place in world.kept]
        for place, opened in (await self.read(SHOP, places)).items():
            assert opened == Success(world.kept[SHOP, place][1])


async def reading(world: World, records: int) -> Reader:
    await world.keep(records)
    await world.rotate(ANN, SHOP)
    await world.vault.evict()
    resealing = ResealTouched(protected=world.protected)
    return Reader(vault=world.vault, values=world.protected, clock=world.clock, touched=resealing)


async def test_what_is_read_is_sealed_anew_with_its_index(world: World) -> None:
    reader = await reading(world, 2)
    await reader.all_of(world)
    await reader.touched.settled()
    assert await world.protected.counts(SHOP) == {2: 6}
    assert await world.unreadable() == []
    assert reader.touched.figures == TouchedFigures(done=6)
    await reader.all_of(world)
    await reader.touched.settled()
    assert reader.touched.figures == TouchedFigures(done=6), "what is of the newest version stays as it is"
    await world.settle()
    assert isinstance(await world.retire(ANN, SHOP, 1), Success), "the sweep finds nothing that is left to do"


async def test_the_reader_has_his_answer_while_the_store_hangs_and_no_more_than_so_many_wait(
    world: World,
) -> None:
    reader, store, let_go = await reading(world, 1), world.protected, asyncio.Event()
    held_up = HeldUp(store, let_go.wait)
    reader.touched.protected = held_up
    for _ in range(5):
        await reader.all_of(world)
        await asyncio.sleep(0)
    assert held_up.under_way == {"replace": sealing_anew.UNDER_WAY_MAX}
    let_go.set()
    await reader.touched.settled()
    assert await store.counts(SHOP) == {2: 3}
    assert reader.touched.figures == TouchedFigures(done=3), "whoever was overtaken did nothing"


async def test_a_long_page_is_sealed_anew_little_by_little(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing_anew, "VALUES_MAX", 4)
    reader = await reading(world, 2)
    for counts in ({1: 2, 2: 4}, {2: 6}):
        await reader.all_of(world)
        await reader.touched.settled()
        assert await world.protected.counts(SHOP) == counts


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_store_that_fails_fails_no_reader(world: World, when: str) -> None:
    reader, store = await reading(world, 1), world.protected
    reader.touched.protected = Faulty(store, lambda method: when if method == "replace" else None, away)
    await reader.all_of(world)
    await reader.touched.settled()
    assert reader.touched.figures == TouchedFigures(failed=3)
    assert await world.unreadable() == []


async def test_a_version_that_does_not_seal_any_more_still_opens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(*_: object) -> bytes:
        raise LeaseEnded(CustodyRefused(CustodyReason.UNREACHABLE))

    reader = await reading(world, 1)
    monkeypatch.setattr(LentKeys, "seal", too_old)
    await reader.all_of(world)
    await reader.touched.settled()
    assert await world.protected.counts(SHOP) == {1: 3}


async def test_an_index_that_is_anothers_is_left_to_the_sweep_which_tells(world: World) -> None:
    reader = await reading(world, 2)
    emails = [each for each in await world.protected.older(SHOP, 2, 100) if each.place.column == "email"]
    await world.protected.replace(SHOP, emails[0], evolve(emails[0], index=emails[1].index))
    await reader.all_of(world)
    await reader.touched.settled()
    assert await world.protected.counts(SHOP) == {1: 1, 2: 5}


async def test_what_is_on_its_way_is_given_up_with_the_deployment(world: World) -> None:
    reader, store = await reading(world, 1), world.protected
    reader.touched.protected = HeldUp(store, asyncio.Event().wait)
    await reader.all_of(world)
    await asyncio.sleep(0)
    await reader.touched.close()
    assert await store.counts(SHOP) == {1: 3}
    email: Place = next(place for _, place in world.kept if place.column == BILLING_EMAIL.name)
    assert isinstance(await reader.read_one(SHOP, email), Success)
    await reader.touched.close()
