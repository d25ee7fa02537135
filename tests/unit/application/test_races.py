"""A hundred at once: sums never pass their caps, and everyone gets a true answer; in memory and on Postgres."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from fintech.domain.changeset import KeyInFlight
from fintech.domain.merchants import Limits
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall, TooMany, WrongStatus
from fintech.domain.refunds.refund import InsufficientFunds, RefundStatus
from fintech.entrypoints.profiles import testing
from fintech.ports.errors import ConcurrencyExhausted
from tests.cores import OpenCore, on_postgres
from tests.unit.application.shop import Shop, open_shop

CROWD = 100


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    """Where the racers meet."""
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def shop(opens: OpenCore) -> AsyncIterator[Shop]:
    async with open_shop(opens=opens) as shop:
        yield shop


async def at_once(call: Callable[[int], Awaitable[Any]], crowd: int = CROWD) -> tuple[list[Any], list[Any]]:
    """What succeeded, and why the others did not; an exception is no answer.

    Who lost too often was told that nothing was done and to try again: so that is what callers do.
    """

    async def patiently(number: int) -> Any:
        while True:
            with suppress(ConcurrencyExhausted):
                return await call(number)

    outcomes = await asyncio.gather(*(patiently(number) for number in range(crowd)))
    done = [outcome.unwrap().value for outcome in outcomes if isinstance(outcome, Success)]
    return done, [outcome.failure() for outcome in outcomes if isinstance(outcome, Failure)]


async def test_racing_refunds_never_pass_what_was_captured(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.pay(10_000)
    done, refused = await at_once(lambda _: shop.try_refund(payment.id, 300))
    assert len(done) == 33
    assert set(refused) == {AmountTooLarge(100)}
    assert all(refund.status is RefundStatus.SUCCEEDED for refund in done)
    assert (await shop.payment(payment.id)).refunded_minor == 9_900
    await shop.assert_proofs_hold()


async def test_racing_refunds_of_many_payments_never_pass_what_there_is(shop: Shop) -> None:
    payments = [await shop.pay(1_000) for _ in range(CROWD)]  # 980 each for 1,000 to be given back
    done, refused = await at_once(lambda n: shop.try_refund(payments[n].id))
    assert len(done) == 98
    assert all(isinstance(why, InsufficientFunds) for why in refused)
    assert await shop.net("unsettled/2026-11-23") == 0
    await shop.assert_proofs_hold()


async def test_racing_refunds_never_pass_the_ceiling_of_debt(opens: OpenCore) -> None:
    async with open_shop(opens=opens, limits=Limits(refund_debt_max_minor=1_000)) as shop:
        payments = [await shop.pay(1_000) for _ in range(CROWD)]
        await shop.settle()
        await at_once(lambda n: shop.try_refund(payments[n].id))
        owed = -await shop.net("receivable")
        assert 980 < owed <= 1_000
        await shop.assert_proofs_hold()


async def test_racing_refunds_that_are_declined_all_hear_of_it(shop: Shop) -> None:
    """Every no is saved on the same payment, and none may get lost: the acquirer was asked already."""
    payment = await shop.pay(10_000, "pm_card_refundDeclined")
    done, refused = await at_once(lambda _: shop.try_refund(payment.id, 50))
    assert refused == []
    assert Counter(refund.status for refund in done) == {RefundStatus.FAILED: CROWD}
    after = await shop.payment(payment.id)
    assert (after.refunded_minor, after.refunds) == (0, CROWD)
    assert len(shop.acquirer.calls) == 1 + CROWD
    await shop.assert_proofs_hold()


async def test_a_payment_has_a_bounded_number_of_refunds(shop: Shop) -> None:
    payment = await shop.pay(20_000)
    done, refused = await at_once(lambda _: shop.try_refund(payment.id, 100), CROWD + 5)
    assert len(done) == 100
    assert set(refused) == {TooMany("refunds", 100)}


async def test_racing_captures_never_pass_what_was_authorised(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    done, refused = await at_once(lambda _: shop.capture(payment.id, 300, final=False))
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
    done, refused = await at_once(lambda n: shop.capture(payment.id, 300 + n))
    assert len(done) == 1
    assert set(refused) == {WrongStatus("succeeded", "capture")}
    assert (await shop.payment(payment.id)).captured_minor == done[0].captured_minor
    await shop.assert_proofs_hold()


async def test_of_racing_captures_cancellations_and_expiry_one_wins(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    done, refused = await at_once(lambda n: shop.cancel(payment.id) if n % 2 else shop.capture(payment.id))
    assert len(done) == 1
    status = (await shop.payment(payment.id)).status
    assert done[0].status is status
    assert {why.status for why in refused} == {status}
    assert await shop.net("holds") == 0
    await shop.assert_proofs_hold()


async def test_of_racing_confirmations_one_asks(shop: Shop) -> None:
    payment = await shop.pay(10_000, confirm=False)
    done, refused = await at_once(lambda _: shop.confirm(payment.id))
    assert len(done) == 1
    assert {type(why) for why in refused} == {WrongStatus}
    assert len(shop.acquirer.calls) == 1
    await shop.assert_proofs_hold()


async def test_of_racing_increments_one_asks_at_a_time(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    await at_once(lambda n: shop.increment(payment.id, 10_100 + 100 * n))
    after = await shop.payment(payment.id)
    attempt = after.attempts[0]
    assert after.authorised_minor == 10_000 + sum(each.amount_minor for each in attempt.increments)
    assert after.capturable_minor == after.authorised_minor
    assert len(shop.acquirer.calls) == 1 + len(attempt.increments)
    await shop.assert_proofs_hold()


async def test_everything_at_once_leaves_the_books_true(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    await shop.pay(50_000)
    deeds: list[Callable[[int], Awaitable[Any]]] = [
        lambda n: shop.capture(payment.id, 100, final=n > 80),
        lambda n: shop.try_refund(payment.id, 70),
        lambda n: shop.increment(payment.id, 10_500 + n),
        lambda n: shop.cancel(payment.id),
    ]
    await asyncio.gather(at_once(lambda n: deeds[n % 4](n)), shop.settle(), shop.sweep())
    after = await shop.payment(payment.id)
    assert after.refunded_minor <= after.captured_minor <= after.authorised_minor
    await shop.sweep_until_quiet()
    await shop.assert_proofs_hold()


@pytest.mark.parametrize("manual", [True, False])
async def test_one_key_asks_once_however_many_use_it(shop: Shop, manual: bool) -> None:
    request = shop.keyed("k")
    done, refused = await at_once(lambda _: shop.try_pay(request=request, manual=manual))
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
    done, refused = await at_once(lambda _: shop.try_refund(payment.id, 100, request))
    assert {refund.id for refund in done} == {done[0].id}
    assert all(isinstance(why, KeyInFlight) for why in refused)
    assert (await shop.payment(payment.id)).refunded_minor == 100


async def test_one_key_captures_once_however_many_use_it(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    request = shop.keyed("k")
    done, refused = await at_once(lambda _: shop.capture(payment.id, 100, final=False, request=request))
    assert (len(done), refused) == (CROWD, [])
    assert set(done) == {done[0]}
    assert (await shop.payment(payment.id)).captured_minor == 100


async def test_racing_refunds_without_an_amount_give_back_all_of_it_once(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.pay(10_000)
    done, refused = await at_once(lambda _: shop.try_refund(payment.id))
    assert [refund.amount_minor for refund in done] == [10_000]
    assert set(refused) == {AmountTooSmall(1)}
