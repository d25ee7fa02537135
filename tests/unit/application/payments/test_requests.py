"""What merchants ask of a payment: what is done and what is refused."""

from typing import Any

import pytest

from fintech.application.commits import NotFound
from fintech.application.payments.asking import AcquirerMissing
from fintech.domain.events import EventType
from fintech.domain.ids import MerchantId, PaymentId
from fintech.domain.merchants import Standing
from fintech.domain.metadata import TooManyKeys
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure
from fintech.domain.payments.attempt import AttemptStatus, IncrementStatus
from fintech.domain.payments.payment import CancelReason, PaymentStatus
from fintech.domain.payments.refusals import (
    AmountTooLarge,
    AmountTooSmall,
    CurrencyNotSupported,
    MerchantMayNot,
    MerchantReason,
    MethodMissing,
)
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.unit.application.shop import ACTOR, PLAIN, Shop, value

NOBODY = PaymentId("pi_" + "z" * 24)
LIVE = Scope(MerchantId("acct_" + "m" * 24), livemode=True)


async def stored_keys(shop: Shop) -> set[str]:
    return {key for _, key in shop.store.memory.state.claims}


# -- what is done


async def test_creating_asks_nobody_until_it_is_confirmed(shop: Shop) -> None:
    created = value(await shop.try_pay(confirm=False))
    assert created.status is PaymentStatus.REQUIRES_CONFIRMATION
    assert shop.acquirer.calls == []
    confirmed = value(await shop.core.confirm_payment()(PLAIN, shop.scope, created.id))
    assert confirmed.status is PaymentStatus.SUCCEEDED
    assert confirmed.version == 3
    assert confirmed == await shop.payment(created.id)


async def test_creating_and_confirming_at_once(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    assert (payment.status, payment.version) == (PaymentStatus.SUCCEEDED, 2)
    assert shop.acquirer.calls == [payment.attempts[0].id]
    await shop.assert_proofs_hold()


async def test_a_payment_that_is_captured_later(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    assert payment.status is PaymentStatus.REQUIRES_CAPTURE
    payment = value(await shop.increment(payment.id, 12_000))
    payment = value(await shop.capture(payment.id, 5_000, final=False))
    payment = value(await shop.capture(payment.id, 6_000))
    assert (payment.captured_minor, payment.status) == (11_000, PaymentStatus.SUCCEEDED)
    await shop.assert_proofs_hold()


async def test_a_decline_is_no_failure_of_the_request(shop: Shop) -> None:
    payment = await shop.pay(card="pm_card_chargeDeclined")
    assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.attempts[0].status is AttemptStatus.DECLINED


async def test_a_declined_increment_leaves_the_payment_as_it_was(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    shop.acquirer.declines.add(f"{payment.attempts[0].id}.1")
    after = value(await shop.increment(payment.id, 12_000))
    assert (after.authorised_minor, after.status) == (10_000, PaymentStatus.REQUIRES_CAPTURE)
    assert after.attempts[0].increments[0].status is IncrementStatus.DECLINED


async def test_cancelling(shop: Shop) -> None:
    payment = await shop.authorise()
    reason = CancelReason.DUPLICATE
    cancelled = value(await shop.core.cancel_payment()(PLAIN, shop.scope, payment.id, reason))
    assert (cancelled.status, cancelled.cancel_reason) == (PaymentStatus.CANCELED, reason)
    await shop.assert_proofs_hold()


async def test_each_step_is_in_the_log(shop: Shop) -> None:
    payment = value(await shop.try_pay(confirm=False, manual=True))
    await shop.core.update_payment()(PLAIN, shop.scope, payment.id, description="x")
    await shop.confirm(payment.id)
    await shop.increment(payment.id, 11_000)
    await shop.capture(payment.id, 100, final=False)
    await shop.cancel(payment.id)
    await shop.sweep()
    events = (await shop.core.queries().events(shop.scope, Page(limit=100))).items
    log = [event for event in reversed(events) if event.snapshot.id == payment.id]
    assert [event.type for event in log] == [
        EventType.PAYMENT_CREATED,
        EventType.PAYMENT_UPDATED,
        EventType.PAYMENT_PROCESSING,
        EventType.PAYMENT_CAPTURABLE_UPDATED,
        EventType.PAYMENT_UPDATED,
        EventType.PAYMENT_CAPTURABLE_UPDATED,
        EventType.PAYMENT_CAPTURABLE_UPDATED,
        EventType.PAYMENT_SUCCEEDED,
        EventType.PAYMENT_REVERSAL_UPDATED,
    ]
    assert [event.snapshot.version for event in log] == list(range(1, 10))


async def test_metadata_is_merged_and_an_empty_value_removes_its_key(shop: Shop) -> None:
    update = shop.core.update_payment()
    payment = await shop.pay()
    for changes in ((("a", "1"), ("b", "2")), (("b", "3"), ("c", "4")), (("a", ""),)):
        payment = value(await update(PLAIN, shop.scope, payment.id, metadata=changes))
    assert payment.metadata == (("b", "3"), ("c", "4"))
    many = tuple((f"k{n}", "v") for n in range(49))
    assert await update(PLAIN, shop.scope, payment.id, metadata=many) == Failure(TooManyKeys(50))
    assert len(value(await update(PLAIN, shop.scope, payment.id, metadata=many[:48])).metadata) == 50
    assert value(await update(PLAIN, shop.scope, payment.id, metadata=())).metadata == ()


# -- what is refused


@pytest.mark.parametrize(
    ("terms", "refused"),
    [
        ({"amount_minor": 49}, AmountTooSmall(50)),
        ({"amount_minor": 100_000_000}, AmountTooLarge(99_999_999)),
        ({"currency": Currency.USD}, CurrencyNotSupported("AUD")),
        ({"confirm": True}, MethodMissing()),
    ],
)
async def test_what_cannot_be_created_leaves_nothing_behind(
    shop: Shop, terms: dict[str, Any], refused: Any
) -> None:
    plain: dict[str, Any] = {"amount_minor": 1_000, "currency": Currency.AUD}
    outcome = await shop.core.create_payment()(shop.keyed("k"), shop.scope, **(plain | terms))
    assert outcome == Failure(refused)
    assert await stored_keys(shop) == set()
    assert (await shop.core.queries().payments(shop.scope, Page())).items == ()
    assert shop.acquirer.calls == []


async def test_what_is_not_there_cannot_be_asked_for(shop: Shop) -> None:
    missing = Failure(NotFound("payment", NOBODY))
    assert await shop.capture(NOBODY) == missing
    assert await shop.cancel(NOBODY) == missing
    assert await shop.confirm(NOBODY) == missing
    assert await shop.increment(NOBODY, 100) == missing
    assert await shop.core.update_payment()(PLAIN, shop.scope, NOBODY) == missing


async def test_a_merchant_that_is_not_there_cannot_ask(shop: Shop) -> None:
    payment = await shop.authorise()
    shop.scope = Scope(MerchantId("acct_" + "z" * 24), livemode=False)
    missing = Failure(NotFound("merchant", shop.scope.merchant))
    assert await shop.try_pay() == missing
    assert await shop.capture(payment.id) == missing
    assert await shop.cancel(payment.id) == missing
    assert await shop.confirm(payment.id) == missing
    assert await shop.increment(payment.id, 100) == missing
    assert await shop.try_refund(payment.id) == missing


async def test_another_merchants_payment_is_not_there(shop: Shop) -> None:
    payment = await shop.authorise()
    other = MerchantId("acct_" + "n" * 24)
    await shop.core.onboard_merchant()(ACTOR, other, livemode=False, name="Other")
    shop.scope = Scope(other, livemode=False)
    missing = Failure(NotFound("payment", payment.id))
    assert await shop.capture(payment.id) == missing
    assert await shop.cancel(payment.id) == missing
    assert await shop.try_refund(payment.id) == missing


async def test_a_simulator_never_serves_live_mode(shop: Shop) -> None:
    await shop.core.onboard_merchant()(ACTOR, LIVE.merchant, livemode=True, name="Kiosk")
    card, payment = shop.card(), await shop.pay()
    refused = Failure(AcquirerMissing(livemode=True))
    created = await shop.core.create_payment()(
        PLAIN, LIVE, amount_minor=1_000, currency=Currency.AUD, method=card, confirm=True
    )
    assert created == refused
    assert await shop.core.confirm_payment()(PLAIN, LIVE, payment.id, card) == refused
    assert await shop.core.increment_authorisation()(PLAIN, LIVE, payment.id, 100) == refused
    assert await shop.core.create_refund()(PLAIN, LIVE, payment.id) == refused


@pytest.mark.parametrize(
    ("standing", "reason"),
    [(Standing.SUSPENDED, MerchantReason.SUSPENDED), (Standing.CLOSED, MerchantReason.CLOSED)],
)
async def test_who_may_not_trade_takes_no_payments(
    shop: Shop, standing: Standing, reason: MerchantReason
) -> None:
    waiting = value(await shop.try_pay(confirm=False))
    held = await shop.authorise()
    await shop.core.place_merchant()(ACTOR, shop.scope, standing)
    refused = Failure(MerchantMayNot(reason))
    calls = list(shop.acquirer.calls)
    assert await shop.try_pay() == refused
    assert await shop.confirm(waiting.id) == refused
    assert await shop.increment(held.id, 12_000) == refused
    assert shop.acquirer.calls == calls
