"""The sweeper: everything whose time has come, and nothing is forgotten because something else is broken."""

from datetime import timedelta

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.sweep import ROUND_MAX, SWEEPER
from fintech.domain.payments.attempt import AUTHORISATION_VALID, ENQUIRY_DELAYS_S
from fintech.domain.payments.payment import CancelReason, PaymentStatus
from fintech.domain.refunds.refund import RefundFailure, RefundStatus
from fintech.ports.queries import Page
from tests.unit.application.shop import LineDown, Shop


async def test_a_notice_that_comes_before_its_refund_is_known_to_have_succeeded_is_kept(shop: Shop) -> None:
    """The answer to the refund was lost, and the issuer is quicker to send it back than we are to ask."""
    payment = await shop.pay(card="pm_card_refundFail")
    await shop.pay()
    shop.acquirer.script.append(Fault.ANSWER_LOST)
    refund = await shop.refund(payment.id)
    assert refund.status is RefundStatus.UNKNOWN
    await shop.sweep()
    assert len(await shop.acquirer.notices(10)) == 1
    await shop.sweep_until_quiet()
    refund = await shop.stored_refund(refund)
    assert refund.status is RefundStatus.FAILED
    assert refund.failure is RefundFailure.EXPIRED_OR_CANCELED_CARD
    assert (await shop.payment(payment.id)).refunded_minor == 0
    assert await shop.acquirer.notices(10) == ()
    await shop.assert_proofs_hold()


async def test_a_returned_refund_is_dealt_with_once_and_acknowledged(shop: Shop) -> None:
    payment = await shop.pay(card="pm_card_refundFail")
    await shop.pay()
    refund = await shop.refund(payment.id)
    (notice,) = await shop.acquirer.notices(10)
    assert await shop.sweep() == 1
    assert await shop.acquirer.notices(10) == ()
    before = await shop.core.store().books(shop.scope)
    shop.acquirer._memory.notices[notice.notice] = notice  # told again
    await shop.sweep()
    assert await shop.acquirer.notices(10) == ()
    assert await shop.core.store().books(shop.scope) == before
    assert (await shop.stored_refund(refund)).status is RefundStatus.FAILED


async def test_one_broken_payment_keeps_neither_the_others_nor_the_notices_from_being_dealt_with(
    shop: Shop,
) -> None:
    returned = await shop.pay(card="pm_card_refundFail")
    await shop.pay()
    refund = await shop.refund(returned.id)
    broken = await shop.pay(card="pm_card_answerLost")
    other = await shop.pay(card="pm_card_answerLost")
    shop.advance(seconds=1)
    shop.acquirer.dies = ["before"]
    with pytest.raises(LineDown):
        await shop.sweep()
    assert (await shop.payment(broken.id)).status is PaymentStatus.PROCESSING
    assert (await shop.payment(other.id)).status is PaymentStatus.SUCCEEDED
    assert (await shop.stored_refund(refund)).status is RefundStatus.FAILED
    shop.advance(minutes=1)
    await shop.sweep()
    assert (await shop.payment(broken.id)).status is PaymentStatus.SUCCEEDED


async def test_one_broken_notice_does_not_keep_the_next_from_being_dealt_with(shop: Shop) -> None:
    first, second = [await shop.pay(card="pm_card_refundFail") for _ in range(2)]
    await shop.pay(30_000)
    refunds = [await shop.refund(payment.id) for payment in (first, second)]
    returning = type(shop.core.return_refund())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(returning, "__call__", _failing_once(returning.__call__))
        with pytest.raises(LineDown):
            await shop.sweep()
    assert [(await shop.stored_refund(refund)).status for refund in refunds] == [
        RefundStatus.SUCCEEDED,
        RefundStatus.FAILED,
    ]
    await shop.sweep()
    assert (await shop.stored_refund(refunds[0])).status is RefundStatus.FAILED


def _failing_once(call):
    calls = []

    async def failing(self, *args):
        calls.append(args)
        if len(calls) == 1:
            raise LineDown
        return await call(self, *args)

    return failing


async def test_nothing_due_is_nothing_done(shop: Shop) -> None:
    await shop.pay()
    await shop.authorise()
    await shop.pay(card="pm_card_chargeDeclined")
    calls = list(shop.acquirer.calls)
    assert await shop.sweep() == 0
    assert shop.acquirer.calls == calls


async def test_a_round_counts_what_it_looked_at(shop: Shop) -> None:
    for _ in range(3):
        await shop.pay(card="pm_card_answerLost")
    shop.advance(seconds=1)
    assert await shop.sweep() == 3
    assert await shop.sweep() == 0
    assert ROUND_MAX == 100


async def test_an_authorisation_expires_at_its_moment_and_not_before(shop: Shop) -> None:
    payment = await shop.authorise()
    shop.clock.advance(AUTHORISATION_VALID - timedelta(microseconds=1))
    assert await shop.sweep() == 0
    shop.clock.advance(timedelta(microseconds=1))
    assert await shop.sweep() == 1
    expired = await shop.payment(payment.id)
    assert (expired.status, expired.cancel_reason) == (PaymentStatus.CANCELED, CancelReason.AUTOMATIC)
    assert [each.amount_minor for each in shop.acquirer.reversals.values()] == [10_000]
    assert await shop.sweep() == 0
    await shop.assert_proofs_hold()


async def test_the_sweeper_signs_what_it_does(shop: Shop) -> None:
    await shop.pay(card="pm_card_answerLost")
    shop.advance(seconds=1)
    await shop.sweep()
    (latest, *_) = (await shop.core.queries().events(shop.scope, Page())).items
    assert latest.actor == SWEEPER


async def test_an_acquirer_that_never_answers_is_asked_less_and_less_often_and_then_given_up(
    shop: Shop,
) -> None:
    payment = await shop.pay(card="pm_card_acquirerSilent")
    asked = []
    for second in range(1, sum(ENQUIRY_DELAYS_S) + ENQUIRY_DELAYS_S[-1] + 2):
        shop.advance(seconds=1)
        if await shop.sweep():
            asked.append(second)
    gaps = [b - a for a, b in zip([0, *asked], asked, strict=False)]
    assert gaps[: len(ENQUIRY_DELAYS_S)] == list(ENQUIRY_DELAYS_S)
    after = await shop.payment(payment.id)
    assert after.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert [each.original_request for each in shop.acquirer.reversals.values()] == [after.attempts[0].id]
