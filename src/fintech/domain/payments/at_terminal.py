"""What a terminal can make of a payment, whatever the merchant may do otherwise: facts, which are never refused."""

from datetime import datetime

from fintech.domain.cards import Card
from fintech.domain.ids import ChangesetId, ChargeId, PaymentId
from fintech.domain.ledger import Books
from fintech.domain.money import Currency
from fintech.domain.payment_methods import Method
from fintech.domain.payments.attempt import OPEN, Attempt, AttemptStatus, ReversalReason
from fintech.domain.payments.increments import increment_given_up
from fintech.domain.payments.lifecycle import canceled, given_up
from fintech.domain.payments.payment import Booked, CancelReason, CaptureMethod, Payment, PaymentStatus
from fintech.domain.payments.presentation import Presentation, presented_method_id


def sold_offline(
    *,
    id: PaymentId,
    amount_minor: int,
    currency: Currency,
    at: datetime,
    card: Card,
    presented: Presentation,
) -> Payment:
    """A purchase that the terminal approved itself: the goods are gone, so the intent to be paid for them stands, and
    neither the merchant's standing nor its limits can undo it. The issuer is still to be asked."""
    attempt = Attempt(
        id=ChargeId.of(id, 0),
        method=Method(presented_method_id(id), card),
        amount_minor=amount_minor,
        status=AttemptStatus.SENT,
        sent_at=at,
    )
    return Payment(
        id=id,
        version=0,
        amount_minor=amount_minor,
        currency=currency,
        status=PaymentStatus.PROCESSING,
        capture_method=CaptureMethod.AUTOMATIC,
        created_at=at,
        attempts=(attempt,),
        presented=presented,
    )


def never_to_be(
    *,
    id: PaymentId,
    amount_minor: int,
    currency: Currency,
    at: datetime,
    presented: Presentation,
) -> Payment:
    """A payment that is over before it began: nobody was asked, and nobody will be."""
    return Payment(
        id=id,
        version=0,
        amount_minor=amount_minor,
        currency=currency,
        status=PaymentStatus.CANCELED,
        capture_method=CaptureMethod.AUTOMATIC,
        created_at=at,
        presented=presented,
        canceled_at=at,
        cancel_reason=CancelReason.ABANDONED,
    )


def withdrawn(payment: Payment, books: Books, at: datetime, changeset: ChangesetId) -> Booked | None:
    """The terminal gives up what has not been captured: an open question counts as not asked, a hold is released, and
    the acquirer is told so until it hears. None when there is nothing of the kind."""
    attempt = payment.attempt
    if attempt is None or attempt.status not in OPEN | {AttemptStatus.AUTHORISED}:
        return None
    given = payment
    if attempt.status in OPEN:
        given = given_up(payment, at).unwrap().payment
    elif attempt.open_increment is not None:
        given = increment_given_up(payment, at).unwrap().payment
    return canceled(given, books, CancelReason.ABANDONED, at, changeset).unwrap()


def reversed_at_terminal(payment: Payment) -> bool:
    """Whether its terminal has given it up, so that nobody may be told any more that it was approved."""
    return payment.status is PaymentStatus.CANCELED or any(
        reversal.reason is ReversalReason.TERMINAL
        for attempt in payment.attempts
        for reversal in attempt.reversals
    )
