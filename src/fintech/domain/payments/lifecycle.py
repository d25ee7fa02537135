"""The steps of a payment that touch the books or wait for the acquirer: answers, captures, cancellation, the clock.

Each step answers what is `Booked`: the payment as it will be and the transfers that make the books agree with it.
A step is decided again on the fresh payment when somebody else was faster, so none may assume what it saw before.
"""

from datetime import datetime
from typing import Any

from fintech.domain.business_days import sydney_day, trading_day
from fintech.domain.cards import Approved, AuthorisationReply, Decline
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Books, Transfer
from fintech.domain.merchants import Fee, Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import (
    AUTHORISATION_VALID,
    ENQUIRY_DELAYS_S,
    OPEN,
    Attempt,
    AttemptStatus,
    Capture,
    Reversal,
    ReversalReason,
    delay,
)
from fintech.domain.payments.booking import MONEY_POSITION, book_capture, book_hold, book_release
from fintech.domain.payments.payment import (
    BEFORE_CONFIRMATION,
    CAPTURES_MAX,
    Booked,
    CancelReason,
    CaptureMethod,
    Payment,
    PaymentStatus,
)
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    PaymentRefusal,
    TooMany,
    WrongStatus,
)


def answered(
    payment: Payment,
    merchant: Merchant,
    books: Books,
    reply: AuthorisationReply,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[Booked, PaymentRefusal]:
    """Record what the acquirer said to the latest attempt, or that it said nothing.

    Refused as `AlreadyAnswered` when the attempt has its outcome: a late reply is never honoured.
    """
    attempt = payment.attempt
    if attempt is None or attempt.status not in OPEN:
        return Failure(AlreadyAnswered())
    if isinstance(reply, Approved):
        return Success(_approved(payment, attempt, merchant, books, reply, at, changeset))
    if isinstance(reply, Decline):
        declined = evolve(
            attempt, status=AttemptStatus.DECLINED, answered_at=at, decline=reply, next_try_at=None
        )
        status = payment.moved_to(PaymentStatus.REQUIRES_PAYMENT_METHOD)
        return Success(Booked(payment.with_attempt(declined, status=status)))
    unknown = evolve(
        attempt,
        status=AttemptStatus.UNKNOWN,
        next_try_at=at + delay(ENQUIRY_DELAYS_S, attempt.tries),
        tries=attempt.tries + 1,
    )
    return Success(Booked(payment.with_attempt(unknown)))


def enquiries_exhausted(payment: Payment) -> bool:
    """Whether every enquiry has been made and the only thing left is to give up."""
    attempt = payment.attempt
    return attempt is not None and attempt.status in OPEN and attempt.tries > len(ENQUIRY_DELAYS_S)


def given_up(payment: Payment, at: datetime) -> Outcome[Booked, PaymentRefusal]:
    """Nobody will say what became of the attempt: it counts as not made, and the acquirer is told so until it hears."""
    attempt = payment.attempt
    if attempt is None or attempt.status not in OPEN:
        return Failure(AlreadyAnswered())
    released = evolve(
        attempt,
        status=AttemptStatus.RELEASED,
        answered_at=at,
        next_try_at=None,
    ).reversing(attempt.amount_minor, ReversalReason.UNKNOWN_OUTCOME, at)
    status = payment.moved_to(PaymentStatus.REQUIRES_PAYMENT_METHOD)
    return Success(Booked(payment.with_attempt(released, status=status)))


def captured(
    payment: Payment,
    merchant: Merchant,
    books: Books,
    at: datetime,
    changeset: ChangesetId,
    *,
    amount_minor: int | None = None,
    final: bool = True,
) -> Outcome[Booked, PaymentRefusal]:
    """Take an amount of what is held (all of it if none is named); ``final`` lets the rest go."""
    attempt = payment.attempt
    if attempt is None or payment.status is not PaymentStatus.REQUIRES_CAPTURE:
        return Failure(WrongStatus(payment.status, "capture"))
    if attempt.open_increment is not None:
        return Failure(WrongStatus("increment_open", "capture"))
    if attempt.capture_before is not None and at >= attempt.capture_before:
        return Failure(AuthorisationExpired())
    amount = attempt.held_minor if amount_minor is None else amount_minor
    if amount < 1:
        return Failure(AmountTooSmall(1))
    if amount > attempt.held_minor:
        return Failure(AmountTooLarge(attempt.held_minor))
    if len(attempt.captures) >= CAPTURES_MAX:
        return Failure(TooMany("captures", CAPTURES_MAX))
    rest = attempt.held_minor - amount
    ended = final or rest == 0
    taken, transfers = _taken(payment, attempt, merchant, books, amount, at, changeset, 0 if ended else rest)
    if not ended:
        return Success(Booked(payment.with_attempt(evolve(attempt, **taken)), transfers))
    done = evolve(attempt, status=AttemptStatus.CAPTURED, **taken)
    if rest:
        done = done.reversing(rest, ReversalReason.NOT_CAPTURED, at)
    return Success(
        Booked(payment.with_attempt(done, status=payment.moved_to(PaymentStatus.SUCCEEDED)), transfers)
    )


def canceled(
    payment: Payment, books: Books, reason: CancelReason | None, at: datetime, changeset: ChangesetId
) -> Outcome[Booked, PaymentRefusal]:
    """Give the payment up; what is held is released at once, what was captured in parts stays captured."""
    if payment.status in BEFORE_CONFIRMATION:
        status = payment.moved_to(PaymentStatus.CANCELED)
        return Success(Booked(evolve(payment, status=status, canceled_at=at, cancel_reason=reason)))
    attempt = payment.attempt
    if attempt is None or payment.status is not PaymentStatus.REQUIRES_CAPTURE:
        return Failure(WrongStatus(payment.status, "cancel"))
    if attempt.open_increment is not None:
        return Failure(WrongStatus("increment_open", "cancel"))
    expired = reason is CancelReason.AUTOMATIC
    held = attempt.held_minor
    why = ReversalReason.EXPIRED if expired else ReversalReason.CANCELLED
    released = evolve(
        attempt.reversing(held, why, at),
        status=AttemptStatus.CAPTURED if attempt.captures else AttemptStatus.RELEASED,
        holds=(),
    )
    status = PaymentStatus.SUCCEEDED if attempt.captures else PaymentStatus.CANCELED
    after = payment.with_attempt(released, status=payment.moved_to(status))
    if status is PaymentStatus.CANCELED:
        after = evolve(after, canceled_at=at, cancel_reason=reason)
    return Success(Booked(after, book_release(books, attempt, payment.id, changeset, at)))


def reversal_answered(
    payment: Payment, request: str, *, acknowledged: bool, at: datetime
) -> Outcome[Booked, PaymentRefusal]:
    """The acquirer has heard (or not) that an amount is not wanted; ``request`` names the message."""
    due = [reversal.request for attempt in payment.attempts for reversal in attempt.reversals if reversal.due]
    if request not in due:
        return Failure(AlreadyAnswered())

    def after(reversal: Reversal) -> Reversal:
        if reversal.request != request:
            return reversal
        return evolve(reversal, next_try_at=None) if acknowledged else reversal.postponed(at)

    attempts = [
        evolve(attempt, reversals=tuple([after(reversal) for reversal in attempt.reversals]))
        for attempt in payment.attempts
    ]
    return Success(Booked(evolve(payment, attempts=tuple(attempts))))


def _approved(
    payment: Payment,
    attempt: Attempt,
    merchant: Merchant,
    books: Books,
    reply: Approved,
    at: datetime,
    changeset: ChangesetId,
) -> Booked:
    amount = attempt.amount_minor
    approval = {
        "answered_at": at,
        "authorised_minor": amount,
        "reference": reply.reference,
        "auth_code": reply.auth_code,
        "next_try_at": None,
    }
    if payment.capture_method is CaptureMethod.MANUAL:
        expires_at = attempt.sent_at + AUTHORISATION_VALID
        hold, transfers = book_hold(books, payment.id, changeset, amount, at, expires_at)
        approved = evolve(
            attempt, status=AttemptStatus.AUTHORISED, capture_before=expires_at, holds=(hold,), **approval
        )
        status = payment.moved_to(PaymentStatus.REQUIRES_CAPTURE)
        return Booked(payment.with_attempt(approved, status=status), transfers)
    taken, transfers = _taken(payment, attempt, merchant, books, amount, at, changeset, 0)
    paid = evolve(attempt, status=AttemptStatus.CAPTURED, **approval, **taken)
    return Booked(payment.with_attempt(paid, status=payment.moved_to(PaymentStatus.SUCCEEDED)), transfers)


def _taken(
    payment: Payment,
    attempt: Attempt,
    merchant: Merchant,
    books: Books,
    amount_minor: int,
    at: datetime,
    changeset: ChangesetId,
    rest_minor: int,
) -> tuple[dict[str, Any], tuple[Transfer, ...]]:
    """What taking an amount changes of the attempt, and what it books."""
    day = trading_day(at, merchant.cut_off)
    so_far = attempt.captured_minor
    due = merchant.fees.fee(attempt.method.card.scheme, so_far + amount_minor, sydney_day(at))
    paid_fee = sum([capture.fee_minor for capture in attempt.captures])
    paid_tax = sum([capture.tax_minor for capture in attempt.captures])
    # Never less than nothing: the plan or the rate of tax may have fallen since the part before.
    fee_minor = min(max(due.fee_minor - paid_fee, 0), amount_minor)
    fee = Fee(fee_minor, min(max(due.tax_minor - paid_tax, 0), amount_minor - fee_minor))
    holds, transfers = book_capture(
        books,
        attempt,
        payment.id,
        changeset,
        amount_minor=amount_minor,
        fee=fee,
        tax_code=merchant.fees.tax_code,
        day=day,
        at=at,
        rest_minor=rest_minor,
    )
    capture = Capture(
        movement=MovementId.of(changeset, MONEY_POSITION),
        amount_minor=amount_minor,
        fee_minor=fee.fee_minor,
        tax_minor=fee.tax_minor,
        day=day.isoformat(),
        at=at,
    )
    return {"holds": holds, "captures": (*attempt.captures, capture)}, transfers
