"""A hundred payouts at once never pass the balance, the share or the day's quota, whatever the clocks in Sydney do."""

import asyncio
from collections import Counter as Counted
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.outcome import Success
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.payouts.refusals import BalanceInsufficient, InstantLimit, InstantLimitReached
from tests.cores import OpenCore
from tests.unit.application.payouts.counter import CLOSED, Counter, open_counter
from tests.unit.application.shop import PLAIN
from tests.unit.application.test_races import CROWD, at_once


@pytest.fixture
async def stored(opens: OpenCore) -> AsyncIterator[Counter]:
    async with open_counter(opens=opens) as counter:
        yield counter


def by_day(payouts: list[Payout]) -> dict[date | None, tuple[int, int]]:
    """How much and how many, by the day that they count under."""
    amounts, counts = Counted[date | None](), Counted[date | None]()
    for payout in payouts:
        amounts[payout.quota_day] += payout.amount_minor
        counts[payout.quota_day] += 1
    return {day: (amounts[day], counts[day]) for day in counts}


async def test_racing_standard_payouts_never_pass_what_is_available(stored: Counter) -> None:
    await stored.earn(10_000)
    await stored.pay(100_000)
    done, refused = await at_once(lambda _: stored.try_pay_out(300))
    assert len(done) == 32  # 9,600 of 9,807
    assert set(refused) == {BalanceInsufficient(207)}
    assert await stored.net("available") == 207
    await stored.assert_books_hold()


async def test_racing_instant_payouts_never_pass_the_share(stored: Counter) -> None:
    await stored.policy(day_count_max=CROWD)
    await stored.pay(50_000)
    most = 49_037 * 8 // 10
    done, refused = await at_once(lambda _: stored.try_pay_out(1_000, "instant"))
    assert len(done) == most // 1_055
    assert {type(why) for why in refused} == {BalanceInsufficient}
    assert -await stored.net("advance") == len(done) * 1_055
    await stored.assert_books_hold()


async def test_racing_instant_payouts_take_what_is_available_before_they_advance(stored: Counter) -> None:
    await stored.policy(day_count_max=CROWD)
    await stored.earn(10_000)
    await stored.pay(10_000)
    done, _ = await at_once(lambda _: stored.try_pay_out(1_000, "instant"))
    assert len(done) == (9_807 + 7_845) // 1_055
    assert await stored.net("available") == 0
    assert -await stored.net("advance") == len(done) * 1_055 - 9_807
    assert sum(payout.advanced_minor for payout in done) == len(done) * 1_055 - 9_807
    await stored.assert_books_hold()


async def test_racing_instant_payouts_never_pass_the_days_amount(stored: Counter) -> None:
    await stored.policy(day_count_max=CROWD, day_max_minor=9_999)
    await stored.pay(1_000_000)
    done, refused = await at_once(lambda _: stored.try_pay_out(1_000, "instant"))
    assert len(done) == 9
    assert set(refused) == {InstantLimitReached(InstantLimit.AMOUNT, 999)}
    await stored.assert_books_hold()


async def test_racing_instant_payouts_never_pass_the_days_count(stored: Counter) -> None:
    await stored.pay(1_000_000)
    done, refused = await at_once(lambda _: stored.try_pay_out(1_000, "instant"))
    assert len(done) == 10
    assert set(refused) == {InstantLimitReached(InstantLimit.COUNT, 0)}
    await stored.assert_books_hold()


@pytest.mark.parametrize(
    ("before", "days"),
    [
        pytest.param(datetime(2026, 11, 23, 12, 59, 59, tzinfo=UTC), 2, id="midnight in summer"),
        pytest.param(datetime(2026, 7, 1, 13, 59, 59, tzinfo=UTC), 2, id="midnight in winter"),
        pytest.param(
            datetime(2026, 10, 3, 13, 59, 59, tzinfo=UTC), 2, id="midnight before clocks go forward"
        ),
        pytest.param(datetime(2026, 10, 3, 15, 59, 59, tzinfo=UTC), 1, id="clocks go forward"),
        pytest.param(
            datetime(2026, 10, 4, 12, 59, 59, tzinfo=UTC), 2, id="midnight after clocks went forward"
        ),
        pytest.param(datetime(2027, 4, 3, 12, 59, 59, tzinfo=UTC), 2, id="midnight before clocks go back"),
        pytest.param(datetime(2027, 4, 3, 15, 59, 59, tzinfo=UTC), 1, id="clocks go back"),
        pytest.param(datetime(2027, 4, 4, 13, 59, 59, tzinfo=UTC), 2, id="midnight after clocks went back"),
    ],
)
async def test_every_sydney_day_has_its_quota_and_no_more(
    opens: OpenCore, before: datetime, days: int
) -> None:
    clock = ManualClock(before)
    async with open_counter(opens=opens, clock=clock) as counter:
        await counter.policy(day_count_max=12, day_max_minor=10_000)
        await counter.pay(1_000_000)

        landed = 0

        async def ask(_number: int) -> Any:
            nonlocal landed
            outcome = await counter.try_pay_out(1_000, "instant")
            landed += isinstance(outcome, Success)
            if landed == 5 and clock.now() == before:
                counter.advance(seconds=2)  # while the others are on their way
            return outcome

        done, refused = await at_once(ask, 40)
        used = by_day(done)
        assert len(used) == days
        assert used[max(day for day in used if day)] == (10_000, 10)
        assert all(amount <= 10_000 for amount, _ in used.values())
        assert {why.what for why in refused} == {InstantLimit.AMOUNT}
        for day, (amount, count) in used.items():
            assert await counter.net(f"quota/payout/{day}/amount") == -amount
            assert await counter.net(f"quota/payout/{day}/count") == -count
        await counter.assert_books_hold()


async def test_refunds_that_race_with_instant_payouts_leave_every_advance_covered(stored: Counter) -> None:
    await stored.policy(day_count_max=CROWD)
    payments = [await stored.pay(1_000) for _ in range(20)]

    async def ask(number: int) -> Any:
        if number % 2:
            return await stored.try_pay_out(500, "instant")
        return await stored.try_refund(payments[number // 2 % 20].id, 300)

    await at_once(ask)
    balance = await stored.balance()
    assert 0 < -balance["advance"] <= balance["unsettled"]
    await stored.assert_books_hold()


async def test_a_settlement_that_is_faster_than_an_instant_payout_leaves_no_advance_behind(
    stored: Counter,
) -> None:
    """What the payout would have advanced is available by then, and would never repay it."""
    await stored.pay(10_000)
    await asyncio.gather(stored.settle(), stored.try_pay_out(5_000, "instant"))
    balance = await stored.balance()
    assert -balance.get("advance", 0) <= balance.get("unsettled", 0)
    await stored.settle()
    assert (await stored.balance()).get("advance", 0) == 0
    await stored.assert_books_hold()


async def test_of_racing_cancellations_and_the_window_one_wins(stored: Counter) -> None:
    await stored.earn(10_000)
    payout = await stored.pay_out(5_000)
    stored.advance(seconds=5)
    cancel = stored.core.cancel_payout()
    *outcomes, _, _ = await asyncio.gather(
        *(cancel(PLAIN, stored.scope, payout.id) for _ in range(10)), stored.sweep(), stored.sweep()
    )
    after = await stored.payout(payout.id)
    canceled = sum(isinstance(outcome, Success) for outcome in outcomes)
    assert (after.status, canceled, stored.bank.paid(payout.id)) in (
        (PayoutStatus.CANCELED, 1, 0),
        (PayoutStatus.IN_TRANSIT, 0, 1),
    )
    await stored.assert_books_hold()


async def test_of_racing_reversals_one_is_asked_for(stored: Counter) -> None:
    await stored.earn(10_000)
    payout = await stored.arrived(await stored.pay_out(5_000))
    done, refused = await at_once(lambda _: stored.core.reverse_payout()(PLAIN, stored.scope, payout.id), 20)
    assert (len(done), len(refused)) == (1, 19)
    await stored.arrived(done[0])
    assert await stored.net("available") == 9_807
    await stored.assert_books_hold()


async def test_one_key_pays_once_however_many_use_it(stored: Counter) -> None:
    await stored.earn(10_000)
    request = stored.keyed("k")
    done, _ = await at_once(lambda _: stored.try_pay_out(1_000, "instant", request=request))
    assert {payout.id for payout in done} == {done[0].id}
    assert len(await stored.payouts()) == 1
    assert stored.bank.paid(done[0].id) == 1


async def test_racing_rejections_all_give_back_what_they_took(opens: OpenCore) -> None:
    async with open_counter(opens=opens, number=CLOSED) as counter:
        await counter.policy(day_count_max=CROWD)
        await counter.earn(10_000)
        await counter.pay(10_000)
        before = await counter.balance()
        done, _ = await at_once(lambda _: counter.try_pay_out(1_000, "instant"), 30)
        assert {payout.status for payout in done} == {PayoutStatus.FAILED}
        assert await counter.balance() == before
        await counter.assert_books_hold()
