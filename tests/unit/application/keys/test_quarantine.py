"""What was set apart comes back if it opens, and only then."""

import pytest
from attrs import evolve

from fintech.application.keys import quarantine
from fintech.application.keys.quarantine import ListQuarantined, Released, ReleaseQuarantined
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import Custody
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from tests.unit.application.keys.world import ANN, SHOP, World


def releasing(world: World) -> ReleaseQuarantined:
    return ReleaseQuarantined(vault=world.vault, protected=world.protected, audited=world.audited)


async def set_apart(world: World, cards: int) -> None:
    """As a reader does whose key table was too old to know the version."""
    await world.keep(cards)
    for value in await world.protected.listed(SHOP, world.clock.now() + world.policy.period, None, 100):
        assert await world.protected.quarantine(SHOP, value, world.clock.now())


async def test_what_opens_is_released_and_what_does_not_stays(world: World) -> None:
    await set_apart(world, 2)
    listed = await ListQuarantined(protected=world.protected)(SHOP, None, 10)
    assert len(listed) == 6
    damaged = evolve(listed[0], message=listed[1].message)
    await world.protected.put(SHOP, [damaged])
    assert await world.protected.quarantine(SHOP, damaged, world.clock.now())
    outcome = await releasing(world)(ANN, SHOP, None, 100)
    assert outcome == Success(Released(released=5, stay=1, stopped=None))
    assert await world.protected.quarantined(SHOP, None, 10) == [damaged]
    assert len(await world.protected.get(SHOP, [each.place for each in listed])) == 5
    assert world.trail.told(AuditAction.VALUES_RELEASED) == [AuditResult.BEGUN, AuditResult.DONE]
    assert world.trail.entries[-1].details == {"released": 5, "looked_at": 6}


async def test_a_run_is_gone_on_with_and_says_nothing_of_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_apart(world, 2)
    monkeypatch.setattr(quarantine, "PAGE", 2)
    first = (await releasing(world)(ANN, SHOP, None, 2)).unwrap()
    rest = (await releasing(world)(ANN, SHOP, first.stopped, 100)).unwrap()
    assert (first.released, rest.released, rest.stopped) == (2, 4, None)
    entries = len(world.trail.entries)
    assert (await releasing(world)(ANN, SHOP, None, 100)).unwrap().released == 0
    assert len(world.trail.entries) == entries


async def test_nothing_is_released_of_a_merchant_whose_keys_are_taken_away(world: World) -> None:
    await set_apart(world, 1)
    await world.vault.evict()
    await world.table.save((await world.ring()).placed(Custody.SUSPENDED).unwrap())
    outcome = await releasing(world)(ANN, SHOP, None, 100)
    assert outcome == Failure(CustodyRefused(CustodyReason.REVOKED))
    assert len(await world.protected.quarantined(SHOP, None, 10)) == 3
