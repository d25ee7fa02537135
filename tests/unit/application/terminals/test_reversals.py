"""A terminal gives a transaction up, in whatever state it is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.terminals.reversals import AmountDiffers, Reversed
from fintech.domain.changeset import AccountClosed, KeyReused
from fintech.domain.merchants import Standing
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure
from fintech.domain.payments.at_terminal import reversed_at_terminal
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.payouts.payout import PayoutMethod
from fintech.domain.refunds.refund import RefundReason, RefundStatus
from fintech.ports.queries import Page
from tests.cores import OpenCore
from tests.unit.application.shop import ACTOR, PLAIN, LineDown, value
from tests.unit.application.terminals.till import (
    DISPUTED,
    NO_FUNDS,
    PENDING_REFUND,
    REFUND_DECLINED,
    VISA,
    Till,
    open_till,
)


@pytest.fixture
async def till(opens: OpenCore) -> AsyncIterator[Till]:
    async with open_till(opens) as till:
        yield till


async def at_rest(till: Till) -> None:
    """Whatever is due is done, and the books hold."""
    await till.shop.sweep_until_quiet()
    await till.shop.assert_proofs_hold()


# -- purchases


async def test_a_captured_purchase_goes_back_whole_with_its_fee(till: Till) -> None:
    payment = await till.buy()
    assert await till.reverse() is Reversed.UNDONE
    (refund,) = await till.shop.refunds()
    assert (refund.status, refund.reason) == (RefundStatus.SUCCEEDED, RefundReason.TERMINAL_REVERSAL)
    assert (refund.amount_minor, refund.fee.total_minor) == (10_000, 193)
    after = await till.shop.payment(payment.id)
    assert (after.refunded_minor, after.status) == (10_000, PaymentStatus.SUCCEEDED)
    await at_rest(till)
    assert list(till.shop.acquirer.reversals) == [f"{payment.attempts[0].id}.reversal1"]
    assert await till.shop.net("fees/acquiring") == 0


async def test_a_reversal_is_done_once_however_often_it_is_told(till: Till) -> None:
    await till.buy()
    told = [await till.reverse() for _ in range(3)]
    assert told == [Reversed.UNDONE, Reversed.NOTHING_LEFT, Reversed.NOTHING_LEFT]
    assert len(await till.shop.refunds()) == 1
    await at_rest(till)


async def test_reversals_that_race_are_one(till: Till) -> None:
    await till.buy()
    told = await asyncio.gather(*(till.reverse() for _ in range(8)))
    assert set(told) <= {Reversed.UNDONE, Reversed.NOTHING_LEFT}
    assert len(await till.shop.refunds()) == 1
    await at_rest(till)


async def test_a_declined_purchase_stays_what_it_is(till: Till) -> None:
    payment = await till.buy(card=NO_FUNDS)
    assert await till.reverse() is Reversed.NOTHING_LEFT
    assert await till.shop.payment(payment.id) == payment


async def test_a_purchase_that_nobody_has_answered_is_given_up(till: Till) -> None:
    till.shop.acquirer.dies = ["after"]
    with pytest.raises(LineDown):
        await till.buy()
    assert await till.reverse() is Reversed.UNDONE
    (payment,) = await till.shop.payments()
    assert payment.status is PaymentStatus.CANCELED
    await at_rest(till)
    assert (await till.shop.payment(payment.id)).captured_minor == 0
    again = await till.buy()
    assert (again.id, again.status) == (payment.id, PaymentStatus.CANCELED)


async def test_an_answer_that_comes_after_the_reversal_changes_nothing(till: Till) -> None:
    async def meanwhile() -> None:
        assert await till.reverse() is Reversed.UNDONE

    till.shop.acquirer.meanwhile = meanwhile
    payment = await till.buy()
    assert payment.status is PaymentStatus.CANCELED
    await at_rest(till)
    assert (await till.shop.payment(payment.id)).captured_minor == 0


async def test_an_authorised_payment_is_cancelled(till: Till) -> None:
    """No terminal of ours asks for one yet; one that does may give it up."""
    request = till.shop.keyed(till.key(1).key)
    payment = value(await till.shop.try_pay(request=request, manual=True))
    assert await till.reverse() is Reversed.UNDONE
    after = await till.shop.payment(payment.id)
    assert (after.status, after.capturable_minor) == (PaymentStatus.CANCELED, 0)
    await at_rest(till)


async def test_of_what_was_captured_in_part_everything_goes_back(till: Till) -> None:
    request = till.shop.keyed(till.key(1).key)
    payment = value(await till.shop.try_pay(request=request, manual=True))
    await till.shop.capture(payment.id, 4_000, final=False)
    assert await till.reverse() is Reversed.UNDONE
    after = await till.shop.payment(payment.id)
    assert (after.captured_minor, after.refunded_minor, after.capturable_minor) == (4_000, 4_000, 0)
    await at_rest(till)


async def test_of_what_was_refunded_in_part_the_rest_goes_back(till: Till) -> None:
    payment = await till.buy()
    await till.shop.refund(payment.id, 3_000)
    assert await till.reverse() is Reversed.UNDONE
    assert sorted(refund.amount_minor for refund in await till.shop.refunds()) == [3_000, 7_000]
    await at_rest(till)


async def test_what_was_refunded_whole_has_nothing_left(till: Till) -> None:
    payment = await till.buy()
    await till.shop.pay(10_000)
    await till.shop.refund(payment.id)
    assert await till.reverse() is Reversed.NOTHING_LEFT
    await at_rest(till)


async def test_after_it_was_settled_and_paid_away_the_merchant_owes_it(till: Till) -> None:
    await till.buy()
    other = await till.shop.pay(10_000)
    await till.shop.settle()
    await till.shop.refund(other.id)
    available = await till.shop.net("available")
    assert await till.reverse() is Reversed.UNDONE
    assert await till.shop.net("available") == 0
    assert -await till.shop.net("receivable") == 10_000 - 193 - available
    await at_rest(till)


async def test_unsettled_money_that_was_paid_out_ahead_is_left_alone(till: Till) -> None:
    """It stands behind the advance, so the merchant owes what is reversed instead."""
    await till.buy()
    scope, core = till.shop.scope, till.core
    bank: dict[str, Any] = {
        "holder": "Kiosk",
        "bsb": "000000",
        "currency": Currency.AUD,
        "number": "000123456",
    }
    value(await core.add_bank_account()(PLAIN, scope, **bank))
    value(await core.create_payout()(PLAIN, scope, amount_minor=None, method=PayoutMethod.INSTANT))
    unsettled, advance = f"unsettled/{till.shop.clock.now():%Y-%m-%d}", -await till.shop.net("advance")
    assert 0 < advance <= await till.shop.net(unsettled)
    assert await till.reverse() is Reversed.UNDONE
    assert await till.shop.net(unsettled) == advance
    assert -await till.shop.net("receivable") == advance
    await till.shop.assert_proofs_hold()
    await till.shop.settle()
    assert await till.shop.net("advance") == 0
    await at_rest(till)


async def test_however_the_buckets_change_meanwhile_a_fact_is_posted(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The balances that it is decided on are never what they are in the commit: then the merchant owes all of it."""
    await till.buy()
    balances = till.core.store().balances

    async def dreamt(scope: Any, accounts: Any) -> Any:
        real = await balances(scope, accounts)
        rich = type(next(iter(real.values())))(0, 0, 0, 10**9)
        return dict.fromkeys(real, rich)

    await till.shop.refund((await till.shop.payments())[0].id, 1)
    await till.shop.settle()
    monkeypatch.setattr(till.core.store(), "balances", dreamt)
    assert await till.reverse() is Reversed.UNDONE
    monkeypatch.undo()
    assert -await till.shop.net("receivable") == 9_999 - 193
    await at_rest(till)


async def test_a_suspended_merchants_purchase_goes_back_and_a_closed_ones_cannot(till: Till) -> None:
    await till.buy(1)
    await till.buy(2)
    await till.core.place_merchant()(ACTOR, till.shop.scope, Standing.SUSPENDED)
    assert await till.reverse(1) is Reversed.UNDONE
    await till.core.place_merchant()(ACTOR, till.shop.scope, Standing.CLOSED)
    refused = await till.try_reverse(2)
    assert isinstance(refused.failure(), AccountClosed)


async def test_another_amount_is_no_reversal_of_it(till: Till) -> None:
    payment = await till.buy()
    assert await till.try_reverse(amount_minor=9_999) == Failure(AmountDiffers(10_000))
    assert await till.shop.payment(payment.id) == payment


async def test_what_somebody_typed_in_later_is_not_the_terminals_to_reverse(till: Till) -> None:
    payment = await till.buy(card=NO_FUNDS)
    paid = value(await till.shop.confirm(payment.id))
    assert paid.captured_minor == 10_000
    assert await till.reverse() is Reversed.NOTHING_LEFT
    assert (await till.shop.payment(payment.id)).refunded_minor == 0


async def test_what_a_chargeback_has_taken_does_not_go_back_twice(till: Till) -> None:
    payment = await till.buy(card=DISPUTED)
    till.shop.advance(hours=1)
    await till.shop.sweep()
    assert (await till.shop.payment(payment.id)).disputed_minor == 10_000
    assert await till.reverse() is Reversed.NOTHING_LEFT
    assert await till.shop.refunds() == ()
    await till.shop.assert_proofs_hold()


# -- what has not come


async def test_an_original_that_comes_after_its_reversal_is_not_done(till: Till) -> None:
    assert await till.reverse() is Reversed.BLOCKED
    assert await till.reverse() is Reversed.NOTHING_LEFT
    payment = await till.buy()
    assert payment.status is PaymentStatus.CANCELED
    assert reversed_at_terminal(payment)
    assert till.shop.acquirer.calls == []
    await at_rest(till)


async def test_a_refund_that_comes_after_its_reversal_is_not_done(till: Till) -> None:
    await till.buy(1)
    assert await till.reverse(2, 4_000, refund=True) is Reversed.BLOCKED
    refused = await till.refund(2, 1, 4_000)
    assert isinstance(refused.failure(), KeyReused)
    assert await till.shop.refunds() == ()


@pytest.mark.parametrize("seed", range(6))
async def test_an_original_and_its_reversal_that_race_end_without_money(till: Till, seed: int) -> None:
    async def late(pause: int, work: Any) -> Any:
        for _ in range(pause):
            await asyncio.sleep(0)
        return await work

    payment, _ = await asyncio.gather(late(seed % 3, till.buy()), late(seed // 2, till.reverse()))
    assert payment.status in (PaymentStatus.CANCELED, PaymentStatus.SUCCEEDED)
    await till.reverse()
    await at_rest(till)
    (stored,) = await till.shop.payments()
    assert stored.captured_minor == stored.refunded_minor
    assert reversed_at_terminal(stored)


async def test_a_reversal_whose_answer_gets_lost_goes_to_the_acquirer_until_it_hears(opens: OpenCore) -> None:
    async with open_till(opens, script=[None, Fault.QUESTION_LOST, Fault.ANSWER_LOST]) as till:
        payment = await till.buy()
        await till.reverse()
        await at_rest(till)
        (told,) = (await till.shop.payment(payment.id)).attempts[0].reversals
        assert (told.due, told.tries) == (False, 2)


# -- refunds


async def test_a_refund_is_of_a_purchase_of_the_same_terminal(till: Till) -> None:
    payment = await till.buy(1)
    outcome = await till.refund(2, 1, 4_000)
    assert outcome.unwrap().value.status is RefundStatus.SUCCEEDED
    assert (await till.shop.payment(payment.id)).refunded_minor == 4_000
    repeated = await till.refund(2, 1, 4_000)
    assert repeated.unwrap().replayed
    assert len(await till.shop.refunds()) == 1
    await at_rest(till)


@pytest.mark.parametrize("purchase", [7, 2])
async def test_a_refund_of_nothing_that_was_bought_is_refused(till: Till, purchase: int) -> None:
    await till.buy(1)
    await till.refund(2, 1, 4_000)
    refused = (await till.refund(3, purchase, 1)).failure()
    assert refused.kind == "purchase"


@pytest.mark.parametrize("card", [VISA, PENDING_REFUND])
async def test_a_refund_is_not_called_back_and_somebody_is_told(till: Till, card: str) -> None:
    await till.buy(1, card=card)
    await till.refund(2, 1, 4_000)
    told = [await till.reverse(2, 4_000, refund=True) for _ in range(2)]
    assert told == [Reversed.TOLD, Reversed.TOLD]
    (refund,) = await till.shop.refunds()
    assert refund.status in (RefundStatus.SUCCEEDED, RefundStatus.UNKNOWN)
    types = ("refund.reversal_requested",)
    assert len((await till.core.queries().events(till.shop.scope, Page(), types)).items) == 1
    await at_rest(till)


async def test_a_refund_that_came_to_nothing_has_nothing_left_to_reverse(till: Till) -> None:
    await till.buy(1, card=REFUND_DECLINED)
    assert (await till.refund(2, 1, 4_000)).unwrap().value.status is RefundStatus.FAILED
    assert await till.reverse(2, 4_000, refund=True) is Reversed.NOTHING_LEFT


async def test_another_amount_is_no_reversal_of_a_refund(till: Till) -> None:
    await till.buy(1)
    await till.refund(2, 1, 4_000)
    assert await till.try_reverse(2, 3_999, refund=True) == Failure(AmountDiffers(4_000))
