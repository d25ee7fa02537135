"""Retirement: what is destroyed is what nothing is sealed with, and nothing can come to be."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

import pytest

from fintech.application.keys.retiring import OlderFirst, StillSealed, TooSoon
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.custody import KeyStatus, RetirementRefused
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.ports.errors import StoreUnavailable
from fintech.ports.key_vault import Lease
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
    assert lease.refused() is None
    await world.rotate(ANN, SHOP)
    await world.settle()
    assert isinstance(await world.retire(ANN, SHOP, 1), Success)
    await world.protected.put(SHOP, [value])
    assert lease.refused() == CustodyRefused(CustodyReason.UNREACHABLE)


class Race:
    """Writers with leases of their own, each as old as it may be, against rotation, resealing and retirement as fast as they
    may; all of them held up between any two steps. Weeks pass meanwhile, but within the saving of a ring, whose waits are
    bounded."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.committed, self.late, self.writing = 0, 0, 4
        self.table, self.protected = world.table, world.protected
        world.table, world.protected = HeldUp(self.table, self.held_up), HeldUp(self.protected, self.held_up)
        world.vault = LendingVault(world.table, world.root, world.clock)
        world.wire()

    async def run(self) -> None:
        writers = [self.writer(name) for name in range(self.writing)]
        await asyncio.gather(*writers, self.rotator(), self.retirer(), self.retirer(), self.time())
        self.world.table, self.world.protected = self.table, self.protected

    async def held_up(self) -> None:
        for _ in range(self.chance.choice([0, 0, 1, 2, 9])):
            await asyncio.sleep(0)

    async def time(self) -> None:
        clock = self.world.clock
        while self.writing:
            await asyncio.sleep(0)
            if self.chance.random() < 0.04:
                clock.advance(self.chance.choice([LEASE / 3, LEASE]))
            if self.chance.random() < 0.08 and not self.world.table.under_way["save"]:
                clock.advance(self.world.policy.retire_after)

    async def writer(self, name: int) -> None:
        vault = LendingVault(self.world.table, self.world.root, self.world.clock)
        for at in range(30):
            lease = (await vault.lease(SHOP)).unwrap()
            await self.held_up()
            with suppress(StoreUnavailable):
                await self.write(lease, f"{name}_{at}")
        self.writing -= 1

    async def write(self, lease: Lease, record: str) -> None:
        value = self.world.sealed(lease, CARD_NUMBER, record, record.encode())
        await self.world.protected.put(SHOP, [value])
        if lease.refused() is not None:
            self.late += 1
            return
        await self.held_up()
        self.world.kept[SHOP, value.place] = (CARD_NUMBER, record.encode())
        self.committed += 1

    async def rotator(self) -> None:
        while self.writing:
            await self.world.rotate(ANN, SHOP)
            await self.world.vault.evict()
            with suppress(StoreUnavailable):
                await self.world.reseal(ANN, SHOP)

    async def retirer(self) -> None:
        while self.writing:
            for number, status in (await self.world.numbers()).items():
                if status is KeyStatus.DECRYPT_ONLY:
                    await self.world.retire(ANN, SHOP, number)


@pytest.mark.parametrize("seed", range(12))
async def test_racing_writers_never_lose_what_they_spoke_of(world: World, seed: int) -> None:
    """Whatever a writer went on to commit opens in the end."""
    race = Race(world, seed)
    await race.run()
    assert await world.unreadable() == []
    assert race.committed
    assert race.late
