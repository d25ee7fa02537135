"""Asking for more than was authorised."""

from datetime import timedelta
from typing import Any

import pytest

from fintech.domain.cards import Approved, Unknown
from fintech.domain.ledger import Balances
from fintech.domain.merchants import Limits
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.attempt import (
    AUTHORISATION_VALID,
    ENQUIRY_DELAYS_S,
    IncrementStatus,
    ReversalReason,
)
from fintech.domain.payments.increments import (
    increment_answered,
    increment_exhausted,
    increment_given_up,
    increment_sent,
)
from fintech.domain.payments.lifecycle import enquiries_exhausted
from fintech.domain.payments.payment import INCREMENTS_MAX, PaymentStatus
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    TooMany,
    WrongStatus,
)
from tests.unit.domain.desk import NO, NOON, Desk, merchant


def give_up(desk: Desk, payment: Any) -> Any:
    return desk.book(desk.changeset(), increment_given_up(payment, desk.at))


def test_the_intent_holds_nothing_yet() -> None:
    desk = Desk()
    payment = desk.increment(desk.authorised(10_000), 12_500)
    (increment,) = payment.attempts[0].increments
    assert (increment.number, increment.amount_minor, increment.status, increment.sent_at) == (
        1,
        2_500,
        IncrementStatus.SENT,
        NOON,
    )
    assert (payment.authorised_minor, payment.amount_minor) == (10_000, 10_000)
    assert desk.balance("holds").debits_pending == 10_000


def test_a_yes_is_a_further_hold_until_the_same_moment() -> None:
    desk = Desk()
    payment = desk.authorised(10_000)
    desk.advance(days=2)
    payment = desk.answer_increment(desk.increment(payment, 12_500))
    attempt = payment.attempts[0]
    assert (payment.authorised_minor, payment.amount_minor, payment.capturable_minor) == (
        12_500,
        12_500,
        12_500,
    )
    assert [hold.amount_minor for hold in attempt.holds] == [10_000, 2_500]
    assert {hold.expires_at for hold in attempt.holds} == {NOON + AUTHORISATION_VALID}
    assert attempt.increments[0].status is IncrementStatus.APPROVED
    assert desk.balance("holds") == Balances(12_500, 0, 0, 0)
    assert payment.due_at == NOON + AUTHORISATION_VALID


def test_all_holds_are_captured_together() -> None:
    desk = Desk()
    payment = desk.answer_increment(desk.increment(desk.authorised(10_000), 12_500))
    payment = desk.capture(payment, 11_000, final=False)
    assert [hold.amount_minor for hold in payment.attempts[0].holds] == [1_500]
    assert desk.balance("holds") == Balances(1_500, 0, 0, 0)
    desk.cancel(payment)
    assert desk.balance("holds") == Balances()


@pytest.mark.parametrize("reply", [NO, Unknown("?")], ids=["no", "unknown"])
def test_anything_but_a_yes_changes_no_amount(reply: Any) -> None:
    desk = Desk()
    payment = desk.answer_increment(desk.increment(desk.authorised(10_000), 12_500), reply)
    assert (payment.authorised_minor, payment.amount_minor) == (10_000, 10_000)
    assert payment.status is PaymentStatus.REQUIRES_CAPTURE
    assert desk.balance("holds").debits_pending == 10_000


def test_after_a_no_more_may_be_asked_for() -> None:
    desk = Desk()
    payment = desk.answer_increment(desk.increment(desk.authorised(10_000), 12_500), NO)
    (increment,) = payment.attempts[0].increments
    assert (increment.status, increment.decline) == (IncrementStatus.DECLINED, NO)
    assert payment.attempts[0].decline is None
    again = desk.answer_increment(desk.increment(payment, 11_000))
    assert [increment.number for increment in again.attempts[0].increments] == [1, 2]
    assert again.authorised_minor == 11_000
    assert desk.capture(again).captured_minor == 11_000


@pytest.mark.parametrize(
    ("amount", "refused"),
    [
        (10_000, AmountTooSmall(10_001)),
        (9_999, AmountTooSmall(10_001)),
        (-1, AmountTooSmall(10_001)),
        (10_001, None),
        (20_000, None),
        (20_001, AmountTooLarge(20_000)),
    ],
)
def test_the_new_total_is_more_than_the_old_and_within_limits(amount: int, refused: Any) -> None:
    desk = Desk(limits=Limits(payment_max_minor=20_000))
    outcome = increment_sent(desk.authorised(10_000), desk.merchant, amount, desk.at)
    assert outcome == Failure(refused) if refused else isinstance(outcome, Success)


def test_one_question_at_a_time() -> None:
    desk = Desk()
    payment = desk.increment(desk.authorised(), 12_000)
    refused = Failure(WrongStatus("increment_open", "increment"))
    assert increment_sent(payment, desk.merchant, 13_000, desk.at) == refused
    lost = desk.answer_increment(payment, Unknown("?"))
    assert increment_sent(lost, desk.merchant, 13_000, desk.at) == refused


def test_nothing_is_asked_about_an_authorisation_that_has_expired() -> None:
    desk = Desk()
    payment = desk.authorised()
    at = NOON + AUTHORISATION_VALID
    assert increment_sent(payment, desk.merchant, 12_000, at) == Failure(AuthorisationExpired())
    assert isinstance(increment_sent(payment, desk.merchant, 12_000, at - timedelta(microseconds=1)), Success)


def test_increments_are_bounded() -> None:
    desk = Desk()
    payment = desk.authorised(10_000)
    for number in range(INCREMENTS_MAX):
        payment = desk.answer_increment(desk.increment(payment, 10_001 + number), [NO, None][number % 2])
    refused = Failure(TooMany("increments", INCREMENTS_MAX))
    assert increment_sent(payment, desk.merchant, 50_000, desk.at) == refused
    assert desk.capture(payment).captured_minor == payment.authorised_minor


def test_an_unknown_increment_is_asked_about_less_and_less_often() -> None:
    desk = Desk()
    payment = desk.increment(desk.authorised(), 12_000)
    waits = []
    while not increment_exhausted(payment):
        payment = desk.answer_increment(payment, Unknown("?"))
        assert payment.due_at is not None
        waits.append(int((payment.due_at - desk.at).total_seconds()))
        desk.at = payment.due_at
    assert waits == [*ENQUIRY_DELAYS_S, ENQUIRY_DELAYS_S[-1]]
    assert not enquiries_exhausted(payment)


def test_what_is_given_up_counts_as_not_made_and_its_own_amount_is_reversed() -> None:
    desk = Desk()
    payment = give_up(desk, desk.increment(desk.authorised(10_000), 12_500))
    attempt = payment.attempts[0]
    assert attempt.increments[0].status is IncrementStatus.RELEASED
    assert payment.authorised_minor == 10_000
    assert [(each.amount_minor, each.reason, each.original) for each in attempt.reversals] == [
        (2_500, ReversalReason.UNKNOWN_OUTCOME, f"{attempt.id}.1")
    ]
    assert payment.due_at == desk.at


def test_a_given_up_increment_and_a_final_part_are_two_reversals() -> None:
    desk = Desk()
    payment = give_up(desk, desk.increment(desk.authorised(10_000), 12_500))
    payment = desk.capture(payment, 7_000)
    attempt = payment.attempts[0]
    assert [(each.amount_minor, each.original) for each in attempt.reversals] == [
        (2_500, f"{attempt.id}.1"),
        (3_000, attempt.id),
    ]


@pytest.mark.parametrize(
    "reply", [Approved(reference="late"), NO, Unknown("late")], ids=["yes", "no", "unknown"]
)
def test_a_late_answer_is_never_honoured(reply: Any) -> None:
    desk = Desk()
    asked = [desk.increment(desk.authorised(), 12_000) for _ in range(3)]
    over = [
        desk.answer_increment(asked[0]),
        desk.answer_increment(asked[1], NO),
        give_up(desk, asked[2]),
        desk.authorised(),
        desk.paid(),
        desk.new(),
    ]
    for payment in over:
        late = increment_answered(payment, desk.books, reply, desk.at, desk.changeset())
        assert late == Failure(AlreadyAnswered())
        assert increment_given_up(payment, desk.at) == Failure(AlreadyAnswered())
        assert not increment_exhausted(payment)


def test_a_suspended_merchant_raises_nothing_but_may_still_capture() -> None:
    desk = Desk()
    payment = desk.authorised()
    desk.merchant = merchant(standing=desk.merchant.standing.SUSPENDED)
    assert isinstance(increment_sent(payment, desk.merchant, 12_000, desk.at), Failure)
    assert desk.capture(payment).status is PaymentStatus.SUCCEEDED
