"""What payouts pay for, on both stores: every cent once, whoever races, and loudly if the books do not bear it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from fintech.application.payouts import remitting
from fintech.domain import remittances
from fintech.domain.ids import MovementId
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.refusals import AmountTooLarge
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.payouts.refusals import BalanceInsufficient
from fintech.domain.remittances import LATENESS_MAX, PayableLine, PayoutsTooFrequent, Remittance
from fintech.domain.scope import Scope
from tests.cores import OpenCore
from tests.unit.application.payouts.counter import CLOSED, Counter, open_counter
from tests.unit.application.shop import PLAIN
from tests.unit.application.test_races import at_once


@pytest.fixture
async def stored(opens: OpenCore) -> AsyncIterator[Counter]:
    """A counter on memory and on Postgres."""
    async with open_counter(opens=opens) as counter:
        yield counter


async def paid_for(counter: Counter, payout: Payout) -> list[int]:
    """What a payout paid of each line, in its order."""
    pages: Sequence[Remittance] = await counter.core.queries().remittances(counter.scope, payout.id)
    assert len(pages) == payout.remittances
    return [line.minor for page in pages for line in page.lines]


async def test_payouts_pay_for_lines_one_after_the_other(stored: Counter) -> None:
    for amount in (1_000, 2_000, 3_000):  # 980, 1,961 and 2,942 with the fee taken off
        await stored.earn(amount)
    assert await paid_for(stored, await stored.pay_out(1_500)) == [980, 520]
    assert await paid_for(stored, await stored.pay_out(4_383)) == [1_441, 2_942]
    await stored.assert_books_hold()


async def test_a_refund_counts_whole(stored: Counter) -> None:
    sale = await stored.pay(5_000)
    await stored.settle()
    await stored.refund(sale.id, 1_000)
    await stored.earn(1_000)
    assert await paid_for(stored, await stored.pay_out(4_000)) == [-1_000, 4_903, 97]
    await stored.assert_books_hold()


async def test_an_instant_payout_pays_for_its_fee_too(stored: Counter) -> None:
    await stored.pay(100_000)
    payout = await stored.instant(20_000)
    assert (await paid_for(stored, payout), payout.total_minor) == ([20_330], 20_330)
    await stored.assert_books_hold()


async def test_money_that_came_back_is_a_line_of_its_own(stored: Counter) -> None:
    await stored.earn(10_000)
    canceled = await stored.pay_out(9_000)
    await stored.core.cancel_payout()(PLAIN, stored.scope, canceled.id)
    again = await stored.pay_out(9_807)
    assert await paid_for(stored, again) == [807, 9_000]
    await stored.assert_books_hold()


async def test_a_payout_that_failed_is_paid_for_again_by_another() -> None:
    async with open_counter(number=CLOSED) as counter:
        await counter.earn(10_000)
        failed = await counter.arrived(await counter.pay_out(9_807))
        assert failed.status is PayoutStatus.FAILED
        assert await paid_for(counter, failed) == [9_807]
        assert await paid_for(counter, await counter.pay_out(9_807)) == [9_807]
        await counter.assert_books_hold()


async def test_of_racing_payouts_no_two_pay_for_the_same(stored: Counter) -> None:
    for _ in range(10):
        await stored.earn(1_000)
    done, refused = await at_once(lambda _: stored.try_pay_out(450))
    assert len(done) == 21  # 9,450 of 9,800
    assert set(refused) == {BalanceInsufficient(350)}
    await stored.assert_books_hold()


async def test_payouts_and_sales_may_race(stored: Counter) -> None:
    await stored.policy(day_count_max=100)
    await stored.pay(100_000)
    sales = [stored.pay(1_000) for _ in range(20)]
    payouts = [stored.try_pay_out(1_000, "instant") for _ in range(20)]
    outcomes = await asyncio.gather(*sales, *payouts)
    assert all(isinstance(outcome, Success) for outcome in outcomes[20:])
    await stored.assert_books_hold()


async def test_what_was_paid_for_long_ago_is_not_read_again(
    stored: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await stored.earn(1_000)
        await stored.pay_out()
        stored.advance(seconds=LATENESS_MAX.total_seconds() + 1)
    settings = await stored.core.store().balance_settings(stored.scope)
    assert settings is not None
    assert len(settings.remitted.recent) <= 2
    asked: list[MovementId | None] = []
    queries = type(stored.core.queries())
    read = queries.payable_lines

    async def watched(self: Any, scope: Scope, after: MovementId | None, limit: int) -> Sequence[PayableLine]:
        asked.append(after)
        return await read(self, scope, after, limit)

    monkeypatch.setattr(queries, "payable_lines", watched)
    await stored.earn(1_000)
    await stored.pay_out()
    assert asked == [settings.remitted.closed]
    assert asked != [None]


async def test_no_payout_takes_more_than_the_balance(stored: Counter) -> None:
    await stored.pay(10_000)
    advanced = await stored.instant(5_000)
    await stored.settle()
    refused = await stored.try_pay_out(9_807)
    assert refused == Failure(BalanceInsufficient(9_807 - advanced.total_minor))
    await stored.assert_books_hold()


async def test_a_line_that_is_seen_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_counter() as counter:
        await counter.earn(10_000)
        queries = type(counter.core.queries())
        read, glances = queries.payable_lines, iter([True])

        async def blind(self: Any, *asked: Any) -> Sequence[PayableLine]:
            return [] if next(glances, False) else await read(self, *asked)

        monkeypatch.setattr(queries, "payable_lines", blind)
        assert await paid_for(counter, await counter.pay_out(9_000)) == [9_000]


async def test_books_whose_lines_do_not_make_up_the_balance_are_said_to_be_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_counter() as counter:
        await counter.earn(10_000)

        async def none(*_: Any) -> Sequence[PayableLine]:
            return []

        monkeypatch.setattr(type(counter.core.queries()), "payable_lines", none)
        with pytest.raises(AssertionError, match="fall short of its balance"):
            await counter.pay_out(9_000)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two lines, two of them, read by one, then by two."""
    monkeypatch.setattr(remittances, "PAGE_LINES_MAX", 2)
    monkeypatch.setattr(remittances, "PAGES_MAX", 2)
    monkeypatch.setattr(remitting, "LINES_READ", 1)
    monkeypatch.setattr(remitting, "LINES_READ_MAX", 2)


@pytest.mark.usefixtures("small")
async def test_all_that_there_is_is_as_much_as_one_payout_can_pay_for(stored: Counter) -> None:
    for _ in range(6):
        await stored.earn(1_000)
    assert await stored.try_pay_out(5_000) == Failure(AmountTooLarge(4 * 980))
    first = await stored.pay_out()
    assert (first.amount_minor, first.remittances) == (4 * 980, 2)
    second = await stored.pay_out()
    assert await paid_for(stored, second) == [980, 980]
    await stored.assert_books_hold()


async def test_payouts_in_a_row_are_so_many_within_minutes(
    stored: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remittances, "RECENT_MAX", 2)
    await stored.earn(10_000)
    await stored.pay_out(100)
    await stored.pay_out(100)
    assert await stored.try_pay_out(100) == Failure(PayoutsTooFrequent(2))
    stored.clock.advance(LATENESS_MAX + timedelta(seconds=1))
    await stored.pay_out(100)
