"""Rotation: one new version seals, the others open, and nobody is told of a key that the root would not give him."""

import asyncio
from datetime import timedelta

import pytest

from fintech.application.commits import NotFound
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import VERSIONS_MAX, CmkName, Custody, KeyStatus, RotationRefused
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.outcome import Failure, Success
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_root import RootFault, RootRefused, WrapContext, Wrapped
from tests.unit.application.keys.world import (
    ANN,
    DAY,
    ENVIRONMENT,
    NEW,
    OLD,
    OTHER,
    SHOP,
    Faulty,
    World,
    away,
)


async def test_the_new_version_seals_and_the_one_before_opens(world: World) -> None:
    await world.keep(2)
    rotated = (await world.rotate(ANN, SHOP)).unwrap()
    assert await world.numbers() == {1: KeyStatus.DECRYPT_ONLY, 2: KeyStatus.ACTIVE}
    assert rotated == await world.ring()
    await world.vault.evict()
    await world.keep(1)
    assert await world.protected.counts(SHOP) == {1: 6, 2: 3}
    assert await world.unreadable() == []
    assert world.trail.told(AuditAction.KEY_ROTATED) == [AuditResult.BEGUN, AuditResult.DONE]


async def test_a_ring_has_so_many_versions_that_open_and_no_more(world: World) -> None:
    for _ in range(VERSIONS_MAX - 1):
        assert isinstance(await world.rotate(ANN, SHOP), Success)
    asked = world.root.calls["create"]
    assert await world.rotate(ANN, SHOP) == Failure(RotationRefused(Custody.ACTIVE, VERSIONS_MAX))
    assert world.root.calls["create"] == asked


async def test_what_is_suspended_or_not_there_is_not_rotated(world: World) -> None:
    assert await world.rotate(ANN, OTHER) == Failure(NotFound("key", OTHER.merchant))
    await world.table.save((await world.ring()).placed(Custody.SUSPENDED).unwrap())
    assert await world.rotate(ANN, SHOP) == Failure(RotationRefused(Custody.SUSPENDED, 1))


async def test_a_version_may_hang_from_another_root_key(world: World) -> None:
    await world.keep(1)
    await world.rotate(ANN, SHOP, NEW)
    assert [key.cmk for key in (await world.ring()).keys] == [OLD, NEW]
    assert await world.unreadable() == []


async def test_two_who_rotate_at_once_make_one_version(world: World) -> None:
    world.root.latency_s = 0.001
    outcomes = await asyncio.gather(*(world.rotate(ANN, SHOP) for _ in range(4)))
    assert [len(outcome.unwrap().keys) for outcome in outcomes] == [2] * 4
    assert len((await world.ring()).keys) == 2


async def test_a_root_that_refuses_is_written_down_and_nothing_changes(world: World) -> None:
    world.root.disable(OLD)
    refused = (await world.rotate(ANN, SHOP)).failure()
    assert isinstance(refused, RootRefused)
    assert refused.fault is RootFault.DENIED
    assert len((await world.ring()).keys) == 1
    assert world.trail.told(AuditAction.KEY_ROTATED) == [AuditResult.BEGUN, AuditResult.FAILED]


async def test_nothing_is_made_that_cannot_be_written_down(world: World) -> None:
    world.trail.broken = True
    asked = world.root.calls["create"]
    with pytest.raises(AuditUnavailable):
        await world.rotate(ANN, SHOP)
    assert world.root.calls["create"] == asked


async def test_a_permission_that_has_not_got_about_is_waited_for(world: World) -> None:
    """A process that heard of the key at once would be denied, and take it for the bank's word."""
    looks, about = 0, 4  # the first look is at what the ring has

    def not_yet(method: str) -> str | None:
        nonlocal looks
        looks += method == "authorise"
        return "before" if method == "authorise" and 1 < looks < about else None

    denied = Failure(RootRefused(RootFault.DENIED, "AccessDeniedException"))
    world.root = Faulty(world.root, not_yet, lambda: denied)
    world.wire()
    assert isinstance(await world.rotate(ANN, SHOP), Success)
    assert looks == about
    looks, about = 0, 1_000
    assert await world.rotate(ANN, SHOP) == denied
    assert len((await world.ring()).keys) == 2


async def test_who_does_not_know_whether_it_was_saved_finds_it_done_or_not_at_all(world: World) -> None:
    table = world.table
    world.table = Faulty(table, lambda method: "after" if method == "save" else None, away)
    world.wire()
    with pytest.raises(Exception, match="away"):
        await world.rotate(ANN, SHOP)
    world.table = table
    assert await world.numbers() == {1: KeyStatus.DECRYPT_ONLY, 2: KeyStatus.ACTIVE}


def test_a_policy_outlasts_leases() -> None:
    with pytest.raises(ValueError, match="retire_after"):
        KeyPolicy(retire_after=timedelta(minutes=5))
    with pytest.raises(ValueError, match="period"):
        KeyPolicy(period=timedelta(hours=1))


async def test_a_period_ends_and_a_while_later_the_version_seals_no_more(world: World) -> None:
    """PCI DSS 3.7.4."""
    key, policy = (await world.ring()).keys[0], world.policy
    assert not policy.due(key, key.created_at + 365 * DAY - timedelta(seconds=1))
    assert policy.due(key, key.created_at + 365 * DAY)
    assert policy.seals_until(key) == key.created_at + 395 * DAY
    await world.rotate(ANN, SHOP)
    assert not policy.due((await world.ring()).keys[0], key.created_at + 400 * DAY)


@pytest.mark.parametrize("under", [None, OLD, NEW])
async def test_a_permission_that_the_bank_took_back_is_not_made_again_by_rotating(
    world: World, under: CmkName | None
) -> None:
    ring = await world.ring()
    assert ring.keys[0].grant is not None
    world.root.revoke(ring.keys[0].grant)
    refused = (await world.rotate(ANN, SHOP, under)).failure()
    assert isinstance(refused, RootRefused)
    assert (refused.fault, refused.whole) == (RootFault.DENIED, False)
    key, blob = ring.keys[0], Wrapped(ring.keys[0].wrapped, ring.keys[0].grant)
    assert isinstance(await world.root.unwrap(OLD, WrapContext(ENVIRONMENT, SHOP, 1), blob), Failure)
    assert (await world.ring()).keys == (key,)
    assert world.trail.told(AuditAction.KEY_ROTATED) == [AuditResult.BEGUN, AuditResult.FAILED]


async def test_every_permission_that_a_ring_has_is_asked_for_before_another_is_made(world: World) -> None:
    old = (await world.ring()).keys[0]
    assert old.grant is not None
    assert isinstance(await world.rotate(ANN, SHOP, NEW), Success)
    world.root.revoke(old.grant)
    assert isinstance(await world.rotate(ANN, SHOP, OLD), Failure)
    blob = Wrapped(old.wrapped, old.grant)
    assert isinstance(await world.root.unwrap(OLD, WrapContext(ENVIRONMENT, SHOP, 1), blob), Failure)
