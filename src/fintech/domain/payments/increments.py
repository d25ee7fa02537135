"""Asking for more than was authorised: a hotel bar, a longer ride. Intent first, then the call, then the outcome."""

from datetime import datetime

from fintech.domain.cards import Approved, AuthorisationReply, Decline
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId
from fintech.domain.ledger import Books, Transfer
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import (
    ENQUIRY_DELAYS_S,
    Attempt,
    Increment,
    IncrementStatus,
    ReversalReason,
    delay,
)
from fintech.domain.payments.booking import book_hold
from fintech.domain.payments.payment import INCREMENTS_MAX, Booked, Payment, PaymentStatus, may_trade
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    PaymentRefusal,
    TooMany,
    WrongStatus,
)


def increment_sent(
    payment: Payment, merchant: Merchant, amount_minor: int, at: datetime
) -> Outcome[Payment, PaymentRefusal]:
    """The intent to raise the authorisation to a new total of ``amount_minor``."""
    attempt = payment.attempt
    if attempt is None or payment.status is not PaymentStatus.REQUIRES_CAPTURE or attempt.captures:
        return Failure(WrongStatus(payment.status, "increment"))
    if attempt.open_increment is not None:
        return Failure(WrongStatus("increment_open", "increment"))
    if (refused := may_trade(merchant)) is not None:
        return Failure(refused)
    if attempt.capture_before is not None and at >= attempt.capture_before:
        return Failure(AuthorisationExpired())
    if amount_minor <= attempt.authorised_minor:
        return Failure(AmountTooSmall(attempt.authorised_minor + 1))
    if amount_minor > merchant.limits.payment_max_minor:
        return Failure(AmountTooLarge(merchant.limits.payment_max_minor))
    if len(attempt.increments) >= INCREMENTS_MAX:
        return Failure(TooMany("increments", INCREMENTS_MAX))
    increment = Increment(
        number=len(attempt.increments) + 1,
        amount_minor=amount_minor - attempt.authorised_minor,
        status=IncrementStatus.SENT,
        sent_at=at,
    )
    return Success(payment.with_attempt(evolve(attempt, increments=(*attempt.increments, increment))))


def increment_answered(
    payment: Payment, books: Books, reply: AuthorisationReply, at: datetime, changeset: ChangesetId
) -> Outcome[Booked, PaymentRefusal]:
    """Record what the acquirer said: a further hold, a no that changes nothing, or that nobody knows."""
    attempt = payment.attempt
    increment = attempt.open_increment if attempt else None
    if attempt is None or increment is None:
        return Failure(AlreadyAnswered())
    if isinstance(reply, Approved):
        return Success(_raised(payment, attempt, increment, books, at, changeset))
    if isinstance(reply, Decline):
        declined = evolve(increment, status=IncrementStatus.DECLINED, decline=reply, next_try_at=None)
        return Success(Booked(payment.with_attempt(_replaced(attempt, declined))))
    unknown = evolve(
        increment,
        status=IncrementStatus.UNKNOWN,
        next_try_at=at + delay(ENQUIRY_DELAYS_S, increment.tries),
        tries=increment.tries + 1,
    )
    return Success(Booked(payment.with_attempt(_replaced(attempt, unknown))))


def increment_exhausted(payment: Payment) -> bool:
    """Whether every enquiry about the open increment has been made."""
    increment = payment.attempt.open_increment if payment.attempt else None
    return increment is not None and increment.tries > len(ENQUIRY_DELAYS_S)


def increment_given_up(payment: Payment, at: datetime) -> Outcome[Booked, PaymentRefusal]:
    """Nobody will say: the increment counts as not made, and its amount is reversed."""
    attempt = payment.attempt
    increment = attempt.open_increment if attempt else None
    if attempt is None or increment is None:
        return Failure(AlreadyAnswered())
    released = _replaced(attempt, evolve(increment, status=IncrementStatus.RELEASED, next_try_at=None))
    reversing = released.reversing(
        increment.amount_minor, ReversalReason.UNKNOWN_OUTCOME, at, original=attempt.question_of(increment)
    )
    return Success(Booked(payment.with_attempt(reversing)))


def _raised(
    payment: Payment,
    attempt: Attempt,
    increment: Increment,
    books: Books,
    at: datetime,
    changeset: ChangesetId,
) -> Booked:
    expires_at = attempt.capture_before or at
    transfers: tuple[Transfer, ...]
    hold, transfers = book_hold(books, payment.id, changeset, increment.amount_minor, at, expires_at)
    approved = evolve(increment, status=IncrementStatus.APPROVED, next_try_at=None)
    raised = evolve(
        _replaced(attempt, approved),
        authorised_minor=attempt.authorised_minor + increment.amount_minor,
        holds=(*attempt.holds, hold),
    )
    total = raised.authorised_minor
    return Booked(evolve(payment.with_attempt(raised), amount_minor=total), transfers)


def _replaced(attempt: Attempt, increment: Increment) -> Attempt:
    return evolve(attempt, increments=(*attempt.increments[:-1], increment))
