"""What happens to a payment once the acquirer is asked, and what it does to the books."""

from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import pytest
from attrs import evolve as changed
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Approved, Scheme, Unknown
from fintech.domain.ids import MovementId
from fintech.domain.ledger import Balances
from fintech.domain.merchants import DEFAULT_FEES, Fee, FeePlan, SchemeFee
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.attempt import (
    ANSWER_PATIENCE,
    AUTHORISATION_VALID,
    ENQUIRY_DELAYS_S,
    REVERSAL_DELAYS_S,
    AttemptStatus,
    ReversalReason,
)
from fintech.domain.payments.lifecycle import (
    answered,
    captured,
    enquiries_exhausted,
    given_up,
    reversal_answered,
)
from fintech.domain.payments.payment import CAPTURES_MAX, CancelReason, Payment, PaymentStatus
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    TooMany,
)
from tests.unit.domain.desk import NO, NOON, TODAY, Desk, merchant

FIXED = FeePlan(standard=SchemeFee(rate_bps=175, fixed_minor=30))


def try_capture(desk: Desk, payment: Payment, amount: int | None = None, **more: Any) -> Any:
    return captured(
        payment, desk.merchant, desk.books, desk.at, desk.changeset(), amount_minor=amount, **more
    )


# -- answers


def test_a_yes_to_an_automatic_payment_takes_the_money() -> None:
    desk = Desk()
    paid = desk.paid(10_000)
    attempt = paid.attempts[0]
    assert (paid.status, attempt.status) == (PaymentStatus.SUCCEEDED, AttemptStatus.CAPTURED)
    assert (attempt.reference, attempt.auth_code) == (f"ref_{paid.id}", "123456")
    assert (attempt.authorised_minor, attempt.answered_at, attempt.holds) == (10_000, NOON, ())
    (capture,) = attempt.captures
    assert (capture.amount_minor, capture.fee_minor, capture.tax_minor) == (10_000, 175, 18)
    assert (capture.day, capture.at) == ("2026-11-23", NOON)
    assert desk.balance("scheme_receivable/visa/2026-11-23") == Balances(0, 10_000, 0, 0)
    assert desk.balance("unsettled/2026-11-23") == Balances(0, 193, 0, 10_000)
    assert desk.net("fees/acquiring") == 175
    assert desk.net("gst_payable/gst") == 18
    assert desk.balance("holds") == Balances()
    assert (attempt.due_at, paid.due_at) == (None, None)
    desk.assert_sound()


def test_a_yes_to_a_manual_payment_holds_the_money() -> None:
    desk = Desk()
    held = desk.authorised(10_000)
    attempt = held.attempts[0]
    assert (held.status, attempt.status) == (PaymentStatus.REQUIRES_CAPTURE, AttemptStatus.AUTHORISED)
    assert (held.authorised_minor, held.capturable_minor, held.captured_minor) == (10_000, 10_000, 0)
    assert attempt.capture_before == held.due_at == NOON + AUTHORISATION_VALID
    assert attempt.holds[0].expires_at == attempt.capture_before
    assert desk.balance("holds") == Balances(10_000, 0, 0, 0)
    assert desk.balance("holds_contra") == Balances(0, 0, 10_000, 0)
    assert desk.balance("unsettled/2026-11-23") == Balances()


def test_an_authorisation_is_valid_from_when_it_was_asked_for_and_not_from_when_we_heard() -> None:
    """The issuer counts from its answer, and that may have been lost with its process a day ago."""
    desk = Desk()
    lost = desk.answer(desk.sent(manual=True), Unknown("?"))
    desk.advance(days=1)
    held = desk.answer(lost)
    assert held.attempts[0].capture_before == NOON + AUTHORISATION_VALID
    assert held.attempts[0].holds[0].expires_at == NOON + AUTHORISATION_VALID


def test_a_no_keeps_the_payment_alive() -> None:
    desk = Desk()
    declined = desk.answer(desk.sent(), NO)
    attempt = declined.attempts[0]
    assert (declined.status, attempt.status) == (
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        AttemptStatus.DECLINED,
    )
    assert (attempt.decline, attempt.answered_at, declined.due_at) == (NO, NOON, None)
    assert desk.accounts() == {}


def test_a_lost_call_is_looked_after_when_patience_is_over() -> None:
    assert Desk().sent().due_at == NOON + ANSWER_PATIENCE


def test_no_answer_is_neither_yes_nor_no_and_is_asked_about_less_and_less_often() -> None:
    desk = Desk()
    payment = desk.sent()
    waits = []
    while not enquiries_exhausted(payment):
        payment = desk.answer(payment, Unknown("?"))
        assert (payment.status, payment.attempts[0].status) == (
            PaymentStatus.PROCESSING,
            AttemptStatus.UNKNOWN,
        )
        assert payment.due_at is not None
        waits.append(int((payment.due_at - desk.at).total_seconds()))
        desk.at = payment.due_at
    assert waits == [*ENQUIRY_DELAYS_S, ENQUIRY_DELAYS_S[-1]]
    assert desk.accounts() == {}


@pytest.mark.parametrize("manual", [True, False])
@pytest.mark.parametrize("asked", [0, 1, 5])
def test_an_enquiry_that_finds_a_yes_is_as_good_as_the_answer(manual: bool, asked: int) -> None:
    desk = Desk()
    payment = desk.sent(manual=manual)
    for _ in range(asked):
        payment = desk.answer(payment, Unknown("?"))
    payment = desk.answer(payment)
    assert payment.authorised_minor == 10_000
    assert payment.attempts[0].next_try_at is None
    desk.assert_sound()


def test_who_is_given_up_is_reversed_until_it_is_acknowledged() -> None:
    desk = Desk()
    lost = desk.answer(desk.sent(), Unknown("?"))
    payment = desk.book(desk.changeset(), given_up(lost, desk.at))
    attempt = payment.attempts[0]
    assert (payment.status, attempt.status) == (
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        AttemptStatus.RELEASED,
    )
    (reversal,) = attempt.reversals
    assert (reversal.amount_minor, reversal.reason) == (10_000, ReversalReason.UNKNOWN_OUTCOME)
    assert (reversal.original, reversal.request) == (attempt.id, f"{attempt.id}.reversal1")
    assert payment.due_at == desk.at
    waits = []
    for _ in range(len(REVERSAL_DELAYS_S) + 2):
        payment = desk.book(
            desk.changeset(), reversal_answered(payment, reversal.request, acknowledged=False, at=desk.at)
        )
        assert payment.due_at is not None
        waits.append(int((payment.due_at - desk.at).total_seconds()))
        desk.at = payment.due_at
    assert waits == [*REVERSAL_DELAYS_S, REVERSAL_DELAYS_S[-1], REVERSAL_DELAYS_S[-1]]
    payment = desk.book(
        desk.changeset(), reversal_answered(payment, reversal.request, acknowledged=True, at=desk.at)
    )
    assert payment.due_at is None
    again = reversal_answered(payment, reversal.request, acknowledged=False, at=desk.at)
    assert again == Failure(AlreadyAnswered())
    assert reversal_answered(payment, "another", acknowledged=True, at=desk.at) == Failure(AlreadyAnswered())


@pytest.mark.parametrize(
    "reply", [Approved(reference="late"), NO, Unknown("late")], ids=["yes", "no", "unknown"]
)
def test_a_late_answer_is_never_honoured(reply: Any) -> None:
    desk = Desk()
    over = [
        desk.paid(),
        desk.authorised(),
        desk.answer(desk.sent(), NO),
        desk.book(desk.changeset(), given_up(desk.sent(), desk.at)),
        desk.cancel(desk.authorised()),
        desk.new(),
    ]
    for payment in over:
        late = answered(payment, desk.merchant, desk.books, reply, desk.at, desk.changeset())
        assert late == Failure(AlreadyAnswered())
        assert given_up(payment, desk.at) == Failure(AlreadyAnswered())


# -- captures


def test_capturing_all_voids_the_hold_and_books_the_money() -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000))
    assert (payment.status, payment.captured_minor) == (PaymentStatus.SUCCEEDED, 10_000)
    assert payment.attempts[0].status is AttemptStatus.CAPTURED
    assert payment.attempts[0].reversals == ()
    assert payment.due_at is None
    assert desk.balance("holds") == Balances()
    assert desk.net("unsettled/2026-11-23") == 10_000 - 193
    desk.assert_sound()


def test_a_final_capture_of_a_part_lets_the_rest_go() -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000), 6_000)
    attempt = payment.attempts[0]
    assert (payment.status, payment.captured_minor, payment.capturable_minor) == (
        PaymentStatus.SUCCEEDED,
        6_000,
        0,
    )
    (reversal,) = attempt.reversals
    assert (reversal.amount_minor, reversal.reason) == (4_000, ReversalReason.NOT_CAPTURED)
    assert payment.due_at == desk.at
    assert desk.balance("holds") == Balances()
    desk.assert_sound()


def test_capturing_in_parts_holds_the_rest_as_long_as_before() -> None:
    desk = Desk()
    payment = desk.authorised(10_000)
    until = payment.attempts[0].capture_before
    desk.advance(days=1)
    payment = desk.capture(payment, 6_000, final=False)
    assert (payment.status, payment.captured_minor, payment.capturable_minor) == (
        PaymentStatus.REQUIRES_CAPTURE,
        6_000,
        4_000,
    )
    (hold,) = payment.attempts[0].holds
    assert (hold.expires_at, payment.due_at) == (until, until)
    assert desk.balance("holds") == Balances(4_000, 0, 0, 0)
    desk.advance(days=1)
    payment = desk.capture(payment, 4_000, final=False)
    assert payment.status is PaymentStatus.SUCCEEDED  # nothing is left, so that was the last
    assert payment.attempts[0].reversals == ()
    assert [capture.day for capture in payment.attempts[0].captures] == ["2026-11-24", "2026-11-25"]
    assert desk.net("unsettled/2026-11-24") + desk.net("unsettled/2026-11-25") == 10_000 - 193
    assert desk.net("scheme_receivable/visa/2026-11-24") == 6_000
    assert desk.balance("holds") == Balances()
    desk.assert_sound()


@pytest.mark.parametrize(
    ("amount", "refused"),
    [
        (10_001, AmountTooLarge(10_000)),
        (0, AmountTooSmall(1)),
        (-5, AmountTooSmall(1)),
    ],
)
def test_more_than_is_held_and_less_than_a_cent_cannot_be_captured(amount: int, refused: Any) -> None:
    desk = Desk()
    assert try_capture(desk, desk.authorised(10_000), amount) == Failure(refused)


def test_what_was_captured_before_cannot_be_captured_again() -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000), 6_000, final=False)
    assert try_capture(desk, payment, 4_001) == Failure(AmountTooLarge(4_000))
    assert desk.capture(payment).captured_minor == 10_000


def test_an_authorisation_cannot_be_captured_from_the_moment_it_expires() -> None:
    desk = Desk()
    payment = desk.authorised()
    desk.at = NOON + AUTHORISATION_VALID - timedelta(microseconds=1)
    assert isinstance(try_capture(desk, payment), Success)
    desk.at = NOON + AUTHORISATION_VALID
    assert try_capture(desk, payment) == Failure(AuthorisationExpired())


def test_captures_are_bounded() -> None:
    desk = Desk()
    payment = desk.authorised(10_000)
    for _ in range(CAPTURES_MAX):
        payment = desk.capture(payment, 100, final=False)
    assert try_capture(desk, payment, 100) == Failure(TooMany("captures", CAPTURES_MAX))
    assert desk.cancel(payment).captured_minor == 100 * CAPTURES_MAX


# -- fees of parts


@given(st.lists(st.integers(100, 50_000), min_size=1, max_size=12))
def test_parts_cost_in_all_what_one_capture_would(parts: list[int]) -> None:
    desk = Desk(fees=FIXED)
    payment = desk.authorised(sum(parts))
    for part in parts:
        payment = desk.capture(payment, part, final=False)
    whole = FIXED.fee(Scheme.VISA, sum(parts), TODAY)
    captures = payment.attempts[0].captures
    assert sum(capture.fee_minor for capture in captures) == whole.fee_minor == desk.net("fees/acquiring")
    assert sum(capture.tax_minor for capture in captures) == whole.tax_minor == desk.net("gst_payable/gst")
    desk.assert_sound()


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(0, 1_000), st.integers(0, 100))
def test_the_fee_of_the_smallest_part_is_never_more_than_the_part(
    parts: list[int], rate_bps: int, fixed_minor: int
) -> None:
    plan = FeePlan(standard=SchemeFee(rate_bps=rate_bps, fixed_minor=fixed_minor))
    desk = Desk(fees=plan)
    desk.merchant = merchant(fees=plan, limits=changed(desk.merchant.limits, payment_min_minor=1))
    payment = desk.authorised(sum(parts))
    for part in parts:
        payment = desk.capture(payment, part, final=False)
    captures = payment.attempts[0].captures
    for capture, so_far in zip(captures, accumulate(parts), strict=True):
        assert 0 <= capture.fee_minor + capture.tax_minor <= capture.amount_minor
        assert min(capture.fee_minor, capture.tax_minor) >= 0
        assert so_far <= sum(parts)
    whole = plan.fee(Scheme.VISA, sum(parts), TODAY)
    paid = sum(capture.fee_minor + capture.tax_minor for capture in captures)
    assert whole.total_minor - 2 <= paid <= whole.total_minor  # a last part of a cent cannot pay two
    desk.assert_sound()


@pytest.mark.parametrize(
    "cheaper",
    [
        FeePlan(standard=SchemeFee(rate_bps=0, fixed_minor=0)),
        FeePlan(standard=SchemeFee(rate_bps=50, fixed_minor=0)),
        FeePlan(standard=SchemeFee(rate_bps=175, fixed_minor=0)),
    ],
)
def test_a_part_captured_after_fees_fell_costs_nothing_rather_than_less(cheaper: FeePlan) -> None:
    desk = Desk(fees=FIXED)
    payment = desk.capture(desk.authorised(10_000), 9_000, final=False)
    desk.merchant = merchant(fees=cheaper)
    payment = desk.capture(payment)
    first, second = payment.attempts[0].captures
    assert (second.fee_minor, second.tax_minor) == (0, 0)
    assert desk.net("fees/acquiring") == first.fee_minor
    desk.assert_sound()


def test_fees_are_counted_by_scheme() -> None:
    desk = Desk()
    desk.paid(10_000, scheme=Scheme.AMEX)
    assert desk.net("fees/acquiring") == 220
    assert desk.net("scheme_receivable/amex/2026-11-23") == 10_000


# -- giving up and the clock


def test_cancelling_releases_the_hold_at_once_and_owes_a_reversal() -> None:
    desk = Desk()
    payment = desk.cancel(desk.authorised(10_000), CancelReason.DUPLICATE)
    attempt = payment.attempts[0]
    assert (payment.status, payment.cancel_reason, payment.canceled_at) == (
        PaymentStatus.CANCELED,
        CancelReason.DUPLICATE,
        NOON,
    )
    assert (attempt.status, attempt.holds) == (AttemptStatus.RELEASED, ())
    assert [(each.amount_minor, each.reason) for each in attempt.reversals] == [
        (10_000, ReversalReason.CANCELLED)
    ]
    assert desk.balance("holds") == Balances()
    assert payment.due_at == desk.at


def test_what_the_clock_cancels_says_so() -> None:
    desk = Desk()
    payment = desk.cancel(desk.authorised(10_000), CancelReason.AUTOMATIC)
    assert payment.attempts[0].reversals[0].reason is ReversalReason.EXPIRED


def test_cancelling_before_anybody_was_asked_books_nothing() -> None:
    desk = Desk()
    payment = desk.cancel(desk.new(), CancelReason.ABANDONED)
    assert (payment.status, payment.canceled_at, payment.due_at) == (PaymentStatus.CANCELED, NOON, None)
    assert desk.accounts() == {}


def test_cancelling_after_a_part_was_captured_keeps_the_part() -> None:
    desk = Desk()
    payment = desk.cancel(desk.capture(desk.authorised(10_000), 6_000, final=False))
    attempt = payment.attempts[0]
    assert (payment.status, payment.canceled_at, payment.cancel_reason) == (
        PaymentStatus.SUCCEEDED,
        None,
        None,
    )
    assert (attempt.status, payment.captured_minor) == (AttemptStatus.CAPTURED, 6_000)
    assert [each.amount_minor for each in attempt.reversals] == [4_000]
    assert desk.balance("holds") == Balances()
    assert desk.net("unsettled/2026-11-23") == 6_000 - 105 - 11
    desk.assert_sound()


def test_a_payment_with_a_reversal_to_come_may_still_be_cancelled() -> None:
    desk = Desk()
    payment = desk.book(desk.changeset(), given_up(desk.sent(), desk.at))
    canceled = desk.cancel(payment)
    assert canceled.due_at == desk.at
    assert canceled.attempts[0].reversals == payment.attempts[0].reversals


def test_money_and_holds_are_movements_of_their_own() -> None:
    desk = Desk()
    held = desk.authorised()
    changeset = desk.changeset()
    booked = captured(
        held, desk.merchant, desk.books, desk.at, changeset, amount_minor=6_000, final=False
    ).unwrap()
    money, holds = MovementId.of(changeset, 0), MovementId.of(changeset, 1)
    assert [(leg.id.movement_id, leg.kind.value) for leg in booked.transfers] == [
        (holds, "hold"),
        (holds, "hold"),
        (money, "capture"),
        (money, "acquiring_fee"),
        (money, "fee_tax"),
    ]
    assert booked.payment.attempts[0].captures[0].movement == money
    assert {leg.source for leg in booked.transfers} == {held.id}


def test_the_day_is_sydneys() -> None:
    desk = Desk(at=NOON + timedelta(hours=12))  # one in the night there
    payment = desk.paid()
    assert payment.attempts[0].captures[0].day == date(2026, 11, 24).isoformat()
    assert desk.net("unsettled/2026-11-24") == 10_000 - 193


def test_nothing_costs_nothing() -> None:
    desk = Desk(fees=changed(DEFAULT_FEES, standard=SchemeFee(rate_bps=0, fixed_minor=0)))
    payment = desk.paid(10_000)
    assert (payment.attempts[0].captures[0].fee_minor, desk.net("unsettled/2026-11-23")) == (0, 10_000)
    assert Fee(0, 0).total_minor == 0
