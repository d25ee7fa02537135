"""The steps of a refund and what they do to the books (the flow *refund*).

The intent reserves the amount on the payment and in the books before the acquirer is asked. It comes out of what the
payment's days have not settled yet, then out of ``available``, then, if the merchant's policy allows it, out of debt.
"""

from collections.abc import Mapping
from datetime import date, datetime

from attrs import frozen

from fintech.domain.business_days import sydney_day
from fintech.domain.cards import Approved, AuthorisationReply, Decline
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId, PaymentId, RefundId
from fintech.domain.ledger import (
    AccountId,
    Books,
    Bucket,
    Movement,
    Phase,
    Transfer,
    TransferKind,
    code_of,
    unsettled_on,
)
from fintech.domain.merchants import Fee, Merchant
from fintech.domain.money import split_minor
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Metadata
from fintech.domain.payments.attempt import Attempt, delay
from fintech.domain.payments.booking import FEES_CODE, MONEY_POSITION, scheme_receivable_on
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
    at: datetime,
    changeset: ChangesetId,
    reason: RefundReason | None = None,
    metadata: Metadata = (),
) -> Outcome[BookedRefund, InsufficientFunds]:
    """The intent: reserve the money where it is.

    ``spendable`` is what each account of `refund_accounts` but the last can give, ``debt_room_minor`` how much more
    the merchant may owe.
    """
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=id, at=at)
    scheme = attempt.method.card.scheme
    left = amount_minor
    *unsettled, available, receivable = refund_accounts(books, attempt)
    later = books.platform_account(code_of(Bucket.SCHEME_RECEIVABLE, scheme, LATER))
    for account in unsettled:
        day = date.fromisoformat(account.code.partition("/")[2])
        owed = books.platform_account(scheme_receivable_on(scheme, day))
        left -= _draw(movement, account, owed, min(left, max(spendable[account], 0)))
    left -= _draw(movement, available, later, min(left, max(spendable[available], 0)))
    room = max(debt_room_minor, 0)
    if left > room:
        return Failure(InsufficientFunds(amount_minor - left + room))
    if left:
        _draw(movement, receivable, later, left)
        _fund(movement, books, left, Phase.PENDING)
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
    *,
    fee: Fee,
) -> Outcome[BookedRefund, RefundOver]:
    """Post the draws on a yes, void them on a no, wait and ask on neither. ``fee`` is what `fee_returned` says."""
    if refund.status not in (RefundStatus.SENT, RefundStatus.UNKNOWN):
        return Failure(RefundOver(refund.status))
    if isinstance(reply, Approved):
        movement = _resolved(refund, Phase.POST_PENDING, at, changeset)
        _give_fee_back(movement, merchant, books, fee)
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


def fee_returned(merchant: Merchant, attempt: Attempt, refunded_before_minor: int, amount_minor: int) -> Fee:
    """The part of the captures' fee that a refund gives back under the merchant's fee plan.

    Counted on all that is refunded so far, so that refunds in parts give back, in all, what one refund would.
    """
    if not merchant.fees.returned_on_refund:
        return Fee(0, 0)
    captured = attempt.captured_minor
    after = refunded_before_minor + amount_minor

    def share(whole: int) -> int:
        before, now = (
            split_minor(whole, (refunded, captured - refunded))[0]
            for refunded in (refunded_before_minor, after)
        )
        return now - before

    return Fee(
        share(sum([capture.fee_minor for capture in attempt.captures])),
        share(sum([capture.tax_minor for capture in attempt.captures])),
    )


def _draw(movement: Movement, debit: AccountId, credit: AccountId, amount_minor: int) -> int:
    movement.move(TransferKind.REFUND, debit, credit, amount_minor, phase=Phase.PENDING)
    return amount_minor


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
    _fund(movement, books, fee.total_minor, Phase.POST)


def _fund(movement: Movement, books: Books, amount_minor: int, phase: Phase) -> None:
    """Our own cash becomes merchants' cash."""
    client = books.platform_account(Bucket.CLIENT_CASH.value)
    own = books.platform_account(Bucket.OWN_CASH.value)
    movement.move(TransferKind.OWN_FUNDS, client, own, amount_minor, phase=phase)
