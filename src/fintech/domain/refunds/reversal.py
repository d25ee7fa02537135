"""A captured purchase that its terminal gives up (the flow *refund*, as a fact).

The money goes back whole and at once, with the whole fee: nobody has been sold anything. What the merchant's buckets
lack, it owes. It is a refund like any other for whoever adds up, but nobody is asked for it: the acquirer is told to
forget the purchase instead, until it acknowledges.
"""

from collections.abc import Mapping
from datetime import datetime

from fintech.domain.chart import Bucket, code_of
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId, RefundId
from fintech.domain.ledger import AccountId, Books, Movement, Phase, TransferKind
from fintech.domain.merchants import Fee, Merchant
from fintech.domain.outcome import Failure
from fintech.domain.payments.attempt import ReversalReason
from fintech.domain.payments.booking import FEES_CODE, MONEY_POSITION
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.lifecycle import BookedRefund, draw_what_there_is, fund, owe, refund_accounts
from fintech.domain.refunds.refund import Refund, RefundReason, RefundStatus


def fee_of_reversal(payment: Payment) -> Fee:
    """All that was paid for the captures and has not been given back yet, whatever the fee plan says of refunds."""
    captures = [capture for attempt in payment.attempts for capture in attempt.captures]
    paid = Fee(sum([each.fee_minor for each in captures]), sum([each.tax_minor for each in captures]))
    return paid.less(payment.fee_returned)


def purchase_reversed(
    payment: Payment,
    merchant: Merchant,
    books: Books,
    spendable: Mapping[AccountId, int],
    *,
    id: RefundId,
    at: datetime,
    changeset: ChangesetId,
    unsettled_most_minor: int | None = None,
) -> tuple[Payment, BookedRefund]:
    """Give back what is left of a captured payment, whatever the merchant's buckets hold and its policy says.

    ``spendable`` is what each account of `refund_accounts` but the last can give, ``unsettled_most_minor`` what may be
    taken of unsettled money in all where part of it stands behind advances. The payment still carries the version at
    which it was read.
    """
    attempt, fee = payment.attempts[-1], fee_of_reversal(payment)
    amount_minor = payment.captured_minor - payment.refunded_minor
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=id, at=at)
    most = amount_minor if unsettled_most_minor is None else max(unsettled_most_minor, 0)
    home = _home_of_fee(books, payment, spendable, amount_minor - fee.total_minor, most)
    purse = {**spendable, home: max(spendable[home], 0) + fee.total_minor}
    most += fee.total_minor * (home.code != Bucket.AVAILABLE.value)
    left = draw_what_there_is(movement, books, attempt, purse, amount_minor, most, Phase.POST)
    owe(movement, books, attempt.method.card.scheme, left, Phase.POST)
    _give_fee_back(movement, merchant, books, fee, home)
    reserving = payment.refunding(amount_minor, payment.refunds + 1)
    assert not isinstance(reserving, Failure)
    reserved = reserving.unwrap().returning(fee)
    told = reserved.attempts[-1].reversing(amount_minor, ReversalReason.TERMINAL, at)
    refund = Refund(
        id=id,
        version=0,
        payment=payment.id,
        charge=attempt.id,
        amount_minor=amount_minor,
        currency=books.currency,
        scheme=attempt.method.card.scheme,
        status=RefundStatus.SUCCEEDED,
        created_at=at,
        sent_at=at,
        original_reference=attempt.reference or "",
        reason=RefundReason.TERMINAL_REVERSAL,
        movement=movement.id,
        fee=fee,
    )
    after = evolve(reserved, attempts=(*reserved.attempts[:-1], told))
    return after, BookedRefund(refund, tuple(movement.legs), indebted=left > 0)


def _home_of_fee(
    books: Books, payment: Payment, spendable: Mapping[AccountId, int], net_minor: int, most_minor: int
) -> AccountId:
    """Where the fee goes back to: the day that it was taken from, while the purchase's money is there to be taken, so
    that the two cancel out and nothing has to be found elsewhere; else ``available``."""
    latest, *_ = accounts = refund_accounts(books, payment.attempts[-1])
    return latest if min(spendable[latest], most_minor) >= net_minor else accounts[-2]


def _give_fee_back(movement: Movement, merchant: Merchant, books: Books, fee: Fee, home: AccountId) -> None:
    """Before its day is settled the fee has not been earned; afterwards our own cash pays for it."""
    tax = books.platform_account(code_of(Bucket.GST_PAYABLE, merchant.fees.tax_code))
    movement.move(TransferKind.FEE_RETURN, books.platform_account(FEES_CODE), home, fee.fee_minor)
    movement.move(TransferKind.FEE_TAX_RETURN, tax, home, fee.tax_minor)
    if home.code == Bucket.AVAILABLE.value:
        fund(movement, books, fee.total_minor, Phase.POST)
