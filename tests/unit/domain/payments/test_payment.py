"""A payment's life: every status against every verb, and the numbers that never pass each other."""

from collections.abc import Callable
from typing import Any

import pytest

from fintech.domain.cards import Approved, Decline, DeclineCode, Unknown
from fintech.domain.evolving import evolve
from fintech.domain.merchants import Fee, Limits, Merchant, Standing
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.attempt import AttemptStatus
from fintech.domain.payments.increments import increment_answered, increment_sent
from fintech.domain.payments.lifecycle import answered, canceled, captured, given_up
from fintech.domain.payments.payment import (
    ATTEMPTS_MAX,
    TRANSITIONS,
    CaptureMethod,
    Payment,
    PaymentStatus,
    new_payment,
)
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    CurrencyNotSupported,
    MerchantMayNot,
    MerchantReason,
    MethodMissing,
    TooMany,
    WrongStatus,
)
from tests.unit.domain.desk import NO, NOON, Desk, card, merchant

VERBS: dict[str, Callable[[Desk, Payment], Any]] = {
    "update": lambda desk, payment: payment.updated(desk.merchant, amount_minor=2_000),
    "confirm": lambda desk, payment: payment.confirmed(desk.merchant, desk.at, card()),
    "answer": lambda desk, payment: answered(
        payment, desk.merchant, desk.books, Approved(reference="r"), desk.at, desk.changeset()
    ),
    "decline": lambda desk, payment: answered(
        payment, desk.merchant, desk.books, NO, desk.at, desk.changeset()
    ),
    "time_out": lambda desk, payment: answered(
        payment, desk.merchant, desk.books, Unknown("?"), desk.at, desk.changeset()
    ),
    "give_up": lambda desk, payment: given_up(payment, desk.at),
    "capture": lambda desk, payment: captured(
        payment, desk.merchant, desk.books, desk.at, desk.changeset(), amount_minor=100
    ),
    "cancel": lambda desk, payment: canceled(payment, desk.books, None, desk.at, desk.changeset()),
    "increment": lambda desk, payment: increment_sent(payment, desk.merchant, 20_000, desk.at),
    "answer_increment": lambda desk, payment: increment_answered(
        payment, desk.books, Approved(reference="r"), desk.at, desk.changeset()
    ),
    "refund": lambda desk, payment: payment.refunding(1, 100),
}

#: One way to come to each status (and to each state within one that verbs tell apart), and what may be done there.
STAGES: dict[str, tuple[Callable[[Desk], Payment], PaymentStatus, str]] = {
    "new": (lambda desk: desk.new(), PaymentStatus.REQUIRES_PAYMENT_METHOD, "update confirm cancel"),
    "with_method": (
        lambda desk: desk.new(method=card()),
        PaymentStatus.REQUIRES_CONFIRMATION,
        "update confirm cancel",
    ),
    "declined": (
        lambda desk: desk.answer(desk.sent(), NO),
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        "update confirm cancel",
    ),
    "sent": (lambda desk: desk.sent(), PaymentStatus.PROCESSING, "answer decline time_out give_up"),
    "unknown": (
        lambda desk: desk.answer(desk.sent(), Unknown("?")),
        PaymentStatus.PROCESSING,
        "answer decline time_out give_up",
    ),
    "authorised": (
        lambda desk: desk.authorised(),
        PaymentStatus.REQUIRES_CAPTURE,
        "capture cancel increment",
    ),
    "increment_open": (
        lambda desk: desk.increment(desk.authorised(), 15_000),
        PaymentStatus.REQUIRES_CAPTURE,
        "answer_increment",
    ),
    "captured_in_part": (
        lambda desk: desk.capture(desk.authorised(), 4_000, final=False),
        PaymentStatus.REQUIRES_CAPTURE,
        "capture cancel refund",
    ),
    "paid": (lambda desk: desk.paid(), PaymentStatus.SUCCEEDED, "refund"),
    "captured": (lambda desk: desk.capture(desk.authorised()), PaymentStatus.SUCCEEDED, "refund"),
    "cancelled_after_part": (
        lambda desk: desk.cancel(desk.capture(desk.authorised(), 4_000, final=False)),
        PaymentStatus.SUCCEEDED,
        "refund",
    ),
    "cancelled": (lambda desk: desk.cancel(desk.new()), PaymentStatus.CANCELED, ""),
    "voided": (lambda desk: desk.cancel(desk.authorised()), PaymentStatus.CANCELED, ""),
}
NOT_A_STATUS_MATTER = {"answer", "decline", "time_out", "give_up", "answer_increment"}


def stepped(outcome: Any) -> Payment:
    """The payment after a step, whether or not the step touches the books."""
    after = outcome.unwrap()
    payment: Payment = after if isinstance(after, Payment) else after.payment
    return payment


def test_the_stages_are_every_status() -> None:
    assert {status for _, status, _ in STAGES.values()} == set(PaymentStatus) == set(TRANSITIONS)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_verb_at_every_stage_is_done_or_refused(stage: str, verb: str) -> None:
    desk = Desk()
    reach, status, allowed = STAGES[stage]
    payment = reach(desk)
    assert payment.status is status
    outcome = VERBS[verb](desk, payment)
    if verb in allowed.split():
        assert isinstance(outcome, Success)
    elif verb in NOT_A_STATUS_MATTER:
        assert outcome == Failure(AlreadyAnswered())
    else:
        said = "increment_open" if stage == "increment_open" and verb != "update" else status.value
        if stage == "increment_open" and verb in ("confirm", "refund"):
            said = status.value
        assert outcome == Failure(WrongStatus(said, verb))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_step_is_one_of_the_table(stage: str, verb: str) -> None:
    desk = Desk()
    payment = STAGES[stage][0](desk)
    outcome = VERBS[verb](desk, payment)
    if isinstance(outcome, Success):
        after = stepped(outcome)
        assert after.status is payment.status or after.status in TRANSITIONS[payment.status]


def test_every_step_of_the_table_is_taken_by_somebody() -> None:
    taken = set()
    for reach, _, allowed in STAGES.values():
        for verb in allowed.split():
            for final in (True, False):
                desk = Desk()
                payment = reach(desk)
                if verb == "update" and final:
                    outcome: Any = payment.updated(desk.merchant, method=card())
                else:
                    outcome = VERBS[verb](desk, payment)
                after = stepped(outcome)
                taken.add((payment.status, after.status))
    desk = Desk()
    taken.add((PaymentStatus.PROCESSING, desk.answer(desk.sent(manual=True)).status))
    assert {(a, b) for a, b in taken if a is not b} == {
        (a, b) for a, after in TRANSITIONS.items() for b in after
    }


@pytest.mark.parametrize("status", PaymentStatus)
@pytest.mark.parametrize("wanted", PaymentStatus)
def test_a_step_outside_the_table_is_a_bug(status: PaymentStatus, wanted: PaymentStatus) -> None:
    payment = evolve(Desk().new(), status=status)
    if wanted is status or wanted in TRANSITIONS[status]:
        assert payment.moved_to(wanted) is wanted
    else:
        with pytest.raises(AssertionError, match="not a step"):
            payment.moved_to(wanted)


# -- creating


def made(of: Merchant | None = None, **changes: Any) -> Any:
    plain: dict[str, Any] = {
        "id": "pi_1",
        "amount_minor": 1_000,
        "currency": Currency.AUD,
        "at": NOON,
        "capture_method": CaptureMethod.MANUAL,
    }
    return new_payment(of or merchant(), **(plain | changes))


def test_a_new_payment() -> None:
    payment = made(description="Coffee", metadata=(("till", "1"),)).unwrap()
    assert (payment.version, payment.status) == (0, PaymentStatus.REQUIRES_PAYMENT_METHOD)
    assert (payment.amount_minor, payment.capture_method) == (1_000, CaptureMethod.MANUAL)
    assert (payment.description, payment.metadata) == ("Coffee", (("till", "1"),))
    assert (payment.attempt, payment.authorised_minor, payment.captured_minor) == (None, 0, 0)
    assert (payment.capturable_minor, payment.refunded_minor, payment.due_at) == (0, 0, None)
    assert made(method=card()).unwrap().status is PaymentStatus.REQUIRES_CONFIRMATION


@pytest.mark.parametrize(
    ("amount", "refused"),
    [
        (49, AmountTooSmall(50)),
        (0, AmountTooSmall(50)),
        (-1, AmountTooSmall(50)),
        (50, None),
        (2_000, None),
        (2_001, AmountTooLarge(2_000)),
    ],
)
def test_amounts_are_within_the_merchants_limits(amount: int, refused: object) -> None:
    limited = merchant(limits=Limits(payment_min_minor=50, payment_max_minor=2_000))
    for outcome in (
        made(limited, amount_minor=amount),
        made(limited).unwrap().updated(limited, amount_minor=amount),
    ):
        assert outcome == Failure(refused) if refused else isinstance(outcome, Success)


def test_another_currency_than_the_merchants_is_refused() -> None:
    assert made(currency=Currency.NZD) == Failure(CurrencyNotSupported("AUD"))


@pytest.mark.parametrize(
    ("standing", "reason"),
    [(Standing.SUSPENDED, MerchantReason.SUSPENDED), (Standing.CLOSED, MerchantReason.CLOSED)],
)
def test_who_may_not_trade_takes_no_payments(standing: Standing, reason: MerchantReason) -> None:
    stopped = merchant(standing=standing)
    refused = Failure(MerchantMayNot(reason))
    assert made(stopped) == refused
    assert made().unwrap().confirmed(stopped, NOON, card()) == refused
    desk = Desk()
    assert increment_sent(desk.authorised(), stopped, 20_000, NOON) == refused


def test_a_suspended_merchants_books_go_on() -> None:
    desk = Desk()
    payment, other = desk.authorised(), desk.authorised()
    desk.merchant = merchant(standing=Standing.SUSPENDED)
    paid = desk.capture(payment)
    desk.answer_refund(desk.refund(paid, 5_000)[0])
    desk.cancel(other)
    assert desk.settle() is not None


# -- updating


def test_an_update_changes_what_is_given_and_nothing_else() -> None:
    payment = made(description="Coffee", metadata=(("a", "b"),)).unwrap()
    assert payment.updated(merchant()).unwrap() == payment
    after = payment.updated(
        merchant(),
        amount_minor=5_000,
        method=card(),
        capture_method=CaptureMethod.AUTOMATIC,
        description="",
        metadata=(),
    ).unwrap()
    assert (after.amount_minor, after.method, after.capture_method) == (
        5_000,
        card(),
        CaptureMethod.AUTOMATIC,
    )
    assert (after.description, after.metadata) == ("", ())
    assert after.status is PaymentStatus.REQUIRES_CONFIRMATION


@pytest.mark.parametrize("stage", STAGES)
def test_words_may_be_changed_at_any_time(stage: str) -> None:
    desk = Desk()
    payment = STAGES[stage][0](desk)
    after = payment.updated(desk.merchant, description="x", metadata=(("k", "v"),)).unwrap()
    assert (after.description, after.metadata, after.status) == ("x", (("k", "v"),), payment.status)


@pytest.mark.parametrize(
    "terms", [{"amount_minor": 100}, {"method": card()}, {"capture_method": CaptureMethod.MANUAL}]
)
def test_terms_may_not_be_changed_once_somebody_was_asked(terms: dict[str, Any]) -> None:
    desk = Desk()
    assert desk.sent().updated(desk.merchant, **terms) == Failure(WrongStatus("processing", "update"))


# -- confirming


def test_confirming_commits_the_intent_to_ask() -> None:
    desk = Desk()
    payment = desk.new(7_500, method=card()).confirmed(desk.merchant, desk.at).unwrap()
    (attempt,) = payment.attempts
    assert (attempt.id, attempt.method, attempt.amount_minor) == (f"ch_{payment.id[3:]}00", card(), 7_500)
    assert (attempt.status, attempt.sent_at) == (AttemptStatus.SENT, desk.at)
    assert payment.method is None
    assert payment.authorised_minor == payment.captured_minor == payment.capturable_minor == 0


def test_there_must_be_something_to_pay_with() -> None:
    desk = Desk()
    assert desk.new().confirmed(desk.merchant, desk.at) == Failure(MethodMissing())
    declined = desk.answer(desk.sent(), NO)
    assert declined.confirmed(desk.merchant, desk.at) == Failure(MethodMissing())


def test_a_decline_leaves_the_payment_alive_for_another_card() -> None:
    desk = Desk()
    declined = desk.answer(desk.sent(), NO)
    again = desk.commit(desk.changeset(), declined.confirmed(desk.merchant, desk.at, card()).unwrap())
    paid = desk.answer(again)
    assert [attempt.status for attempt in paid.attempts] == [AttemptStatus.DECLINED, AttemptStatus.CAPTURED]
    assert paid.attempts[0].decline == Decline(code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51")
    assert paid.captured_minor == paid.authorised_minor == 10_000


def test_attempts_are_bounded() -> None:
    desk = Desk()
    payment = desk.new()
    for _ in range(ATTEMPTS_MAX):
        sent = desk.commit(desk.changeset(), payment.confirmed(desk.merchant, desk.at, card()).unwrap())
        payment = desk.answer(sent, NO)
    assert payment.confirmed(desk.merchant, desk.at, card()) == Failure(TooMany("attempts", ATTEMPTS_MAX))
    assert payment.updated(desk.merchant, description="gave up").unwrap().description == "gave up"


# -- reserving refunds


def test_refunds_never_pass_what_was_captured() -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(), 4_000, final=False)
    assert payment.refunding(4_001, 100) == Failure(AmountTooLarge(4_000))
    reserved = payment.refunding(3_000, 100).unwrap()
    assert (reserved.refunded_minor, reserved.refunds) == (3_000, 1)
    assert reserved.refunding(1_001, 100) == Failure(AmountTooLarge(1_000))
    assert reserved.refunding(1_000, 100).unwrap().refunded_minor == 4_000
    assert reserved.refunding(0, 100) == Failure(AmountTooSmall(1))
    assert reserved.refunding(-1, 100) == Failure(AmountTooSmall(1))
    assert reserved.refund_undone(3_000).refunding(4_000, 100).unwrap().refunded_minor == 4_000


def test_refunds_are_bounded() -> None:
    payment = evolve(Desk().paid(), refunds=3)
    assert payment.refunding(1, 3) == Failure(TooMany("refunds", 3))
    assert payment.refunding(1, 4).unwrap().refunds == 4


def test_the_fee_that_goes_back_is_counted() -> None:
    payment = Desk().paid().returning(Fee(100, 10)).returning(Fee(1, 2))
    assert payment.fee_returned == Fee(101, 12)
    assert payment.refund_undone(0, Fee(1, 2)).fee_returned == Fee(100, 10)
    assert payment.refund_undone(0).fee_returned == Fee(101, 12)


def test_what_is_due_is_the_earliest_of_all_attempts() -> None:
    desk = Desk()
    lost = desk.answer(desk.sent(), Unknown("?"))
    released = desk.book(desk.changeset(), given_up(lost, desk.at))
    assert released.due_at == desk.at
    desk.advance(hours=1)
    again = released.confirmed(desk.merchant, desk.at, card()).unwrap()
    assert len(again.attempts) == 2
    assert again.due_at == released.due_at
    assert desk.paid().due_at is None
