"""What is asked of payouts: what they may come to, what they do to the books, and answers that stay what they were."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from fintech.application.commits import NotFound
from fintech.application.payouts.asking import BankMissing
from fintech.domain.changeset import KeyReused
from fintech.domain.evolving import evolve
from fintech.domain.ids import PayoutId
from fintech.domain.lines import line_amounts
from fintech.domain.merchants import Standing
from fintech.domain.metadata import METADATA_KEYS_MAX, TooManyKeys
from fintech.domain.outcome import Failure
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall, MerchantMayNot, MerchantReason
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.payouts.refusals import (
    BalanceInsufficient,
    CoolingOff,
    DestinationMissing,
    InstantLimit,
    InstantLimitReached,
    NotReversible,
    PayoutWrongStatus,
)
from fintech.domain.refunds.refund import InsufficientFunds
from fintech.domain.scope import Scope
from tests.cores import OpenCore
from tests.unit.application.payouts.counter import KEEPS, NOWHERE, Counter, open_counter
from tests.unit.application.shop import ACTOR, PLAIN, value

NOBODY = PayoutId("po_" + "z" * 24)


@pytest.fixture
async def stored(opens: OpenCore) -> AsyncIterator[Counter]:
    """A counter on memory and on Postgres."""
    async with open_counter(opens=opens) as counter:
        yield counter


async def line(counter: Counter, payout: Payout, which: str = "movement") -> Any:
    """What a payout did to the balance."""
    movement = await counter.core.queries().movement(counter.scope, getattr(payout, which))
    assert movement is not None
    return line_amounts(movement.legs)


# -- standard


async def test_a_standard_payout_waits_for_the_window_and_arrives(stored: Counter) -> None:
    await stored.earn(10_000)
    payout = await stored.pay_out(4_000)
    assert (payout.status, payout.fee.total_minor, payout.advanced_minor) == (PayoutStatus.PENDING, 0, 0)
    assert payout.due_at == stored.clock.now() + timedelta(seconds=5)
    assert await stored.balance() | {"available": 5_807, "in_transit": 4_000} == await stored.balance()
    assert (await line(stored, payout)).net_minor == -4_000
    assert stored.bank.calls == []
    stored.advance(seconds=5)
    await stored.sweep()
    assert (await stored.payout(payout.id)).status is PayoutStatus.IN_TRANSIT
    stored.advance(seconds=3)
    await stored.sweep()
    after = await stored.payout(payout.id)
    assert (after.status, after.paid_at) == (PayoutStatus.PAID, stored.clock.now())
    assert (await stored.net("available"), await stored.net("in_transit")) == (5_807, 0)
    assert await stored.net("client_cash") == -5_807
    await stored.assert_books_hold()
    assert [event for event in await stored.events() if event.startswith("payout.")] == [
        "payout.created",
        "payout.updated",
        "payout.updated",
        "payout.paid",
    ]


async def test_without_an_amount_all_that_is_available_is_paid_out(counter: Counter) -> None:
    await counter.earn(10_000)
    assert (await counter.pay_out()).amount_minor == 9_807
    assert await counter.try_pay_out() == Failure(BalanceInsufficient(0))


@pytest.mark.parametrize("amount", [9_808, 10**14])
async def test_more_than_is_available_is_refused_and_nothing_is_changed(
    counter: Counter, amount: int
) -> None:
    await counter.earn(10_000)
    await counter.pay(10_000)
    before = await counter.core.store().books(counter.scope)
    assert await counter.try_pay_out(amount) == Failure(BalanceInsufficient(9_807))
    assert await counter.core.store().books(counter.scope) == before
    assert await counter.payouts() == ()


@pytest.mark.parametrize("amount", [0, -1])
async def test_nothing_and_less_is_not_paid_out(counter: Counter, amount: int) -> None:
    await counter.earn()
    assert await counter.try_pay_out(amount) == Failure(AmountTooSmall(1))


async def test_what_is_owed_to_us_is_not_paid_out(counter: Counter) -> None:
    await counter.earn(10_000)
    await counter.owe(3_000)
    assert await counter.try_pay_out(6_808) == Failure(BalanceInsufficient(6_807))
    await counter.pay_out(6_807)


@pytest.mark.parametrize("method", PayoutMethod)
@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED])
async def test_a_merchant_that_may_not_trade_is_not_paid_out(
    counter: Counter, standing: Standing, method: PayoutMethod
) -> None:
    await counter.earn()
    await counter.core.place_merchant()(ACTOR, counter.scope, standing)
    refused = await counter.try_pay_out(1_000, method)
    assert refused == Failure(MerchantMayNot(MerchantReason(standing.value)))


async def test_a_payout_that_waits_is_not_sent_while_its_merchant_is_suspended(counter: Counter) -> None:
    await counter.earn()
    payout = await counter.pay_out(1_000)
    await counter.core.place_merchant()(ACTOR, counter.scope, Standing.SUSPENDED)
    counter.advance(seconds=5)
    await counter.sweep()
    assert ((await counter.payout(payout.id)).status, counter.bank.calls) == (PayoutStatus.PENDING, [])
    await counter.core.place_merchant()(ACTOR, counter.scope, Standing.ACTIVE)
    counter.advance(hours=1)
    await counter.sweep()
    assert (await counter.payout(payout.id)).status is PayoutStatus.IN_TRANSIT


async def test_no_bank_serves_live_mode(counter: Counter) -> None:
    live = Scope(counter.scope.merchant, livemode=True)
    for method in PayoutMethod:
        refused = await counter.core.create_payout()(PLAIN, live, amount_minor=1, method=method)
        assert refused == Failure(BankMissing(livemode=True))
    assert await counter.core.reverse_payout()(PLAIN, live, NOBODY) == Failure(BankMissing(livemode=True))


async def test_a_payout_goes_to_an_account_that_there_is() -> None:
    async with open_counter(number=None) as counter:
        await counter.earn()
        assert await counter.try_pay_out(1_000) == Failure(DestinationMissing())
        refused = await counter.try_pay_out(1_000, destination=NOWHERE)
        assert refused == Failure(NotFound("bank_account", NOWHERE))
        first, second = await counter.account(), await counter.account()
        assert (await counter.pay_out(1_000)).destination == first.id
        assert (await counter.pay_out(1_000, destination=second.id)).destination == second.id
        await counter.core.remove_bank_account()(PLAIN, counter.scope, second.id)
        refused = await counter.try_pay_out(1_000, destination=second.id)
        assert refused == Failure(NotFound("bank_account", second.id))


# -- instant


async def test_an_instant_payout_takes_what_is_available_first_and_the_rest_is_an_advance(
    stored: Counter,
) -> None:
    await stored.earn(2_000)  # 1,961 of it
    await stored.pay(10_000)  # 9,807 of it, of which 80 % may be advanced: 7,845
    payout = await stored.instant(5_000)
    assert payout.status is PayoutStatus.PAID
    assert (payout.fee.fee_minor, payout.fee.tax_minor) == (75, 8)
    assert payout.advanced_minor == 5_083 - 1_961
    balance = await stored.balance()
    assert (balance.get("available", 0), balance["advance"]) == (0, -3_122)
    assert (balance["fees"], balance["quota"]) == (35 + 175 + 75, -5_001)
    paid = await line(stored, payout)
    assert (paid.gross_minor, paid.fee_minor, paid.tax_minor) == (-5_000, -75, -8)
    await stored.assert_books_hold()


async def test_fees_that_come_out_of_what_is_available_are_ours_at_once(counter: Counter) -> None:
    await counter.earn(10_000)
    own = await counter.net("own_cash")
    payout = await counter.instant(5_000)
    assert payout.advanced_minor == 0
    assert await counter.net("own_cash") == own - 83
    assert await counter.net("client_cash") == -(9_807 - 5_083)
    await counter.assert_books_hold()


async def test_without_an_amount_what_is_left_after_the_fee_is_paid_out(counter: Counter) -> None:
    await counter.pay(10_000)
    payout = await counter.instant()
    assert payout.amount_minor + payout.fee.total_minor == 7_845
    assert await counter.try_pay_out(None, "instant") == Failure(BalanceInsufficient(0))
    assert await counter.try_pay_out(500, "instant") == Failure(BalanceInsufficient(0))


async def test_the_share_is_of_all_that_is_unsettled_however_often_it_is_asked_for(counter: Counter) -> None:
    await counter.pay(10_000)
    for _ in range(5):
        await counter.try_pay_out(None, "instant")
    assert -await counter.net("advance") <= 9_807 * 8 // 10


async def test_amount_fee_and_tax_are_within_the_share(counter: Counter) -> None:
    await counter.pay(10_000)
    most = 7_717  # with 116 and 12 of it: 7,845
    assert await counter.try_pay_out(most + 1, "instant") == Failure(BalanceInsufficient(most))
    assert (await counter.instant(most)).advanced_minor == 7_845
    await counter.assert_books_hold()


@pytest.mark.parametrize(("amount", "refusal"), [(499, AmountTooSmall(500)), (501, None)])
async def test_an_instant_payout_has_a_least_amount(counter: Counter, amount: int, refusal: Any) -> None:
    await counter.pay(10_000)
    outcome = await counter.try_pay_out(amount, "instant")
    assert outcome == Failure(refusal) if refusal else value(outcome).amount_minor == amount


async def test_an_instant_payout_has_a_largest_amount(counter: Counter) -> None:
    await counter.pay(1_000_000)
    assert await counter.try_pay_out(500_001, "instant") == Failure(AmountTooLarge(500_000))


async def test_the_least_fee_is_paid_where_the_share_would_be_less(counter: Counter) -> None:
    await counter.pay(10_000)
    assert (await counter.instant(500)).fee.fee_minor == 50


async def test_the_days_amount_binds_until_midnight_in_sydney(stored: Counter) -> None:
    await stored.policy(day_max_minor=2_000)
    await stored.pay(100_000)
    await stored.instant(1_500)
    refused = await stored.try_pay_out(501, "instant")
    assert refused == Failure(InstantLimitReached(InstantLimit.AMOUNT, 500))
    await stored.instant(500)
    stored.advance(hours=11, minutes=59)  # 23:59 in Sydney
    refused = await stored.try_pay_out(500, "instant")
    assert refused == Failure(InstantLimitReached(InstantLimit.AMOUNT, 0))
    stored.advance(minutes=1)
    await stored.instant(2_000)
    await stored.assert_books_hold()


async def test_the_days_count_binds(counter: Counter) -> None:
    await counter.policy(day_count_max=2)
    await counter.pay(100_000)
    await counter.instant(500)
    await counter.instant(500)
    refused = await counter.try_pay_out(500, "instant")
    assert refused == Failure(InstantLimitReached(InstantLimit.COUNT, 0))
    counter.advance(hours=13)
    await counter.instant(500)


async def test_instant_payouts_stop_while_more_is_owed_to_us_than_is_available(counter: Counter) -> None:
    await counter.pay(100_000)
    await counter.owe(1)
    assert await counter.try_pay_out(1_000, "instant") == Failure(BalanceInsufficient(0))


async def test_what_is_reserved_backs_nothing(counter: Counter) -> None:
    await counter.earn(10_000)
    await counter.pay(10_000)
    await counter.reserve(9_807)
    assert await counter.try_pay_out(500, "instant") == Failure(BalanceInsufficient(0))


async def test_instant_payouts_cool_off_after_the_bank_account_changed(counter: Counter) -> None:
    await counter.pay(100_000)
    await counter.instant(500)
    counter.advance(days=30)
    other = await counter.account(default=True)
    until = counter.clock.now() + timedelta(hours=24)
    assert await counter.try_pay_out(500, "instant") == Failure(CoolingOff(until))
    counter.advance(hours=24)
    assert (await counter.instant(500)).destination == other.id


async def test_an_account_that_is_new_is_not_paid_instantly_even_when_it_is_not_the_default(
    counter: Counter,
) -> None:
    await counter.pay(100_000)
    counter.advance(days=30)
    other = await counter.account()
    refused = await counter.try_pay_out(500, "instant", destination=other.id)
    assert refused == Failure(CoolingOff(counter.clock.now() + timedelta(hours=24)))
    await counter.instant(500)
    counter.advance(hours=24)
    await counter.instant(500, destination=other.id)


async def test_a_refund_leaves_alone_what_was_paid_out_ahead_of_it(stored: Counter) -> None:
    payment = await stored.pay(10_000)
    payout = await stored.instant(5_000)
    free = 9_807 - payout.advanced_minor
    assert await stored.try_refund(payment.id, free + 1) == Failure(InsufficientFunds(free))
    await stored.refund(payment.id, free)
    assert await stored.try_refund(payment.id, 1) == Failure(InsufficientFunds(0))
    await stored.assert_books_hold()


# -- repeats, changes


@pytest.mark.parametrize("method", PayoutMethod)
async def test_the_same_request_again_is_answered_and_not_done(stored: Counter, method: PayoutMethod) -> None:
    await stored.earn(10_000)
    request = stored.keyed("once")
    first = (await stored.try_pay_out(6_000, method, request=request)).unwrap()
    again = (await stored.try_pay_out(6_000, method, request=request)).unwrap()
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    assert len(await stored.payouts()) == 1
    other = await stored.try_pay_out(6_000, method, request=stored.keyed("once", b"g"))
    assert other == Failure(KeyReused("op"))


async def test_metadata_is_merged_and_nothing_else_changes(counter: Counter) -> None:
    await counter.earn()
    payout = await counter.pay_out(1_000, metadata=(("a", "1"), ("b", "2")))
    update, request = counter.core.update_payout(), counter.keyed("once")
    after = value(await update(request, counter.scope, payout.id, metadata=(("b", ""), ("c", "3"))))
    assert after == evolve(payout, version=payout.version + 1, metadata=(("a", "1"), ("c", "3")))
    assert (await update(request, counter.scope, payout.id, metadata=(("b", ""),))).unwrap().replayed
    many = tuple((f"k{n}", "v") for n in range(METADATA_KEYS_MAX + 1))
    refused = await update(PLAIN, counter.scope, payout.id, metadata=many)
    assert refused == Failure(TooManyKeys(METADATA_KEYS_MAX))
    assert await update(PLAIN, counter.scope, NOBODY) == Failure(NotFound("payout", NOBODY))


# -- cancelling


async def test_a_cancelled_payout_is_as_if_it_had_never_been(stored: Counter) -> None:
    await stored.earn(10_000)
    before = await stored.balance()
    payout = await stored.pay_out(4_000)
    cancel, request = stored.core.cancel_payout(), stored.keyed("c")
    canceled = value(await cancel(request, stored.scope, payout.id))
    assert (canceled.status, canceled.due_at) == (PayoutStatus.CANCELED, None)
    assert await stored.balance() == before
    assert (await line(stored, canceled, "failure_movement")).net_minor == 4_000
    assert (await cancel(request, stored.scope, payout.id)).unwrap().replayed
    refused = await cancel(PLAIN, stored.scope, payout.id)
    assert refused == Failure(PayoutWrongStatus(PayoutStatus.CANCELED, "cancel"))
    stored.advance(hours=1)
    await stored.sweep()
    assert stored.bank.calls == []
    assert (await stored.events())[-1] == "payout.canceled"
    await stored.assert_books_hold()


async def test_what_the_bank_has_is_not_cancelled(counter: Counter) -> None:
    await counter.earn()
    payout = await counter.pay_out(1_000)
    counter.advance(seconds=5)
    await counter.sweep()
    refused = await counter.core.cancel_payout()(PLAIN, counter.scope, payout.id)
    assert refused == Failure(PayoutWrongStatus(PayoutStatus.IN_TRANSIT, "cancel"))
    assert await counter.core.cancel_payout()(PLAIN, counter.scope, NOBODY) == Failure(
        NotFound("payout", NOBODY)
    )


# -- reversing


async def test_a_paid_payout_is_brought_back_by_another(stored: Counter) -> None:
    await stored.earn(10_000)
    original = await stored.arrived(await stored.pay_out(4_000))
    reverse, request = stored.core.reverse_payout(), stored.keyed("r")
    reversal = value(await reverse(request, stored.scope, original.id, metadata=(("why", "wrong"),)))
    assert (reversal.status, reversal.reverses) == (PayoutStatus.IN_TRANSIT, original.id)
    assert (await stored.payout(original.id)).reversed_by == reversal.id
    assert await stored.net("available") == 5_807
    assert (await reverse(request, stored.scope, original.id)).unwrap().value == reversal
    await stored.assert_books_hold()
    after = await stored.arrived(reversal)
    assert (after.status, after.metadata) == (PayoutStatus.PAID, (("why", "wrong"),))
    assert await stored.net("available") == 9_807
    assert (await line(stored, after)).net_minor == 4_000
    refused = await reverse(PLAIN, stored.scope, original.id)
    assert refused == Failure(NotReversible(reversal.id))
    assert await reverse(PLAIN, stored.scope, reversal.id) == Failure(NotReversible(None))
    await stored.assert_books_hold()


async def test_a_reversal_that_the_bank_refuses_may_be_tried_again() -> None:
    async with open_counter(number=KEEPS) as counter:
        await counter.earn(10_000)
        original = await counter.arrived(await counter.pay_out(4_000))
        reverse = counter.core.reverse_payout()
        failed = value(await reverse(PLAIN, counter.scope, original.id))
        assert (failed.status, failed.failure_movement) == (PayoutStatus.FAILED, None)
        assert (await counter.payout(original.id)).reversed_by is None
        assert value(await reverse(PLAIN, counter.scope, original.id)).id != failed.id
        assert await counter.net("available") == 5_807
        await counter.assert_books_hold()


async def test_only_what_was_paid_is_reversed(counter: Counter) -> None:
    await counter.earn()
    payout, reverse = await counter.pay_out(1_000), counter.core.reverse_payout()
    refused = await reverse(PLAIN, counter.scope, payout.id)
    assert refused == Failure(PayoutWrongStatus(PayoutStatus.PENDING, "reverse"))
    assert await reverse(PLAIN, counter.scope, NOBODY) == Failure(NotFound("payout", NOBODY))
