"""Retirement: what is destroyed is what nothing is sealed with, and nothing can come to be."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

import pytest

from fintech.application.keys.retiring import OlderFirst, StillSealed, TooSoon, still_lent
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.custody import KeyStatus, RetirementRefused
from fintech.domain.outcome import Failure, Success
from fintech.ports.errors import StoreUnavailable
from tests.unit.application.keys.world import ANN, LEASE, NEW, OLD, SHOP, HeldUp, LendingVault, World


async def test_nothing_is_sealed_with_it_any_more_so_it_goes(world: World) -> None:
    await world.keep(2)
    await world.rotate(ANN, SHOP)
    await world.settle()
    assert await world.retire(ANN, SHOP, 1) == Failure(StillSealed(1, 6))
    await world.reseal(ANN, SHOP)
    retired = (await world.retire(ANN, SHOP, 1)).unwrap()
    assert [(key.status, key.wrapped == b"") for key in retired.keys] == [
        (KeyStatus.RETIRED, True),
        (KeyStatus.ACTIVE, False),
    ]
    assert await world.unreadable() == []
    assert world.trail.told(AuditAction.KEY_RETIRED) == [AuditResult.BEGUN, AuditResult.DONE]


async def test_it_stays_as_long_as_a_lease_or_a_backup_may(world: World) -> None:
    await world.rotate(ANN, SHOP)
    at = world.clock.now() + world.policy.retire_after
    world.clock.advance(world.policy.retire_after - timedelta(seconds=1))
    assert await world.retire(ANN, SHOP, 1) == Failure(TooSoon(at))
    world.clock.advance(timedelta(seconds=1))
    assert isinstance(await world.retire(ANN, SHOP, 1), Success)


async def test_what_seals_is_gone_or_never_was_is_not_retired(world: World) -> None:
    assert await world.retire(ANN, SHOP, 1) == Failure(RetirementRefused(1, KeyStatus.ACTIVE))
    assert await world.retire(ANN, SHOP, 7) == Failure(RetirementRefused(7, None))


async def test_the_oldest_goes_first(world: World) -> None:
    """Whoever seals anew, and is slow, takes from an older version and puts what is of this one."""
    for _ in range(2):
        await world.rotate(ANN, SHOP)
    await world.settle()
    assert await world.retire(ANN, SHOP, 2) == Failure(OlderFirst(1))
    for number in (1, 2):
        assert isinstance(await world.retire(ANN, SHOP, number), Success)


async def test_a_permission_is_withdrawn_with_the_last_version_that_needs_it(world: World) -> None:
    await world.rotate(ANN, SHOP)
    await world.rotate(ANN, SHOP, NEW)
    await world.settle()
    old = (await world.ring()).keys[0]
    await world.retire(ANN, SHOP, 1)
    assert world.root.calls["withdraw"] == 0
    await world.retire(ANN, SHOP, 2)
    assert world.root.calls["withdraw"] == 1
    assert (await world.ring()).left == ()
    assert old.cmk == OLD


async def test_a_permission_that_cannot_be_withdrawn_now_is_later(world: World) -> None:
    await world.rotate(ANN, SHOP, NEW)
    await world.settle()
    world.root.reachable = False
    retired = (await world.retire(ANN, SHOP, 1)).unwrap()
    assert len(retired.left) == 1
    world.root.reachable = True
    assert (await world.withdraw(SHOP)).unwrap().left == ()


async def test_who_was_held_up_between_sealing_and_putting_is_told_so(world: World) -> None:
    """The rule that makes a late value harmless: what is put after its lease has ended is spoken of by no commit."""
    lease = (await world.vault.lease(SHOP)).unwrap()
    value = world.sealed(lease, CARD_NUMBER, "pm_1", b"late")
    assert still_lent(lease, world.clock)
    await world.rotate(ANN, SHOP)
    await world.settle()
    assert isinstance(await world.retire(ANN, SHOP, 1), Success)
    await world.protected.put(SHOP, [value])
    assert not still_lent(lease, world.clock)


@pytest.mark.parametrize("seed", range(12))
async def test_racing_writers_never_lose_what_they_spoke_of(world: World, seed: int) -> None:
    """Writers with leases of their own, each as old as it may be and held up between any two steps, against rotation,
    resealing and retirement as fast as they may: whatever a writer went on to commit opens in the end. Weeks pass between
    any two steps but within the saving of a ring, whose waits are bounded."""
    chance = random.Random(seed)
    committed, late, writing = [], [], 4

    async def held_up() -> None:
        for _ in range(chance.choice([0, 0, 1, 2, 9])):
            await asyncio.sleep(0)

    async def time() -> None:
        while writing:
            await asyncio.sleep(0)
            if chance.random() < 0.04:
                world.clock.advance(chance.choice([LEASE / 3, LEASE]))
            if chance.random() < 0.08 and not world.table.under_way["save"]:
                world.clock.advance(world.policy.retire_after)

    async def writer(name: int) -> None:
        nonlocal writing
        vault = LendingVault(world.table, world.root, world.clock)
        for at in range(30):
            lease = (await vault.lease(SHOP)).unwrap()
            await held_up()
            number = f"{name}_{at}".encode()
            try:
                value = world.sealed(lease, CARD_NUMBER, f"pm_{name}_{at}", number)
            except StoreUnavailable:
                continue
            await world.protected.put(SHOP, [value])
            if still_lent(lease, world.clock):
                await held_up()
                world.kept[SHOP, value.place] = (CARD_NUMBER, number)
                committed.append(value.place)
            else:
                late.append(value.place)
        writing -= 1

    async def rotator() -> None:
        while writing:
            await world.rotate(ANN, SHOP)
            await world.vault.evict()
            with suppress(StoreUnavailable):
                await world.reseal(ANN, SHOP)

    async def retirer() -> None:
        while writing:
            for number, status in (await world.numbers()).items():
                if status is KeyStatus.DECRYPT_ONLY:
                    await world.retire(ANN, SHOP, number)

    table, protected = world.table, world.protected
    world.table, world.protected = HeldUp(table, held_up), HeldUp(protected, held_up)
    world.vault = LendingVault(world.table, world.root, world.clock)
    world.wire()
    await asyncio.gather(*(writer(name) for name in range(4)), rotator(), retirer(), retirer(), time())
    world.table, world.protected = table, protected
    assert await world.unreadable() == []
    assert committed
    assert late
