"""Payouts that nobody asks for: on time, once, and on again when there is nothing to be paid."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fintech.domain.balance_settings import BalanceSettings, Interval, Schedule
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Success
from fintech.domain.payouts.payout import PayoutStatus
from tests.cores import OpenCore
from tests.unit.application.payouts.counter import Counter, open_counter
from tests.unit.application.shop import ACTOR, PLAIN, value

DAILY = Schedule(interval=Interval.DAILY)
#: The counter's clock stands at noon on a Monday; ten o'clock on Tuesday in Sydney is eleven at night in UTC.
TUESDAY = datetime(2026, 11, 23, 23, tzinfo=UTC)


async def settle_for(counter: Counter, schedule: Schedule = DAILY, **more: Any) -> BalanceSettings:
    """The merchant says when it wants to be paid."""
    settings: BalanceSettings = value(
        await counter.core.change_balance_settings()(PLAIN, counter.scope, schedule=schedule, **more)
    )
    return settings


async def stored(counter: Counter) -> BalanceSettings:
    settings = await counter.core.store().balance_settings(counter.scope)
    assert settings is not None
    return settings


async def at(counter: Counter, moment: datetime) -> None:
    """Let time pass until a moment, and sweep."""
    counter.clock.advance(moment - counter.clock.now())
    await counter.sweep()


async def test_what_is_available_is_paid_out_when_it_is_due(opens: OpenCore) -> None:
    async with open_counter(opens=opens) as counter:
        settings = await settle_for(counter)
        assert (settings.next_payout_on, settings.due_at) == (date(2026, 11, 24), TUESDAY)
        await counter.earn(10_000)
        await at(counter, TUESDAY - timedelta(microseconds=1))
        assert await counter.payouts() == ()
        await at(counter, TUESDAY)
        (payout,) = await counter.payouts()
        assert (payout.automatic, payout.amount_minor, payout.status) == (True, 9_807, PayoutStatus.PENDING)
        settings = await stored(counter)
        assert (settings.next_payout_on, settings.due_at) == (
            date(2026, 11, 25),
            TUESDAY + timedelta(days=1),
        )
        assert (await counter.arrived(payout)).status is PayoutStatus.PAID
        await counter.assert_books_hold()


async def test_it_is_paid_once_however_many_sweepers_come(opens: OpenCore) -> None:
    async with open_counter(opens=opens) as counter:
        await settle_for(counter)
        await counter.earn(10_000)
        counter.clock.advance(TUESDAY - counter.clock.now())
        pay = counter.core.pay_on_schedule()
        made = await asyncio.gather(*(pay(counter.scope, ACTOR) for _ in range(10)))
        assert len([payout for payout in made if payout]) == 1
        assert len(await counter.payouts()) == 1


async def test_where_there_is_nothing_it_goes_on_the_next_time(counter: Counter) -> None:
    await settle_for(counter)
    await at(counter, TUESDAY)
    assert await counter.payouts() == ()
    assert (await stored(counter)).due_at == TUESDAY + timedelta(days=1)
    assert await counter.sweep() == 0
    await counter.earn(10_000)
    await at(counter, TUESDAY + timedelta(days=1))
    assert len(await counter.payouts()) == 1


async def test_the_minimum_stays_available(counter: Counter) -> None:
    await settle_for(counter, minimum_minor=9_807)
    await counter.earn(10_000)
    await at(counter, TUESDAY)
    assert await counter.payouts() == ()
    await counter.earn(10_000)
    await at(counter, TUESDAY + timedelta(days=1))
    (payout,) = await counter.payouts()
    assert payout.amount_minor == 9_807
    assert await counter.net("available") == 9_807
    assert isinstance(await counter.try_pay_out(9_807), Success)


async def test_what_is_due_while_nobody_sweeps_is_paid_once_when_somebody_does(counter: Counter) -> None:
    await settle_for(counter)
    await counter.earn(10_000)
    await at(counter, TUESDAY + timedelta(days=10, hours=3))
    await counter.sweep()
    assert len(await counter.payouts()) == 1
    assert (await stored(counter)).next_payout_on == date(2026, 12, 7)  # the tenth day is a Friday


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED])
async def test_a_merchant_that_may_not_trade_is_not_paid(counter: Counter, standing: Standing) -> None:
    await settle_for(counter)
    await counter.earn(10_000)
    await counter.core.place_merchant()(ACTOR, counter.scope, standing)
    await at(counter, TUESDAY)
    assert await counter.payouts() == ()
    due = (await stored(counter)).due_at
    assert due == (TUESDAY + timedelta(days=1) if standing is Standing.SUSPENDED else None)


async def test_without_an_account_it_waits_for_one() -> None:
    async with open_counter(number=None) as counter:
        await settle_for(counter)
        await counter.earn(10_000)
        await at(counter, TUESDAY)
        await counter.account()
        await at(counter, TUESDAY + timedelta(days=1))
        assert len(await counter.payouts()) == 1


async def test_who_asks_for_it_by_hand_is_paid_by_hand_only(counter: Counter) -> None:
    await settle_for(counter)
    settings = await settle_for(counter, Schedule(interval=Interval.MANUAL))
    assert (settings.next_payout_on, settings.due_at) == (None, None)
    await counter.earn(10_000)
    await at(counter, TUESDAY + timedelta(days=30))
    assert await counter.payouts() == ()


async def test_a_payout_by_hand_leaves_the_schedule_as_it_is(counter: Counter) -> None:
    before = await settle_for(counter)
    await counter.earn(10_000)
    await counter.pay_out(1_000)
    assert (await stored(counter)).due_at == before.due_at
