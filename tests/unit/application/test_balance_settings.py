"""How a merchant is paid out: what it may say itself, and what only the back office may."""

import asyncio
from typing import Any

import pytest
from attrs import evolve

from fintech.application.balance_settings import load_settings
from fintech.application.commits import NotFound
from fintech.domain.balance_settings import (
    DEFAULT_INSTANT,
    POLICY_BOUNDS,
    InstantPolicy,
    Interval,
    Schedule,
    SettingsFault,
    default_settings,
)
from fintech.domain.changeset import KeyReused
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from tests.unit.application.shop import ACTOR, PLAIN, Shop, value

WEEKLY = Schedule(interval=Interval.WEEKLY, weekday=2)
NOBODY = Scope(MerchantId("acct_" + "z" * 24), livemode=False)


async def test_who_has_said_nothing_is_paid_when_it_asks(shop: Shop) -> None:
    now = shop.clock.now()
    settings = await load_settings(shop.core.store(), shop.scope, now)
    assert settings == default_settings(shop.scope.merchant, now)
    assert (settings.version, settings.schedule.interval, settings.due_at) == (0, Interval.MANUAL, None)


async def test_what_is_given_is_changed_and_the_rest_stays(shop: Shop) -> None:
    change = shop.core.change_balance_settings()
    first = value(await change(PLAIN, shop.scope, schedule=WEEKLY))
    assert first.next_payout_on.isoformat() == "2026-11-25"
    second = value(await change(PLAIN, shop.scope, minimum_minor=5_000))
    assert (second.schedule, second.minimum_minor, second.due_at) == (WEEKLY, 5_000, first.due_at)
    assert await shop.core.store().balance_settings(shop.scope) == second


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (Schedule(interval=Interval.WEEKLY), "weekday"),
        (Schedule(interval=Interval.WEEKLY, weekday=5), "weekday"),
        (Schedule(interval=Interval.WEEKLY, weekday=1, day=1), "day"),
        (Schedule(interval=Interval.MONTHLY), "day"),
        (Schedule(interval=Interval.MONTHLY, day=32), "day"),
        (Schedule(interval=Interval.MONTHLY, day=0), "day"),
        (Schedule(interval=Interval.DAILY, day=1), "day"),
        (Schedule(interval=Interval.MANUAL, weekday=1), "weekday"),
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused_by_name(
    shop: Shop, schedule: Schedule, field: str
) -> None:
    refused = await shop.core.change_balance_settings()(PLAIN, shop.scope, schedule=schedule)
    assert isinstance(refused, Failure)
    fault = refused.failure()
    assert isinstance(fault, SettingsFault)
    assert fault.field == field
    assert await shop.core.store().balance_settings(shop.scope) is None


@pytest.mark.parametrize("minimum", [-1, 10**9])
async def test_a_minimum_has_bounds(shop: Shop, minimum: int) -> None:
    refused = await shop.core.change_balance_settings()(PLAIN, shop.scope, minimum_minor=minimum)
    assert refused == Failure(SettingsFault("minimum_minor", "is 0 to 100000000"))


async def test_the_same_change_again_is_answered_and_not_made(shop: Shop) -> None:
    change, request = shop.core.change_balance_settings(), shop.keyed("once")
    first = (await change(request, shop.scope, minimum_minor=1)).unwrap()
    await change(PLAIN, shop.scope, minimum_minor=2)
    again = (await change(request, shop.scope, minimum_minor=1)).unwrap()
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    other = await change(shop.keyed("once", b"g"), shop.scope, minimum_minor=3)
    assert other == Failure(KeyReused("op"))


async def test_changes_at_once_are_all_made(shop: Shop) -> None:
    change, instruct = shop.core.change_balance_settings(), shop.core.change_instant_policy()
    policy = evolve(DEFAULT_INSTANT, share_bps=5_000)
    await asyncio.gather(
        change(PLAIN, shop.scope, schedule=WEEKLY),
        change(PLAIN, shop.scope, minimum_minor=7),
        instruct(ACTOR, shop.scope, policy),
    )
    after = await shop.core.store().balance_settings(shop.scope)
    assert after is not None
    assert (after.schedule, after.minimum_minor, after.instant) == (WEEKLY, 7, policy)


def policy_with(name: str, number: int) -> InstantPolicy:
    changes: dict[str, Any] = {name: number}
    return evolve(DEFAULT_INSTANT, **changes)


@pytest.mark.parametrize("name", POLICY_BOUNDS)
async def test_every_number_of_a_policy_has_bounds(shop: Shop, name: str) -> None:
    instruct = shop.core.change_instant_policy()
    least, most = POLICY_BOUNDS[name]
    for wrong in (least - 1, most + 1):
        refused = await instruct(ACTOR, shop.scope, policy_with(name, wrong))
        assert refused == Failure(SettingsFault(name, f"is {least} to {most}"))
    for right in (least, most):
        policy = policy_with(name, right)
        assert value(await instruct(ACTOR, shop.scope, policy)).instant == policy


async def test_nobodys_settings_cannot_be_changed(shop: Shop) -> None:
    missing = Failure(NotFound("merchant", NOBODY.merchant))
    assert await shop.core.change_balance_settings()(PLAIN, NOBODY, minimum_minor=1) == missing
    assert await shop.core.change_instant_policy()(ACTOR, NOBODY, DEFAULT_INSTANT) == missing
