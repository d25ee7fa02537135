"""The steps of a refund and what they do to the books (the flow *refund*).

The intent reserves the amount on the payment and in the books before the acquirer is asked. It comes out of what the
payment's days have not settled yet, then out of ``available``, then, if the merchant's policy allows it, out of debt.
"""

from collections.abc import Mapping
from datetime import date, datetime

from attrs import frozen

from fintech.domain.business_days import sydney_day
from fintech.domain.cards import Approved, AuthorisationReply, Decline, Scheme
from fintech.domain.chart import Bucket, bucket_of, code_of, unsettled_on
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId, PaymentId, RefundId
from fintech.domain.ledger import AccountId, Books, Movement, Phase, Transfer, TransferKind
from fintech.domain.merchants import NO_FEE, Fee, Merchant
from fintech.domain.metadata import Metadata
from fintech.domain.money import split_minor
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import Attempt, delay
from fintech.domain.payments.booking import FEES_CODE, MONEY_POSITION, scheme_receivable_on
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import (
    ENQUIRY_DELAYS_S,
    Draw,
    InsufficientFunds,
    Refund,
    RefundFailure,
    RefundOver,
    RefundReason,
    RefundStatus,
)
from fintech.domain.settlement import LATER


@frozen
class BookedRefund:
    """A changed refund and what the change does to the books."""

    refund: Refund
    transfers: tuple[Transfer, ...]
    indebted: bool = False  #: part of it is money that the merchant owes us now

    @property
    def unsettled(self) -> bool:
        """Whether part of it comes out of what is not settled yet."""
        return any(bucket_of(leg.debit.code) is Bucket.UNSETTLED for leg in self.transfers)


def refund_accounts(books: Books, attempt: Attempt) -> tuple[AccountId, ...]:
    """The accounts whose balances `refund_sent` decides on."""
    days = sorted({capture.day for capture in attempt.captures}, reverse=True)
    codes = [unsettled_on(date.fromisoformat(day)) for day in days]
    return tuple(books.account(code) for code in (*codes, Bucket.AVAILABLE.value, Bucket.RECEIVABLE.value))


def refund_sent(
    books: Books,
    attempt: Attempt,
    spendable: Mapping[AccountId, int],
    debt_room_minor: int,
    *,
    id: RefundId,
    payment: PaymentId,
    amount_minor: int,
    fee: Fee = NO_FEE,
    at: datetime,
    changeset: ChangesetId,
    reason: RefundReason | None = None,
    metadata: Metadata = (),
    unsettled_most_minor: int | None = None,
) -> Outcome[BookedRefund, InsufficientFunds]:
    """The intent: reserve the money where it is.

    ``spendable`` is what each account of `refund_accounts` but the last can give, ``debt_room_minor`` how much more
    the merchant may owe, ``fee`` what `fee_returned` says. ``unsettled_most_minor``, where it is given, is what of the
    unsettled money does not stand behind advances.
    """
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=id, at=at)
    scheme = attempt.method.card.scheme
    most = amount_minor if unsettled_most_minor is None else max(unsettled_most_minor, 0)
    left = draw_what_there_is(movement, books, attempt, spendable, amount_minor, most, Phase.PENDING)
    if left > (room := max(debt_room_minor, 0)):
        return Failure(InsufficientFunds(amount_minor - left + room))
    owe(movement, books, scheme, left, Phase.PENDING)
    refund = Refund(
        id=id,
        version=0,
        payment=payment,
        charge=attempt.id,
        amount_minor=amount_minor,
        currency=books.currency,
        scheme=scheme,
        status=RefundStatus.SENT,
        created_at=at,
        sent_at=at,
        original_reference=attempt.reference or "",
        reason=reason,
        draws=tuple(Draw(leg.id, leg.kind, leg.debit, leg.credit, leg.amount_minor) for leg in movement.legs),
        fee=fee,
        metadata=metadata,
    )
    return Success(BookedRefund(refund, tuple(movement.legs), indebted=left > 0))


def refund_answered(
    refund: Refund,
    merchant: Merchant,
    books: Books,
    reply: AuthorisationReply,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedRefund, RefundOver]:
    """Post the draws on a yes, void them on a no, wait and ask on neither."""
    if refund.status not in (RefundStatus.SENT, RefundStatus.UNKNOWN):
        return Failure(RefundOver(refund.status))
    if isinstance(reply, Approved):
        movement = _resolved(refund, Phase.POST_PENDING, at, changeset)
        _give_fee_back(movement, merchant, books, refund.fee)
        done = evolve(
            refund,
            status=refund.moved_to(RefundStatus.SUCCEEDED),
            reference=reply.reference,
            movement=movement.id,
            next_try_at=None,
        )
        return Success(BookedRefund(done, tuple(movement.legs)))
    if isinstance(reply, Decline):
        movement = _resolved(refund, Phase.VOID_PENDING, at, changeset)
        failed = evolve(
            refund,
            status=refund.moved_to(RefundStatus.FAILED),
            failure=RefundFailure.DECLINED,
            next_try_at=None,
        )
        return Success(BookedRefund(failed, tuple(movement.legs)))
    unknown = evolve(
        refund,
        status=RefundStatus.UNKNOWN,
        tries=refund.tries + 1,
        next_try_at=at + delay(ENQUIRY_DELAYS_S, refund.tries),
    )
    return Success(BookedRefund(unknown, ()))


def refund_returned(
    refund: Refund, books: Books, failure: RefundFailure, at: datetime, changeset: ChangesetId
) -> Outcome[BookedRefund, RefundOver]:
    """A fact: the issuer sent a refund back after it had succeeded; the amount is unsettled money of today again.

    What came out of debt is repaid when that settles. A fee that was given back stays given back.
    """
    if refund.status is not RefundStatus.SUCCEEDED:
        return Failure(RefundOver(refund.status))
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=refund.id, at=at)
    day = sydney_day(at)
    owed = books.platform_account(scheme_receivable_on(refund.scheme, day))
    movement.move(TransferKind.REFUND_FAILURE, owed, books.account(unsettled_on(day)), refund.amount_minor)
    failed = evolve(
        refund,
        status=refund.moved_to(RefundStatus.FAILED),
        failure=failure,
        failure_movement=movement.id,
    )
    return Success(BookedRefund(failed, tuple(movement.legs)))


def fee_returned(merchant: Merchant, payment: Payment) -> Fee:
    """The part of the captures' fee that goes back, under the merchant's fee plan, with a refund just reserved.

    Counted on all that is refunded and all that was given back so far, so that refunds in parts give back, in all and
    in whatever order they are answered, what one refund would, and a fee is never given back twice.
    """
    if not merchant.fees.returned_on_refund:
        return NO_FEE
    captures = [capture for attempt in payment.attempts for capture in attempt.captures]
    weights = (payment.refunded_minor, payment.captured_minor - payment.refunded_minor)
    fee_minor, _ = split_minor(sum([capture.fee_minor for capture in captures]), weights)
    tax_minor, _ = split_minor(sum([capture.tax_minor for capture in captures]), weights)
    due = Fee(fee_minor, tax_minor).less(payment.fee_returned)
    return Fee(max(due.fee_minor, 0), max(due.tax_minor, 0))


def fee_undone(refund: Refund) -> Fee:
    """What a failed refund did not give back after all: nothing if it had succeeded before it came back."""
    return NO_FEE if refund.failure_movement else refund.fee


def draw_what_there_is(
    movement: Movement,
    books: Books,
    attempt: Attempt,
    spendable: Mapping[AccountId, int],
    amount_minor: int,
    unsettled_most_minor: int,
    phase: Phase,
) -> int:
    """Draw on the payment's days, then on ``available``; what is left to be found."""
    scheme = attempt.method.card.scheme
    left, free = amount_minor, unsettled_most_minor
    *unsettled, available, _ = refund_accounts(books, attempt)
    for account in unsettled:
        day = date.fromisoformat(account.code.partition("/")[2])
        owed = books.platform_account(scheme_receivable_on(scheme, day))
        drawn = min(left, free, max(spendable[account], 0))
        movement.move(TransferKind.REFUND, account, owed, drawn, phase=phase)
        left, free = left - drawn, free - drawn
    later = books.platform_account(code_of(Bucket.SCHEME_RECEIVABLE, scheme, LATER))
    drawn = min(left, max(spendable[available], 0))
    movement.move(TransferKind.REFUND, available, later, drawn, phase=phase)
    return left - drawn


def owe(movement: Movement, books: Books, scheme: Scheme, amount_minor: int, phase: Phase) -> None:
    """What no bucket has the merchant owes us from now on; our own cash stands in for it."""
    later = books.platform_account(code_of(Bucket.SCHEME_RECEIVABLE, scheme, LATER))
    owed = books.account(Bucket.RECEIVABLE.value)
    movement.move(TransferKind.REFUND, owed, later, amount_minor, phase=phase)
    fund(movement, books, amount_minor, phase)


def _resolved(refund: Refund, phase: Phase, at: datetime, changeset: ChangesetId) -> Movement:
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=refund.id, at=at)
    for draw in refund.draws:
        movement.move(
            draw.kind, draw.debit, draw.credit, draw.amount_minor, phase=phase, resolves=draw.transfer
        )
    return movement


def _give_fee_back(movement: Movement, merchant: Merchant, books: Books, fee: Fee) -> None:
    """Into ``available``, paid for by our own cash."""
    if not fee.total_minor:
        return
    available = books.account(Bucket.AVAILABLE.value)
    tax = books.platform_account(code_of(Bucket.GST_PAYABLE, merchant.fees.tax_code))
    movement.move(TransferKind.FEE_RETURN, books.platform_account(FEES_CODE), available, fee.fee_minor)
    movement.move(TransferKind.FEE_TAX_RETURN, tax, available, fee.tax_minor)
    fund(movement, books, fee.total_minor, Phase.POST)


def fund(movement: Movement, books: Books, amount_minor: int, phase: Phase) -> None:
    """Our own cash becomes merchants' cash."""
    client = books.platform_account(Bucket.CLIENT_CASH.value)
    own = books.platform_account(Bucket.OWN_CASH.value)
    movement.move(TransferKind.OWN_FUNDS, client, own, amount_minor, phase=phase)
