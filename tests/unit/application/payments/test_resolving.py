"""What the clock asks of payments: each question gets its own answer, and nothing is asked twice or too early."""

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.domain.payments.attempt import (
    ANSWER_PATIENCE,
    AUTHORISATION_VALID,
    AttemptStatus,
    IncrementStatus,
)
from fintech.domain.payments.payment import PaymentStatus
from tests.unit.application.shop import ACTOR, LineDown, Shop, value

PATIENCE_S = ANSWER_PATIENCE.total_seconds()
SILENT = [Fault.QUESTION_LOST] * 40


async def abandoned_increment(shop: Shop, amount_minor: int = 15_000):
    """An authorisation of 100.00 whose increment nobody will ever speak of: it is given up."""
    payment = await shop.authorise()
    shop.acquirer.script.append(Fault.QUESTION_LOST)
    await shop.increment(payment.id, amount_minor)
    shop.advance(seconds=1)
    return await shop.payment(payment.id)


async def test_a_process_that_died_before_the_call_leaves_a_payment_that_is_given_up(shop: Shop) -> None:
    shop.acquirer.dies = ["before"]
    with pytest.raises(LineDown):
        await shop.pay()
    (payment,) = await shop.payments()
    assert payment.attempts[0].status is AttemptStatus.SENT
    shop.advance(seconds=PATIENCE_S - 1)
    assert await shop.sweep() == 0
    shop.advance(seconds=1)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert after.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert after.attempts[0].status is AttemptStatus.RELEASED
    assert [each.original_request for each in shop.acquirer.reversals.values()] == [after.attempts[0].id]
    assert value(await shop.confirm(payment.id)).status is PaymentStatus.SUCCEEDED
    await shop.assert_proofs_hold()


async def test_a_process_that_died_after_the_call_leaves_a_payment_that_is_found_out(shop: Shop) -> None:
    shop.acquirer.dies = ["after"]
    with pytest.raises(LineDown):
        await shop.pay()
    (payment,) = await shop.payments()
    shop.advance(seconds=PATIENCE_S)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert after.status is PaymentStatus.SUCCEEDED
    assert shop.acquirer.calls.count(after.attempts[0].id) == 1
    assert shop.acquirer.reversals == {}
    await shop.assert_proofs_hold()


async def test_a_lost_decline_is_found_out(shop: Shop) -> None:
    payment = await shop.pay(card="pm_card_declineLost")
    assert payment.status is PaymentStatus.PROCESSING
    shop.advance(seconds=1)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert after.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert after.attempts[0].status is AttemptStatus.DECLINED
    assert after.attempts[0].decline is not None


async def test_what_was_reversed_is_declined_when_it_arrives_late(shop: Shop) -> None:
    payment = await shop.pay(card="pm_card_questionLost")
    shop.advance(seconds=1)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert after.attempts[0].status is AttemptStatus.RELEASED
    assert after.attempts[0].id in shop.acquirer._memory.reversed_requests


async def test_a_reversal_that_is_due_does_not_hurry_an_increment_that_is_on_its_way(shop: Shop) -> None:
    payment = await abandoned_increment(shop)
    shop.acquirer.script.extend([None, Fault.ANSWER_LOST])  # the enquiry: never seen; the reversal: no answer
    await shop.sweep()
    assert (await shop.payment(payment.id)).attempts[0].increments[0].status is IncrementStatus.RELEASED
    seen: list[str] = []

    async def sweep_meanwhile() -> None:
        shop.advance(seconds=2)  # the reversal is due, the increment's patience has hardly begun
        before = len(shop.acquirer.calls)
        await shop.sweep()
        seen.extend(shop.acquirer.calls[before:])

    shop.acquirer.meanwhile = sweep_meanwhile
    raised = value(await shop.increment(payment.id, 12_000))
    assert [call for call in seen if call.startswith("enquire")] == []
    assert len(seen) == 1
    assert raised.attempts[0].increments[-1].status is IncrementStatus.APPROVED
    assert raised.authorised_minor == 12_000
    await shop.assert_proofs_hold()


async def test_enquiries_about_an_increment_keep_their_distance_while_a_reversal_is_due(shop: Shop) -> None:
    payment = await abandoned_increment(shop)
    shop.acquirer.script.extend([None, Fault.ANSWER_LOST, Fault.ANSWER_LOST, *SILENT])
    await shop.sweep()
    await shop.increment(payment.id, 12_000)
    shop.advance(seconds=1)
    await shop.sweep()
    increment = (await shop.payment(payment.id)).attempts[0].increments[-1]
    assert (increment.status, increment.tries) == (IncrementStatus.UNKNOWN, 2)


async def test_each_reversal_of_an_attempt_is_a_message_of_its_own(shop: Shop) -> None:
    """The port answers a request that it has seen as the first time: a second amount needs a second name."""
    payment = await abandoned_increment(shop)
    await shop.sweep()
    value(await shop.capture(payment.id, 7_000))
    await shop.sweep()
    told = list(shop.acquirer.reversals.values())
    assert sorted(each.amount_minor for each in told) == [3_000, 5_000]
    assert all(reversal.next_try_at is None for reversal in _reversals(await shop.payment(payment.id)))


async def test_a_reversal_whose_answer_was_lost_is_repeated_as_it_was(shop: Shop) -> None:
    payment = await abandoned_increment(shop)
    shop.acquirer.script.extend([None, Fault.ANSWER_LOST])
    await shop.sweep()
    value(await shop.capture(payment.id, 7_000))
    await shop.sweep_until_quiet()
    told = list(shop.acquirer.reversals.values())
    assert sorted(each.amount_minor for each in told) == [3_000, 5_000]


async def test_the_reversal_of_an_increment_names_the_increment(shop: Shop) -> None:
    """Told to take 50.00 off the authorisation, an acquirer that never saw the increment would leave 50.00 too little."""
    payment = await abandoned_increment(shop)
    await shop.sweep()
    (told,) = shop.acquirer.reversals.values()
    attempt = (await shop.payment(payment.id)).attempts[0]
    assert told.original_request == f"{attempt.id}.1"
    assert told.reference is None
    assert told.amount_minor == 5_000
    value(await shop.increment(payment.id, 12_000))
    assert f"{attempt.id}.1" in shop.acquirer._memory.reversed_requests
    assert attempt.id not in shop.acquirer._memory.reversed_requests


async def test_a_late_answer_to_one_increment_is_no_answer_to_the_next(shop: Shop) -> None:
    """The first increment's approval is so late that it was given up and another one asked for meanwhile."""
    payment = await shop.authorise()

    async def give_up_and_ask_again() -> None:
        shop.acquirer._memory.answers.pop(f"{payment.attempts[0].id}.1")
        shop.advance(seconds=PATIENCE_S)
        await shop.sweep()
        shop.acquirer.script.append(Fault.QUESTION_LOST)
        await shop.increment(payment.id, 90_000)

    shop.acquirer.meanwhile = give_up_and_ask_again
    value(await shop.increment(payment.id, 11_000))
    after = await shop.payment(payment.id)
    assert [each.status for each in after.attempts[0].increments] == [
        IncrementStatus.RELEASED,
        IncrementStatus.UNKNOWN,
    ]
    assert after.authorised_minor == 10_000
    await shop.assert_proofs_hold()


async def test_an_enquiry_about_one_attempt_gives_no_other_attempt_up(shop: Shop) -> None:
    """While the sweeper asks about the first attempt, it is answered, and the customer tries another card."""
    payment = await shop.pay(card="pm_card_questionLost")
    shop.advance(seconds=1)
    started = []

    async def resolve_and_try_again() -> None:
        await shop.core.resolve_payment()(shop.scope, payment.id, ACTOR)
        shop.acquirer.dies = ["before"]  # the second attempt's call is still on its way
        with pytest.raises(LineDown):
            await shop.confirm(payment.id)
        started.append((await shop.payment(payment.id)).attempts[-1].id)

    shop.acquirer.meanwhile = resolve_and_try_again
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert [each.status for each in after.attempts] == [AttemptStatus.RELEASED, AttemptStatus.SENT]
    assert after.attempts[-1].id == started[0]


async def test_an_increment_has_as_many_enquiries_as_any_question(shop: Shop) -> None:
    """The authorisation itself was hard to find out; that is nothing to do with the increment."""
    shop.acquirer.script.extend([Fault.ANSWER_LOST] * 8)
    payment = await shop.authorise()
    for _ in range(7):
        shop.advance(minutes=16)
        await shop.sweep()
    shop.acquirer.script.clear()
    shop.advance(minutes=16)
    await shop.sweep()
    payment = await shop.payment(payment.id)
    assert payment.status is PaymentStatus.REQUIRES_CAPTURE
    shop.acquirer.script.extend([Fault.ANSWER_LOST, Fault.ANSWER_LOST])
    await shop.increment(payment.id, 12_000)
    shop.advance(seconds=1)
    await shop.sweep()
    assert (await shop.payment(payment.id)).attempts[0].increments[0].status is IncrementStatus.UNKNOWN
    shop.advance(seconds=2)
    await shop.sweep()
    assert (await shop.payment(payment.id)).attempts[0].increments[0].status is IncrementStatus.APPROVED


async def test_several_attempts_may_each_have_to_be_reversed(shop: Shop) -> None:
    payment = await shop.pay(card="pm_card_questionLost")
    for _ in range(3):
        shop.acquirer.script.extend(
            [None, Fault.QUESTION_LOST]
        )  # never seen; the reversal does not get through
        shop.advance(seconds=1)
        await shop.sweep()
        shop.acquirer.script.clear()
        value(await shop.confirm(payment.id, "pm_card_questionLost"))
    assert len((await shop.payment(payment.id)).attempts) == 4
    await shop.sweep_until_quiet()
    after = await shop.payment(payment.id)
    assert sorted(each.original_request for each in shop.acquirer.reversals.values()) == [
        attempt.id for attempt in after.attempts
    ]
    assert after.due_at is None


async def test_an_open_increment_is_resolved_before_its_authorisation_expires(shop: Shop) -> None:
    payment = await shop.authorise()
    shop.clock.advance(AUTHORISATION_VALID - ANSWER_PATIENCE / 2)
    shop.acquirer.dies = ["after"]
    with pytest.raises(LineDown):
        await shop.increment(payment.id, 12_000)
    shop.clock.advance(ANSWER_PATIENCE / 2)
    assert await shop.sweep() == 0
    shop.clock.advance(ANSWER_PATIENCE / 2)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert after.attempts[0].increments[0].status is IncrementStatus.APPROVED
    assert after.status is PaymentStatus.CANCELED
    assert sorted(each.amount_minor for each in shop.acquirer.reversals.values()) == [12_000]
    await shop.assert_proofs_hold()


async def test_an_approval_that_is_found_too_late_is_let_go_at_once(shop: Shop) -> None:
    shop.acquirer.script.append(Fault.ANSWER_LOST)
    payment = await shop.authorise(10_000)
    shop.clock.advance(AUTHORISATION_VALID)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert (after.status, after.due_at) == (PaymentStatus.CANCELED, None)
    assert [each.amount_minor for each in shop.acquirer.reversals.values()] == [10_000]
    await shop.assert_proofs_hold()


async def test_there_is_nothing_to_resolve_about_what_is_not_there(shop: Shop) -> None:
    payment = await shop.pay()
    missing = type(payment.id)("pi_" + "z" * 24)
    assert await shop.core.resolve_payment()(shop.scope, missing, ACTOR) is None
    assert await shop.core.resolve_payment()(shop.scope, payment.id, ACTOR) == payment


def _reversals(payment):
    return [reversal for attempt in payment.attempts for reversal in attempt.reversals]
