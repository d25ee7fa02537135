"""What becomes of a dispute by what its acquirer tells (the flow *dispute*): one small step after the other.

`next_step` says what is to be done next about a piece of news, from what is stored alone: so news that is told twice,
late, to two processes at once, or to one that dies in the middle comes to the same, and each step is one event.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from fintech.domain.business_days import sydney_day
from fintech.domain.chart import Bucket
from fintech.domain.disputes.booking import book_reinstatement, book_reserve, book_withdrawal
from fintech.domain.disputes.dispute import (
    DISPUTES_MAX,
    RESPONSE_TIME,
    STANDING,
    TRANSITIONS,
    Dispute,
    DisputeStatus,
)
from fintech.domain.disputes.evidence import refund_noted
from fintech.domain.disputes.news import CaseNews, DisputeClosed, DisputeEscalated, DisputeOpened, Verdict
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, DisputeId
from fintech.domain.ledger import AccountId, Books, Transfer
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import OPEN, Attempt, AttemptStatus
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.refusals import TooMany


class Step(StrEnum):
    """What was done about a piece of news."""

    OPENED = "opened"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"
    REINSTATED = "reinstated"
    CLOSED = "closed"


@frozen
class NoNews:
    """Everything that it says is known and done."""


@frozen
class TooEarly:
    """It is about something that has not been heard of yet; it has to be told again."""


@frozen(kw_only=True)
class Circumstances:
    """What a step may need to know beside the news.

    ``spendable`` is what each of `dispute_accounts` can give, ``unsettled_most_minor`` what may be taken of unsettled
    money in all, where part of it stands behind advances; ``id`` names the dispute if it is new.
    """

    merchant: Merchant
    books: Books
    spendable: Mapping[AccountId, int]
    id: DisputeId
    at: datetime
    changeset: ChangesetId
    unsettled_most_minor: int | None = None


@frozen(kw_only=True)
class Stepped:
    """A step: the dispute after it, its payment where it changes too, and what it does to the books."""

    step: Step
    dispute: Dispute
    payment: Payment | None = None
    transfers: tuple[Transfer, ...] = ()


def next_step(
    payment: Payment, attempt: Attempt, dispute: Dispute | None, news: CaseNews, given: Circumstances
) -> Outcome[Stepped, NoNews | TooEarly | TooMany]:
    """The next step, until there is `NoNews`. ``dispute`` is the one of the news' case, if there is one.

    A chargeback is posted before anything else is heard, and money comes back before the case is closed.
    """
    if dispute is None:
        return _opened(payment, attempt, news, given)
    if dispute.status in STANDING and not dispute.withdrawal:
        return Success(_withdrawn(dispute, attempt, given))
    if news.number <= dispute.heard:
        return Failure(NoNews())
    match news.what:
        case DisputeEscalated() as what:
            return _escalated(payment, attempt, dispute, what, news.number, given)
        case DisputeClosed(verdict=verdict):
            return _closed(payment, attempt, dispute, verdict, news.number, given)
        case DisputeOpened():
            return Failure(NoNews())


def reserve_freed(
    books: Books, dispute: Dispute, amount_minor: int, at: datetime, changeset: ChangesetId
) -> tuple[Dispute, tuple[Transfer, ...]]:
    """The merchant gives the charge back while the bank asks: what is held back for it is there for the refund."""
    freed = min(amount_minor, dispute.reserved_minor)
    after = evolve(dispute, reserved_minor=dispute.reserved_minor - freed)
    return after, book_reserve(books, dispute, -freed, at, changeset)


def _opened(
    payment: Payment, attempt: Attempt, news: CaseNews, given: Circumstances
) -> Outcome[Stepped, NoNews | TooEarly | TooMany]:
    """What was never taken cannot be disputed, and more than was taken neither."""
    if not isinstance(news.what, DisputeOpened):
        return Failure(TooEarly())
    if not attempt.captured_minor:
        waits = attempt.status in OPEN or attempt.status is AttemptStatus.AUTHORISED
        return Failure(TooEarly() if waits else NoNews())
    if len(payment.disputes) >= DISPUTES_MAX:
        return Failure(TooMany("disputes", DISPUTES_MAX))
    what = news.what
    asks = DisputeStatus.WARNING_NEEDS_RESPONSE if what.inquiry else DisputeStatus.NEEDS_RESPONSE
    dispute = Dispute(
        id=given.id,
        version=0,
        payment=payment.id,
        charge=attempt.id,
        scheme=attempt.method.card.scheme,
        amount_minor=min(what.amount_minor, attempt.captured_minor),
        currency=payment.currency,
        reason=what.reason,
        reason_code=what.reason_code,
        status=asks,
        case=news.case,
        heard=news.number,
        created_at=given.at,
        evidence_due_at=what.respond_by or given.at + RESPONSE_TIME,
        evidence=refund_noted(payment.refunded_minor, payment.currency),
    )
    transfers: tuple[Transfer, ...] = ()
    if what.inquiry:
        dispute, transfers = _reserved(dispute, given)
    after = evolve(payment, disputes=(*payment.disputes, dispute.id))
    return Success(
        Stepped(step=Step.OPENED, dispute=dispute, payment=_taken(after, dispute), transfers=transfers)
    )


def _escalated(
    payment: Payment,
    attempt: Attempt,
    dispute: Dispute,
    what: DisputeEscalated,
    number: int,
    given: Circumstances,
) -> Outcome[Stepped, NoNews]:
    """An inquiry becomes a chargeback, and the merchant may respond again."""
    if not dispute.inquiry:
        return Failure(NoNews())
    after = evolve(
        dispute,
        status=dispute.moved_to(DisputeStatus.NEEDS_RESPONSE),
        amount_minor=min(what.amount_minor, attempt.captured_minor),
        reason_code=what.reason_code or dispute.reason_code,
        heard=number,
        evidence_due_at=what.respond_by or given.at + RESPONSE_TIME,
        submitted_at=None,
        errand=None,
    )
    return Success(Stepped(step=Step.ESCALATED, dispute=after, payment=_taken(payment, after)))


def _withdrawn(dispute: Dispute, attempt: Attempt, given: Circumstances) -> Stepped:
    """The bank has taken the money: a fact, which always posts."""
    merchant = given.merchant
    fee = merchant.fees.dispute_fee(sydney_day(given.at))
    legs = book_withdrawal(
        given.books,
        dispute,
        attempt,
        given.spendable,
        fee=fee,
        tax_code=merchant.fees.tax_code,
        at=given.at,
        changeset=given.changeset,
        unsettled_most_minor=given.unsettled_most_minor,
    )
    after = evolve(dispute, fee=fee, withdrawal=legs, reserved_minor=0)
    return Stepped(step=Step.WITHDRAWN, dispute=after, transfers=legs)


def _closed(
    payment: Payment,
    attempt: Attempt,
    dispute: Dispute,
    verdict: Verdict,
    number: int,
    given: Circumstances,
) -> Outcome[Stepped, NoNews]:
    """The verdict. An inquiry that was lost has been a chargeback meanwhile, of which nobody has told yet."""
    if dispute.inquiry:
        if verdict is Verdict.LOST:
            what = DisputeEscalated(amount_minor=dispute.amount_minor)
            return _escalated(payment, attempt, dispute, what, dispute.heard, given)
        return _inquiry_closed(dispute, number, given)
    if verdict is Verdict.LOST:
        return _over(payment, dispute, DisputeStatus.LOST, number)
    if not dispute.reinstatement and DisputeStatus.WON in TRANSITIONS[dispute.status]:
        return Success(_reinstated(dispute, given))
    return _over(payment, dispute, DisputeStatus.WON, number)


def _inquiry_closed(dispute: Dispute, number: int, given: Circumstances) -> Outcome[Stepped, NoNews]:
    if dispute.status is DisputeStatus.WARNING_CLOSED:
        return Failure(NoNews())
    after = evolve(
        dispute,
        status=dispute.moved_to(DisputeStatus.WARNING_CLOSED),
        heard=number,
        errand=None,
        reserved_minor=0,
    )
    legs = book_reserve(given.books, dispute, -dispute.reserved_minor, given.at, given.changeset)
    return Success(Stepped(step=Step.CLOSED, dispute=after, transfers=legs))


def _reinstated(dispute: Dispute, given: Circumstances) -> Stepped:
    """The bank gives the money back."""
    returned = given.merchant.fees.dispute_fee_returned_on_win
    legs = book_reinstatement(
        given.books, dispute, fee_returned=returned, at=given.at, changeset=given.changeset
    )
    after = evolve(dispute, reinstatement=legs, fee_returned=returned)
    return Stepped(step=Step.REINSTATED, dispute=after, transfers=legs)


def _over(payment: Payment, dispute: Dispute, status: DisputeStatus, number: int) -> Outcome[Stepped, NoNews]:
    if status not in TRANSITIONS[dispute.status]:
        return Failure(NoNews())
    after = evolve(dispute, status=status, heard=number, errand=None)
    freed = None
    if status is DisputeStatus.WON:
        freed = evolve(payment, disputed_minor=payment.disputed_minor - dispute.amount_minor)
    return Success(Stepped(step=Step.CLOSED, dispute=after, payment=freed))


def _reserved(dispute: Dispute, given: Circumstances) -> tuple[Dispute, tuple[Transfer, ...]]:
    """Hold back what ``available`` has of the amount; what it has not stays unreserved: an inquiry is no debt."""
    there = given.spendable[given.books.account(Bucket.AVAILABLE.value)]
    amount = min(dispute.amount_minor, max(there, 0))
    legs = book_reserve(given.books, dispute, amount, given.at, given.changeset)
    return evolve(dispute, reserved_minor=amount), legs


def _taken(payment: Payment, dispute: Dispute) -> Payment:
    """The payment with what a chargeback takes of it; an inquiry takes nothing."""
    taken = 0 if dispute.inquiry else dispute.amount_minor
    return evolve(payment, disputed_minor=payment.disputed_minor + taken)
