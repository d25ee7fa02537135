"""What a terminal can make of a payment."""

import pytest

from fintech.domain.cards import Unknown
from fintech.domain.ids import ChargeId, LocationId, PaymentId, TerminalId
from fintech.domain.money import Currency
from fintech.domain.payments.at_terminal import never_to_be, reversed_at_terminal, sold_offline, withdrawn
from fintech.domain.payments.attempt import AttemptStatus, ReversalReason
from fintech.domain.payments.payment import CancelReason, Payment, PaymentStatus
from fintech.domain.payments.presentation import (
    Presentation,
    payment_of_presented,
    presented_method_id,
)
from tests.unit.domain.desk import NO, NOON, Desk, card

PRESENTED = Presentation(
    terminal=TerminalId("tmr_" + "0" * 24),
    location=LocationId("tml_" + "0" * 24),
    entry_mode="051",
    stan="000001",
    reference="632701000001",
)
ID = PaymentId("pi_" + "1" * 24)


def withdraw(desk: Desk, payment: Payment) -> Payment | None:
    id = desk.changeset()
    booked = withdrawn(payment, desk.books, desk.at, id)
    return desk.commit(id, booked.payment, transfers=booked.transfers) if booked else None


def test_a_card_that_was_presented_is_called_after_its_payment() -> None:
    method = presented_method_id(ID)
    assert method == "pm_" + "1" * 24
    assert payment_of_presented(method) == ID


def test_a_purchase_off_line_is_an_intent_that_stands() -> None:
    payment = sold_offline(
        id=ID, amount_minor=1, currency=Currency.AUD, at=NOON, card=card().card, presented=PRESENTED
    )
    (attempt,) = payment.attempts
    assert (payment.status, attempt.status) == (PaymentStatus.PROCESSING, AttemptStatus.SENT)
    assert (attempt.id, attempt.method.id) == (ChargeId.of(ID, 0), presented_method_id(ID))
    desk = Desk()
    assert desk.answer(desk.commit(desk.changeset(), payment)).captured_minor == 1


def test_what_is_never_to_be_is_over() -> None:
    payment = never_to_be(id=ID, amount_minor=1, currency=Currency.AUD, at=NOON, presented=PRESENTED)
    assert (payment.status, payment.cancel_reason) == (PaymentStatus.CANCELED, CancelReason.ABANDONED)
    assert payment.due_at is None
    assert withdraw(Desk(), payment) is None


@pytest.mark.parametrize("unknown", [False, True])
def test_an_open_question_counts_as_not_asked_and_the_acquirer_is_told_so(unknown: bool) -> None:
    desk = Desk()
    payment = desk.sent()
    if unknown:
        payment = desk.answer(payment, Unknown("cut off"))
    given = withdraw(desk, payment)
    assert given is not None
    assert given.status is PaymentStatus.CANCELED
    assert given.attempts[0].status is AttemptStatus.RELEASED
    assert [each.reason for each in given.attempts[0].reversals] == [ReversalReason.UNKNOWN_OUTCOME]
    assert reversed_at_terminal(given)


def test_a_hold_is_released() -> None:
    desk = Desk()
    given = withdraw(desk, desk.authorised())
    assert given is not None
    assert (given.status, given.capturable_minor) == (PaymentStatus.CANCELED, 0)
    assert desk.balance("holds").debits_pending == 0
    desk.assert_sound()


def test_a_hold_with_an_open_increment_is_released_with_it() -> None:
    desk = Desk()
    given = withdraw(desk, desk.increment(desk.authorised(10_000), 12_000))
    assert given is not None
    assert given.status is PaymentStatus.CANCELED
    assert len(given.attempts[0].reversals) == 2
    desk.assert_sound()


def test_of_what_was_captured_in_part_the_hold_is_released_only() -> None:
    desk = Desk()
    given = withdraw(desk, desk.capture(desk.authorised(10_000), 4_000, final=False))
    assert given is not None
    assert (given.status, given.captured_minor) == (PaymentStatus.SUCCEEDED, 4_000)
    assert not reversed_at_terminal(given)


def test_what_is_captured_or_declined_is_not_withdrawn() -> None:
    desk = Desk()
    assert withdraw(desk, desk.paid()) is None
    assert withdraw(desk, desk.answer(desk.sent(), NO)) is None
    assert withdraw(desk, desk.new()) is None
