"""The steps of a payout after it was made: sent, answered, paid, sent back, cancelled, reversed.

A bank's answer and its notices are facts: they are booked whatever became of the merchant meanwhile. Nothing fails by
itself: a payout that nobody knows about stays in transit, and the bank is asked until it says.
"""

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from fintech.domain.chart import Bucket
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, PayoutId
from fintech.domain.ledger import AccountId, Books, TransferKind
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import ANSWER_PATIENCE, delay
from fintech.domain.payouts.booking import (
    book_back,
    book_paid,
    book_quota_back,
    book_reversal,
)
from fintech.domain.payouts.making import BookedPayout
from fintech.domain.payouts.payout import OPEN, Payout, PayoutFailure, PayoutStatus
from fintech.domain.payouts.refusals import NotReversible, PayoutWrongStatus
from fintech.domain.payouts.replies import Accepted, EnquiryReply, NeverSeen, Paid, Rejected, Unknown

#: An open payout is asked about until somebody answers; the last delay repeats.
ENQUIRY_DELAYS_S: Final = (1, 2, 5, 15, 60, 300, 900, 3600)
#: How long after the expected arrival the bank is asked, when it has not said by itself that the money is there.
NOTICE_PATIENCE: Final = timedelta(hours=1)

_ASKED: Final = OPEN - {PayoutStatus.PENDING}


def advance_account(books: Books) -> AccountId:
    """The account whose balance `payout_answered`, `payout_returned` and `payout_canceled` decide on: what is owed on
    it is their ``advanced_minor``."""
    return books.account(Bucket.ADVANCE.value)


def payout_sent(payout: Payout, at: datetime) -> Outcome[Payout, PayoutWrongStatus]:
    """The bank's window has come: the intent to ask it."""
    if payout.status is not PayoutStatus.PENDING:
        return Failure(PayoutWrongStatus(payout.status, "send"))
    return Success(
        evolve(
            payout,
            status=payout.moved_to(PayoutStatus.SENT),
            sent_at=at,
            next_try_at=at + ANSWER_PATIENCE,
        )
    )


def payout_postponed(payout: Payout, until: datetime) -> Payout:
    """Not now: look at it again then. Its status stays what it is."""
    if payout.status is PayoutStatus.PENDING:
        return evolve(payout, send_at=until)
    return evolve(payout, next_try_at=until, tries=payout.tries + 1)


def payout_answered(
    payout: Payout,
    books: Books,
    advanced_minor: int,
    reply: EnquiryReply,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedPayout, PayoutWrongStatus]:
    """What the bank says, to the question or to an enquiry."""
    if payout.status not in _ASKED:
        return Failure(PayoutWrongStatus(payout.status, "answer"))
    if isinstance(reply, Paid):
        return Success(_paid(payout, books, reply, at, changeset))
    if isinstance(reply, Rejected):
        return Success(_failed(payout, books, advanced_minor, reply.failure, at, changeset))
    if isinstance(reply, Accepted) and payout.status is not PayoutStatus.IN_TRANSIT:
        accepted = evolve(
            payout,
            status=payout.moved_to(PayoutStatus.IN_TRANSIT),
            reference=reply.reference,
            arrival_at=reply.arrival_at,
            tries=0,
            next_try_at=max(reply.arrival_at, at) + NOTICE_PATIENCE,
        )
        return Success(BookedPayout(accepted))
    waiting = isinstance(reply, Unknown | NeverSeen) and payout.status is PayoutStatus.SENT
    return Success(
        BookedPayout(
            evolve(
                payout,
                status=payout.moved_to(PayoutStatus.UNKNOWN) if waiting else payout.status,
                tries=payout.tries + 1,
                next_try_at=at + delay(ENQUIRY_DELAYS_S, payout.tries),
            )
        )
    )


def payout_returned(
    payout: Payout,
    books: Books,
    advanced_minor: int,
    failure: PayoutFailure,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedPayout, PayoutWrongStatus]:
    """A fact: the money came back, as a rule after it was paid; then the fee stays earned and the day's quota used.

    A reversal that was paid cannot come back: its money is here.
    """
    if payout.status not in _ASKED | {PayoutStatus.PAID} or (
        payout.reverses is not None and payout.status is PayoutStatus.PAID
    ):
        return Failure(PayoutWrongStatus(payout.status, "return"))
    return Success(_failed(payout, books, advanced_minor, failure, at, changeset))


def payout_canceled(
    payout: Payout,
    books: Books,
    advanced_minor: int,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedPayout, PayoutWrongStatus]:
    """The merchant takes it back before the bank was asked; everything is as if it had never been made."""
    if payout.status is not PayoutStatus.PENDING:
        return Failure(PayoutWrongStatus(payout.status, "cancel"))
    movement = book_back(books, payout, TransferKind.PAYOUT_CANCEL, advanced_minor, at, changeset)
    canceled = evolve(
        payout,
        status=payout.moved_to(PayoutStatus.CANCELED),
        failure_movement=movement.id,
        next_try_at=None,
    )
    return Success(BookedPayout(canceled, (*movement.legs, *book_quota_back(books, payout, at, changeset))))


@frozen
class Reversing:
    """The payout that shall bring another's money back, and the other, which names it."""

    reversal: Payout
    original: Payout


def reversal_sent(
    original: Payout, *, id: PayoutId, at: datetime, metadata: Metadata = ()
) -> Outcome[Reversing, PayoutWrongStatus | NotReversible]:
    """The intent to ask the bank for a paid payout back, all of it. No money moves until the bank has it."""
    if original.reverses is not None or original.reversed_by is not None:
        return Failure(NotReversible(original.reversed_by))
    if original.status is not PayoutStatus.PAID:
        return Failure(PayoutWrongStatus(original.status, "reverse"))
    reversal = Payout(
        id=id,
        version=0,
        method=original.method,
        amount_minor=original.amount_minor,
        currency=original.currency,
        status=PayoutStatus.SENT,
        destination=original.destination,
        created_at=at,
        sent_at=at,
        next_try_at=at + ANSWER_PATIENCE,
        metadata=metadata,
        reverses=original.id,
    )
    return Success(Reversing(reversal, evolve(original, reversed_by=id)))


def reversal_failed(original: Payout, reversal: PayoutId) -> Payout | None:
    """The original, which may be reversed again once the bank has refused; None if that is somebody else's business."""
    return evolve(original, reversed_by=None) if original.reversed_by == reversal else None


def _paid(payout: Payout, books: Books, reply: Paid, at: datetime, changeset: ChangesetId) -> BookedPayout:
    book = book_paid if payout.reverses is None else book_reversal
    movement = book(books, payout, at, changeset)
    paid = evolve(
        payout,
        status=payout.moved_to(PayoutStatus.PAID),
        reference=reply.reference,
        arrival_at=payout.arrival_at or at,
        paid_at=at,
        movement=payout.movement or movement.id,
        next_try_at=None,
    )
    return BookedPayout(paid, tuple(movement.legs))


def _failed(
    payout: Payout,
    books: Books,
    advanced_minor: int,
    failure: PayoutFailure,
    at: datetime,
    changeset: ChangesetId,
) -> BookedPayout:
    failed = evolve(payout, status=payout.moved_to(PayoutStatus.FAILED), failure=failure, next_try_at=None)
    if payout.reverses is not None:
        return BookedPayout(failed)
    movement = book_back(books, payout, TransferKind.PAYOUT_FAILURE, advanced_minor, at, changeset)
    failed = evolve(failed, failure_movement=movement.id)
    return BookedPayout(failed, (*movement.legs, *book_quota_back(books, payout, at, changeset)))
