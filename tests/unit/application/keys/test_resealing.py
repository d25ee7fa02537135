"""Resealing: everything older is sealed anew, with its index; what others write meanwhile wins; what is wrong is told."""

import pytest
from attrs import evolve

from fintech.application.keys import resealing
from fintech.application.keys.resealing import Stuck
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.columns import BILLING_EMAIL, CARD_NUMBER
from fintech.domain.keys.custody import Custody
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure
from fintech.ports.protected_store import SealedValue
from tests.unit.application.keys.world import ANN, SHOP, Faulty, World, away


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few values are several batches."""
    monkeypatch.setattr(resealing, "BATCH", 4)


async def rotated(world: World, records: int) -> World:
    await world.keep(records)
    await world.rotate(ANN, SHOP)
    await world.vault.evict()
    return world


async def test_what_is_older_is_sealed_anew_with_its_index(world: World) -> None:
    await rotated(world, 5)
    before = {each.place: each for each in await world.protected.older(SHOP, 2, 100)}
    resealed = (await world.reseal(ANN, SHOP)).unwrap()
    assert (resealed.number, resealed.done, resealed.left, resealed.stuck) == (2, 15, 0, {})
    assert await world.protected.counts(SHOP) == {2: 15}
    after = await world.protected.get(SHOP, list(before))
    for place, value in after.items():
        assert value.message != before[place].message
        assert value.put_at == before[place].put_at
        assert (value.index is None) is (before[place].index is None)
        assert value.index is None or value.index != before[place].index
    assert await world.unreadable() == []
    assert world.trail.told(AuditAction.VALUES_RESEALED) == [AuditResult.DONE]


async def test_a_run_has_a_limit_and_the_next_goes_on(world: World) -> None:
    await rotated(world, 5)
    first = (await world.reseal(ANN, SHOP, 6)).unwrap()
    assert (first.done, first.left) == (6, 9)
    assert await world.unreadable() == []
    assert (await world.reseal(ANN, SHOP)).unwrap().done == 9
    assert (await world.reseal(ANN, SHOP)).unwrap().done == 0


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_ended_half_way_is_gone_on_with(world: World, when: str) -> None:
    await rotated(world, 5)
    calls = 0

    def seventh(method: str) -> str | None:
        nonlocal calls
        calls += method == "replace"
        return when if method == "replace" and calls == 7 else None

    protected = world.protected
    world.protected = Faulty(protected, seventh, away)
    world.wire()
    with pytest.raises(Exception, match="away"):
        await world.reseal(ANN, SHOP)
    world.protected = protected
    world.wire()
    assert 0 < (await protected.counts(SHOP))[1] < 15
    assert await world.unreadable() == []
    assert (await world.reseal(ANN, SHOP)).unwrap().left == 0
    assert await world.unreadable() == []


async def test_whoever_writes_meanwhile_wins(world: World) -> None:
    await rotated(world, 1)
    place = next(place for _, place in world.kept if place.column == CARD_NUMBER.name)
    lease = (await world.vault.lease(SHOP)).unwrap()
    newer = world.sealed(lease, CARD_NUMBER, place.record, b"another value")
    protected, calls = world.protected, 0

    class Overtaking:
        def __getattr__(self, name: str) -> object:
            return getattr(protected, name)

        async def replace(self, scope: object, before: SealedValue, after: SealedValue) -> bool:
            nonlocal calls
            calls += 1
            if before.place == place:
                await protected.put(SHOP, [newer])
            return await protected.replace(SHOP, before, after)

    world.protected = Overtaking()
    world.wire()
    resealed = (await world.reseal(ANN, SHOP)).unwrap()
    assert (resealed.done, resealed.overtaken, resealed.left, calls) == (2, 1, 0, 3)
    assert (await protected.get(SHOP, [place]))[place] == newer


async def test_what_is_damaged_is_set_apart_and_told_and_the_rest_is_done(world: World) -> None:
    await rotated(world, 3)
    victim = (await world.protected.older(SHOP, 2, 1))[0]
    flipped = bytes([victim.message[-1] ^ 1])
    await world.protected.replace(SHOP, victim, evolve(victim, message=victim.message[:-1] + flipped))
    resealed = (await world.reseal(ANN, SHOP)).unwrap()
    assert (resealed.done, resealed.stuck, resealed.left) == (8, {Stuck.DAMAGED: 1}, 0)
    assert victim.place not in await world.protected.get(SHOP, [victim.place])
    assert world.trail.told(AuditAction.INTEGRITY_FAILED) == [AuditResult.FAILED]


async def test_an_index_that_is_anothers_is_left_and_told(world: World) -> None:
    """Nothing but the value authenticates its index: who swaps two makes one card be found as the other."""
    await rotated(world, 2)
    emails = [each for each in await world.protected.older(SHOP, 2, 100) if each.place.column == "email"]
    await world.protected.replace(SHOP, emails[0], evolve(emails[0], index=emails[1].index))
    resealed = (await world.reseal(ANN, SHOP)).unwrap()
    assert (resealed.done, resealed.stuck, resealed.left) == (5, {Stuck.INDEX_DIFFERS: 1}, 1)
    assert world.trail.told(AuditAction.INTEGRITY_FAILED) == [AuditResult.FAILED]


async def test_a_value_that_could_not_be_looked_for_can_be_from_then_on(world: World) -> None:
    lease = (await world.vault.lease(SHOP)).unwrap()
    value = evolve(world.sealed(lease, BILLING_EMAIL, "pm_1", b"Ann@Shop.example"), index=None)
    await world.protected.put(SHOP, [value])
    world.kept[SHOP, value.place] = (BILLING_EMAIL, b"Ann@Shop.example")
    await world.rotate(ANN, SHOP)
    await world.vault.evict()
    await world.reseal(ANN, SHOP)
    assert await world.unreadable() == []


async def test_many_that_are_stuck_do_not_stop_those_behind_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = (await world.vault.lease(SHOP)).unwrap()
    strange = [
        evolve(world.sealed(lease, CARD_NUMBER, f"x_{at}", b"?"), place=Place("a_table", "x", f"x_{at}"))
        for at in range(9)
    ]
    await world.protected.put(SHOP, strange)
    await rotated(world, 2)
    resealed = (await world.reseal(ANN, SHOP)).unwrap()
    assert (resealed.done, resealed.stuck, resealed.left) == (6, {Stuck.UNKNOWN_COLUMN: 9}, 9)
    monkeypatch.setattr(resealing, "STUCK_MAX", 4)
    assert sum((await world.reseal(ANN, SHOP)).unwrap().stuck.values()) == 8


async def test_a_lease_that_ends_in_between_is_renewed(world: World) -> None:
    await rotated(world, 3)
    (await world.vault.lease(SHOP)).unwrap()
    protected, late = world.protected, False

    class Slow:
        def __getattr__(self, name: str) -> object:
            return getattr(protected, name)

        async def older(self, *args: object) -> object:
            nonlocal late
            if not late:
                late = True
                world.clock.advance(world.policy.retire_after)
            return await protected.older(*args)

    world.protected = Slow()
    world.wire()
    resealed = (await world.reseal(ANN, SHOP)).unwrap()
    assert (resealed.done, resealed.left, resealed.stuck) == (9, 0, {})


async def test_where_the_bank_lends_nothing_nothing_is_sealed_anew(world: World) -> None:
    await rotated(world, 1)
    await world.table.save((await world.ring()).placed(Custody.SUSPENDED).unwrap())
    await world.vault.evict()
    assert await world.reseal(ANN, SHOP) == Failure(CustodyRefused(CustodyReason.REVOKED))
    assert await world.protected.counts(SHOP) == {1: 3}
