"""A hundred at once: sums never pass their caps, and everyone gets a true answer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from fintech.domain.changeset import KeyInFlight
from fintech.domain.merchants import Limits
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall, TooMany, WrongStatus
from fintech.domain.refunds.refund import InsufficientFunds, RefundStatus
from tests.unit.application.shop import Shop, open_shop

CROWD = 100


async def at_once(calls: Sequence[Awaitable[Any]]) -> tuple[list[Any], list[Any]]:
    """What succeeded, and why the others did not; an exception is no answer."""
    outcomes = await asyncio.gather(*calls)
    done = [outcome.unwrap().value for outcome in outcomes if isinstance(outcome, Success)]
    return done, [outcome.failure() for outcome in outcomes if isinstance(outcome, Failure)]


async def test_racing_refunds_never_pass_what_was_captured(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.pay(10_000)
    done, refused = await at_once([shop.try_refund(payment.id, 300) for _ in range(CROWD)])
    assert len(done) == 33
    assert set(refused) == {AmountTooLarge(100)}
    assert all(refund.status is RefundStatus.SUCCEEDED for refund in done)
    assert (await shop.payment(payment.id)).refunded_minor == 9_900
    await shop.assert_proofs_hold()


async def test_racing_refunds_of_many_payments_never_pass_what_there_is(shop: Shop) -> None:
    payments = [await shop.pay(1_000) for _ in range(CROWD)]  # 980 each for 1,000 to be given back
    done, refused = await at_once([shop.try_refund(payment.id) for payment in payments])
    assert len(done) == 98
    assert all(isinstance(why, InsufficientFunds) for why in refused)
    assert await shop.net("unsettled/2026-11-23") == 0
    await shop.assert_proofs_hold()


async def test_racing_refunds_never_pass_the_ceiling_of_debt() -> None:
    async with open_shop(limits=Limits(refund_debt_max_minor=1_000)) as shop:
        payments = [await shop.pay(1_000) for _ in range(CROWD)]
        await shop.settle()
        await at_once([shop.try_refund(payment.id) for payment in payments])
        owed = -await shop.net("receivable")
        assert 980 < owed <= 1_000
        await shop.assert_proofs_hold()


async def test_racing_refunds_that_are_declined_all_hear_of_it(shop: Shop) -> None:
    """Every no is saved on the same payment, and none may get lost: the acquirer was asked already."""
    payment = await shop.pay(10_000, "pm_card_refundDeclined")
    done, refused = await at_once([shop.try_refund(payment.id, 50) for _ in range(CROWD)])
    assert refused == []
    assert Counter(refund.status for refund in done) == {RefundStatus.FAILED: CROWD}
    assert (await shop.payment(payment.id)).refunded_minor == 0
    await shop.assert_proofs_hold()


async def test_a_payment_has_a_bounded_number_of_refunds(shop: Shop) -> None:
    payment = await shop.pay(20_000)
    done, refused = await at_once([shop.try_refund(payment.id, 100) for _ in range(CROWD + 5)])
    assert len(done) == 100
    assert set(refused) == {TooMany("refunds", 100)}


async def test_racing_captures_never_pass_what_was_authorised(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    done, refused = await at_once([shop.capture(payment.id, 300, final=False) for _ in range(CROWD)])
    assert len(done) == 33
    assert set(refused) == {AmountTooLarge(100)}
    after = await shop.payment(payment.id)
    assert (after.captured_minor, after.capturable_minor) == (9_900, 100)
    assert await shop.net("unsettled/2026-11-23") == 9_900 - sum(
        capture.fee_minor + capture.tax_minor for capture in after.attempts[0].captures
    )
    await shop.assert_proofs_hold()


async def test_of_racing_final_captures_one_is_done(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    done, refused = await at_once([shop.capture(payment.id, 300 + n) for n in range(CROWD)])
    assert len(done) == 1
    assert set(refused) == {WrongStatus("succeeded", "capture")}
    assert (await shop.payment(payment.id)).captured_minor == done[0].captured_minor
    await shop.assert_proofs_hold()


async def test_of_racing_captures_cancellations_and_expiry_one_wins(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    calls = [shop.cancel(payment.id) if n % 2 else shop.capture(payment.id) for n in range(CROWD)]
    done, refused = await at_once(calls)
    assert len(done) == 1
    status = (await shop.payment(payment.id)).status
    assert done[0].status is status
    assert {why.status for why in refused} == {status}
    assert await shop.net("holds") == 0
    await shop.assert_proofs_hold()


async def test_of_racing_confirmations_one_asks(shop: Shop) -> None:
    payment = await shop.pay(10_000, confirm=False)
    done, refused = await at_once([shop.confirm(payment.id) for _ in range(CROWD)])
    assert len(done) == 1
    assert {type(why) for why in refused} == {WrongStatus}
    assert len(shop.acquirer.calls) == 1
    await shop.assert_proofs_hold()


async def test_of_racing_increments_one_asks_at_a_time(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    await at_once([shop.increment(payment.id, 10_000 + 100 * n) for n in range(1, CROWD)])
    after = await shop.payment(payment.id)
    attempt = after.attempts[0]
    assert after.authorised_minor == 10_000 + sum(each.amount_minor for each in attempt.increments)
    assert after.capturable_minor == after.authorised_minor
    assert len(shop.acquirer.calls) == 1 + len(attempt.increments)
    await shop.assert_proofs_hold()


async def test_everything_at_once_leaves_the_books_true(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    await shop.pay(50_000)
    calls: list[Awaitable[Any]] = []
    for n in range(25):
        calls += [
            shop.capture(payment.id, 100, final=n > 20),
            shop.try_refund(payment.id, 70),
            shop.increment(payment.id, 10_500 + n),
            shop.cancel(payment.id),
        ]
    await asyncio.gather(*calls, shop.settle(), shop.sweep())
    after = await shop.payment(payment.id)
    assert after.refunded_minor <= after.captured_minor <= after.authorised_minor
    await shop.sweep_until_quiet()
    await shop.assert_proofs_hold()


@pytest.mark.parametrize("manual", [True, False])
async def test_one_key_asks_once_however_many_use_it(shop: Shop, manual: bool) -> None:
    request = shop.keyed("k")
    done, refused = await at_once([shop.try_pay(request=request, manual=manual) for _ in range(CROWD)])
    assert {payment.id for payment in done} == {done[0].id}
    assert all(isinstance(why, KeyInFlight) for why in refused)
    assert len(done) + len(refused) == CROWD
    assert len(shop.acquirer.calls) == 1
    again = await shop.try_pay(request=request, manual=manual)
    assert again.unwrap().replayed
    assert again.unwrap().value.status is not PaymentStatus.PROCESSING


async def test_one_key_refunds_once_however_many_use_it(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    request = shop.keyed("k")
    done, refused = await at_once([shop.try_refund(payment.id, 100, request) for _ in range(CROWD)])
    assert {refund.id for refund in done} == {done[0].id}
    assert all(isinstance(why, KeyInFlight) for why in refused)
    assert (await shop.payment(payment.id)).refunded_minor == 100


async def test_one_key_captures_once_however_many_use_it(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    request = shop.keyed("k")
    done, refused = await at_once(
        [shop.capture(payment.id, 100, final=False, request=request) for _ in range(CROWD)]
    )
    assert (len(done), refused) == (CROWD, [])
    assert set(done) == {done[0]}
    assert (await shop.payment(payment.id)).captured_minor == 100


async def test_racing_refunds_without_an_amount_give_back_all_of_it_once(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.pay(10_000)
    done, refused = await at_once([shop.try_refund(payment.id) for _ in range(CROWD)])
    assert [refund.amount_minor for refund in done] == [10_000]
    assert set(refused) == {AmountTooSmall(1)}
