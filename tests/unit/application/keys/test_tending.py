"""The sweep: nobody has to remember."""

from datetime import timedelta

import pytest

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.application.keys import tending
from fintech.application.keys.tending import TendKeys
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.custody import Custody, KeyStatus
from fintech.domain.outcome import Failure, Success
from fintech.ports.errors import LeaseEnded
from tests.unit.application.keys.test_moving import shops
from tests.unit.application.keys.world import ANN, DAY, ENVIRONMENT, OLD, OTHER, SHOP, World


def tender(world: World) -> TendKeys:
    return TendKeys(
        table=world.table,
        protected=world.protected,
        clock=world.clock,
        policy=world.policy,
        rotate=world.rotate,
        reseal=world.reseal,
        retire=world.retire,
        shred=world.shred,
        withdraw=world.withdraw,
    )


async def test_a_version_is_replaced_at_the_end_of_its_period_and_destroyed_in_time(world: World) -> None:
    """PCI DSS 3.7.4 and 3.7.5."""
    tend = tender(world)
    await world.keep(2)
    world.clock.advance(world.policy.period - timedelta(seconds=1))
    assert (await tend()).rotated == 0
    world.clock.advance(timedelta(seconds=1))
    first = await tend()
    assert (first.rotated, first.resealed, first.retired, first.troubled) == (1, 0, 0, 0)
    assert await world.numbers() == {1: KeyStatus.DECRYPT_ONLY, 2: KeyStatus.ACTIVE}
    world.clock.advance(tending.HEARD - timedelta(seconds=1))
    assert (await tend()).resealed == 0, "somebody may not have heard of the new version"
    world.clock.advance(timedelta(seconds=1))
    assert (await tend()).resealed == 6
    world.clock.advance(world.policy.retire_after)
    second = await tend()
    assert (second.rotated, second.retired, second.troubled) == (0, 1, 0)
    assert await world.numbers() == {1: KeyStatus.RETIRED, 2: KeyStatus.ACTIVE}
    assert await world.unreadable() == []


async def test_what_the_notary_did_not_certify_is_certified_when_it_is_back(world: World) -> None:
    await world.open_ring(OTHER)
    world.notary.away = True
    for scope in (SHOP, OTHER):
        assert not (await world.shred(ANN, scope)).unwrap().finished
    summed = await world.table.census(world.clock.now(), world.clock.now())
    assert summed.uncertified == 2
    tend = tender(world)
    away = await tend()
    assert (away.shredded, away.certified, away.troubled) == (0, 0, 1)  # it is asked once in a round
    world.notary.away = False
    back = await tend()
    assert (back.shredded, back.certified, back.troubled) == (2, 2, 0)
    entries = len(world.trail.entries)
    assert (await tend()).shredded == 0
    assert len(world.trail.entries) == entries
    assert (await world.table.census(world.clock.now(), world.clock.now())).uncertified == 0


async def test_one_merchants_trouble_is_not_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.open_ring(OTHER)
    await world.keep(1, OTHER)
    world.root.revoke((await world.ring()).keys[0].grant or "")
    await world.rotate(ANN, SHOP)
    world.clock.advance(world.policy.period)
    world.root.revoke((await world.ring()).keys[0].grant or "")
    done = await tender(world)()
    assert done.rings == 2
    assert await world.numbers(OTHER) == {1: KeyStatus.DECRYPT_ONLY, 2: KeyStatus.ACTIVE}
    world.root.disable("bank/old")
    world.clock.advance(world.policy.period)
    done = await tender(world)()
    assert (done.rings, done.troubled) == (2, 2)
    assert "not as it should be" in caplog.text


async def test_what_the_bank_has_suspended_is_left_alone(world: World) -> None:
    await world.table.save((await world.ring()).placed(Custody.SUSPENDED).unwrap())
    world.clock.advance(world.policy.period)
    done = await tender(world)()
    assert (done.rings, done.rotated, done.troubled) == (1, 0, 0)


async def test_a_shredding_is_finished_also_of_what_came_late(world: World) -> None:
    await world.keep(2)
    lease = (await world.vault.lease(SHOP)).unwrap()
    late = world.sealed(lease, CARD_NUMBER, "pm_late", b"late")
    world.root.reachable = False
    await world.shred(ANN, SHOP)
    world.root.reachable = True
    assert (await tender(world)()).shredded == 1
    assert (await world.ring()).left == ()
    assert (await tender(world)()).shredded == 0
    await world.protected.put(SHOP, [late])
    assert (await tender(world)()).shredded == 1
    assert await world.protected.counts(SHOP) == {}


async def test_rounds_go_through_all_rings_and_begin_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "RINGS_MAX", 2)
    for scope in shops(4):
        await world.open_ring(scope)
    world.clock.advance(world.policy.period + DAY)
    tend = tender(world)
    rounds = [await tend() for _ in range(3)]
    assert [(each.rings, each.rotated, each.more) for each in rounds] == [
        (2, 2, True),
        (2, 2, True),
        (1, 1, False),
    ]
    assert (await tend()).rotated == 0


async def test_a_ring_with_too_many_versions_is_told_and_goes_on(world: World) -> None:
    for _ in range(7):
        await world.rotate(ANN, SHOP)
    world.clock.advance(world.policy.period)
    done = await tender(world)()
    assert (done.troubled, done.rotated, done.retired) == (1, 0, 7)
    assert not isinstance(await world.rotate(ANN, SHOP), Failure)


async def test_a_version_that_nobody_replaced_in_time_refuses_to_seal_and_opens_on(world: World) -> None:
    """PCI DSS 3.7.4, with the vault as it is."""
    vault = LeasingVault(
        root=world.root,
        table=world.table,
        audit=world.trail,
        clock=world.clock,
        ids=world.ids,
        settings=VaultSettings(environment=ENVIRONMENT, cmks=(OLD,), policy=world.policy),
        attended=False,
    )
    place = CARD_NUMBER.at("pm_1")
    message = (await vault.lease(SHOP)).unwrap().seal(CARD_NUMBER.purpose, place, b"kept")
    world.clock.advance(world.policy.period + world.policy.margin)
    late = (await vault.lease(SHOP)).unwrap()
    with pytest.raises(LeaseEnded):
        late.seal(CARD_NUMBER.purpose, place, b"kept")
    assert late.open(CARD_NUMBER.purpose, place, message) == Success(b"kept")
    assert (await tender(world)()).rotated == 1
    await vault.evict()
    renewed = (await vault.lease(SHOP)).unwrap()
    assert renewed.number == 2
    assert renewed.seal(CARD_NUMBER.purpose, place, b"kept")
