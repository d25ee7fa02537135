"""Payouts when the bank holds back a merchant's keys: nothing is sent that cannot be addressed, nothing under way is lost."""

from datetime import timedelta

import pytest

from fintech.application.payouts.asking import REST, SHORT_REST
from fintech.domain.keys.columns import ACCOUNT_NUMBER
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure
from fintech.domain.payouts.payout import Payout, PayoutFailure, PayoutMethod, PayoutStatus
from tests.unit.application.payouts.counter import ORDER_LOST, PAYS, Counter, open_counter

FOR_NOW = {
    CustodyReason.REVOKED: REST,
    CustodyReason.SUSPENDED: SHORT_REST,
    CustodyReason.UNREACHABLE: SHORT_REST,
}
FOR_GOOD = (CustodyReason.DESTROYED, CustodyReason.INTEGRITY)


def refuse(counter: Counter, reason: CustodyReason | None) -> None:
    counter.vault.refusing.clear()
    if reason is not None:
        counter.vault.refusing[counter.scope] = reason


async def due(counter: Counter, amount_minor: int = 5_000) -> Payout:
    payout = await counter.pay_out(amount_minor)
    counter.advance(seconds=5)
    return payout


@pytest.mark.parametrize("reason", CustodyReason)
async def test_an_instant_payout_is_refused_before_anything_is_booked(
    counter: Counter, reason: CustodyReason
) -> None:
    await counter.pay(100_000)
    before = await counter.balance()
    refuse(counter, reason)
    assert await counter.try_pay_out(5_000, "instant") == Failure(CustodyRefused(reason))
    assert (await counter.balance(), await counter.payouts()) == (before, ())
    refuse(counter, None)
    assert (await counter.instant(5_000)).status is PayoutStatus.PAID
    await counter.assert_books_hold()


@pytest.mark.parametrize(("reason", "rest"), FOR_NOW.items())
async def test_a_standard_payout_waits_and_is_sent_when_it_can_be(
    counter: Counter, reason: CustodyReason, rest: timedelta
) -> None:
    await counter.earn(10_000)
    payout = await due(counter)
    refuse(counter, reason)
    await counter.sweep()
    waiting = await counter.payout(payout.id)
    assert (waiting.status, waiting.send_at) == (PayoutStatus.PENDING, counter.clock.now() + rest)
    assert counter.bank.paid(payout.id) == 0
    refuse(counter, None)
    counter.advance(hours=1)
    assert (await counter.arrived(payout)).status is PayoutStatus.PAID
    await counter.assert_books_hold()


async def test_one_that_waits_can_still_be_cancelled(counter: Counter) -> None:
    await counter.earn(10_000)
    payout = await due(counter)
    refuse(counter, CustodyReason.REVOKED)
    await counter.sweep()
    canceled = await counter.core.cancel_payout()(counter.keyed("k"), counter.scope, payout.id)
    assert canceled.unwrap().value.status is PayoutStatus.CANCELED
    await counter.assert_books_hold()


@pytest.mark.parametrize("reason", FOR_GOOD)
async def test_one_that_can_never_be_addressed_comes_to_nothing(
    counter: Counter, reason: CustodyReason
) -> None:
    await counter.earn(10_000)
    before = await counter.balance()
    payout = await due(counter)
    refuse(counter, reason)
    await counter.sweep()
    failed = await counter.payout(payout.id)
    assert (failed.status, failed.failure) == (PayoutStatus.FAILED, PayoutFailure.COULD_NOT_PROCESS)
    assert (counter.bank.paid(payout.id), await counter.balance()) == (0, before)
    await counter.assert_books_hold()


@pytest.mark.parametrize("method", PayoutMethod)
async def test_what_the_bank_says_is_recorded_without_any_key(counter: Counter, method: PayoutMethod) -> None:
    await counter.earn(10_000)
    await counter.pay(10_000)

    async def meanwhile() -> None:
        refuse(counter, CustodyReason.REVOKED)

    counter.bank.meanwhile = meanwhile
    payout = await counter.pay_out(5_000, method)
    assert (await counter.arrived(payout)).status is PayoutStatus.PAID
    assert counter.scope in counter.vault.refusing
    await counter.assert_books_hold()


async def test_one_that_never_arrived_at_the_bank_waits_to_be_sent_again() -> None:
    async with open_counter(number=ORDER_LOST) as counter:
        await counter.pay(100_000)
        payout = await counter.instant(5_000)
        assert payout.status is PayoutStatus.UNKNOWN
        refuse(counter, CustodyReason.REVOKED)
        counter.advance(seconds=1)
        await counter.sweep()
        waiting = await counter.payout(payout.id)
        assert (waiting.status, waiting.due_at) == (PayoutStatus.UNKNOWN, counter.clock.now() + REST)
        refuse(counter, None)
        counter.advance(hours=1)
        await counter.sweep()
        assert (await counter.payout(payout.id)).status is PayoutStatus.PAID
        await counter.assert_books_hold()


async def test_one_that_never_arrived_and_never_can_be_addressed_comes_to_nothing() -> None:
    async with open_counter(number=ORDER_LOST) as counter:
        await counter.pay(100_000)
        payout = await counter.instant(5_000)
        refuse(counter, CustodyReason.DESTROYED)
        counter.advance(seconds=1)
        await counter.sweep()
        assert (await counter.payout(payout.id)).status is PayoutStatus.FAILED
        await counter.assert_books_hold()


async def test_a_damaged_account_is_paid_to_no_more(counter: Counter) -> None:
    await counter.earn(10_000)
    payout = await due(counter)
    place = ACCOUNT_NUMBER.at(payout.destination)
    values = counter.core.protected()
    (value,) = (await values.get(counter.scope, (place,))).values()
    await values.quarantine(counter.scope, value, counter.clock.now())
    await counter.sweep()
    assert (await counter.payout(payout.id)).status is PayoutStatus.FAILED


async def test_a_recall_needs_no_key(counter: Counter) -> None:
    await counter.earn(10_000)
    payout = await counter.arrived(await counter.pay_out(5_000))
    refuse(counter, CustodyReason.REVOKED)
    back = await counter.core.reverse_payout()(counter.keyed("k"), counter.scope, payout.id)
    assert back.unwrap().value.status in (PayoutStatus.IN_TRANSIT, PayoutStatus.PAID)


async def test_a_standard_payout_is_not_made_to_fail_by_an_open_window() -> None:
    async with open_counter(number=PAYS) as counter:
        await counter.earn(10_000)
        counter.bank.next_window = lambda method, at: at  # type: ignore[method-assign] # open all day
        refuse(counter, CustodyReason.UNREACHABLE)
        payout = await counter.pay_out(5_000)
        assert (payout.status, payout.send_at) == (PayoutStatus.PENDING, counter.clock.now() + REST)
        refuse(counter, None)
        assert (await counter.pay_out(1_000)).status is not PayoutStatus.PENDING
