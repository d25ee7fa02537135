"""What a dispute does to the books (the flow *dispute*).

A chargeback is a fact, and always posts. The money comes out of what was reserved for it, then out of what the
payment's days have not settled yet (the bank has not paid that, and withholds it first) and no advance has paid out
already, then out of ``available``;
what none of them bears the merchant owes us, and our own cash pays the bank for it. The fee is found in the same
places. Money that comes back is unsettled money of that day: the bank owes it and pays it with its next settlement,
which repays what the merchant owes us first.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from attrs import define

from fintech.domain.business_days import sydney_day
from fintech.domain.chart import Bucket, code_of, unsettled_on
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import AccountId, Books, Movement, Transfer, TransferKind
from fintech.domain.merchants import Fee
from fintech.domain.payments.attempt import Attempt
from fintech.domain.payments.booking import MONEY_POSITION, scheme_receivable_on
from fintech.domain.refunds.lifecycle import refund_accounts
from fintech.domain.settlement import LATER

FEES_CODE: Final = code_of(Bucket.FEES, "dispute")
#: Where in its changeset the movement of a reserve stands.
RESERVE_POSITION: Final = 1
_RETURNS: Final = {
    TransferKind.DISPUTE_FEE: TransferKind.DISPUTE_FEE_RETURN,
    TransferKind.FEE_TAX: TransferKind.FEE_TAX_RETURN,
}


@define
class _Purse:
    """An account that a debit may draw on: what is left in it, and where what the bank takes is booked against."""

    account: AccountId
    left_minor: int
    bank: AccountId

    def draw(self, movement: Movement, kind: TransferKind, credit: AccountId, most_minor: int) -> int:
        """Take as much as there is; how much that was."""
        taken = min(self.left_minor, most_minor)
        movement.move(kind, self.account, credit, taken)
        self.left_minor -= taken
        return taken


def dispute_accounts(books: Books, attempt: Attempt) -> tuple[AccountId, ...]:
    """The accounts whose balances the money of a dispute is decided on; the last is ``available``."""
    return refund_accounts(books, attempt)[:-1]


def book_withdrawal(
    books: Books,
    dispute: Dispute,
    attempt: Attempt,
    spendable: Mapping[AccountId, int],
    *,
    fee: Fee,
    tax_code: str,
    at: datetime,
    changeset: ChangesetId,
    unsettled_most_minor: int | None = None,
) -> tuple[Transfer, ...]:
    """The bank has taken the amount back, and we take our fee. ``spendable`` is what `dispute_accounts` can give.

    ``unsettled_most_minor`` is what may be taken of unsettled money in all, where part of it stands behind advances:
    that part has been paid out already.
    """
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=dispute.id, at=at)
    reserve, *purses = _purses(books, dispute, attempt, spendable, unsettled_most_minor)
    later, receivable = reserve.bank, books.account(Bucket.RECEIVABLE.value)
    owed = dispute.amount_minor
    for purse in (reserve, *purses):
        owed -= purse.draw(movement, TransferKind.DISPUTE, purse.bank, owed)
    movement.move(TransferKind.DISPUTE, receivable, later, owed)
    client, own = (books.platform_account(each.value) for each in (Bucket.CLIENT_CASH, Bucket.OWN_CASH))
    movement.move(TransferKind.OWN_FUNDS, client, own, owed)
    available = purses[-1]
    available.left_minor += reserve.draw(
        movement, TransferKind.RESERVE_RELEASE, available.account, reserve.left_minor
    )
    settled = available.left_minor
    gst = books.platform_account(code_of(Bucket.GST_PAYABLE, tax_code))
    for kind, income, due in (
        (TransferKind.DISPUTE_FEE, books.platform_account(FEES_CODE), fee.fee_minor),
        (TransferKind.FEE_TAX, gst, fee.tax_minor),
    ):
        unpaid = due
        for purse in purses:
            unpaid -= purse.draw(movement, kind, income, unpaid)
        movement.move(kind, receivable, income, unpaid)
    # What came out of settled money is ours now; the rest we earn when it is settled or repaid.
    movement.move(TransferKind.EARNINGS, own, client, settled - available.left_minor)
    return tuple(movement.legs)


def book_reinstatement(
    books: Books, dispute: Dispute, *, fee_returned: bool, at: datetime, changeset: ChangesetId
) -> tuple[Transfer, ...]:
    """The bank gives the amount back, and we the fee if the plan says so: unsettled money of today."""
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=dispute.id, at=at)
    day = sydney_day(at)
    unsettled = books.account(unsettled_on(day))
    owed = books.platform_account(scheme_receivable_on(dispute.scheme, day))
    movement.move(TransferKind.DISPUTE_REVERSAL, owed, unsettled, dispute.amount_minor)
    for leg in dispute.withdrawal if fee_returned else ():
        if leg.kind in _RETURNS:
            movement.move(_RETURNS[leg.kind], leg.credit, unsettled, leg.amount_minor)
    return tuple(movement.legs)


def book_reserve(
    books: Books, dispute: Dispute, amount_minor: int, at: datetime, changeset: ChangesetId
) -> tuple[Transfer, ...]:
    """Hold back so much of ``available`` for an inquiry; less than nothing lets so much go again."""
    movement = Movement(MovementId.of(changeset, RESERVE_POSITION), source=dispute.id, at=at)
    available, reserved = (books.account(each.value) for each in (Bucket.AVAILABLE, Bucket.RESERVED))
    movement.move(TransferKind.RESERVE, available, reserved, max(amount_minor, 0))
    movement.move(TransferKind.RESERVE_RELEASE, reserved, available, max(-amount_minor, 0))
    return tuple(movement.legs)


def _purses(
    books: Books,
    dispute: Dispute,
    attempt: Attempt,
    spendable: Mapping[AccountId, int],
    unsettled_most_minor: int | None,
) -> list[_Purse]:
    """What was reserved for the dispute, each unsettled day of the payment, and ``available`` last."""
    scheme = dispute.scheme
    later = books.platform_account(code_of(Bucket.SCHEME_RECEIVABLE, scheme, LATER))
    *unsettled, available = dispute_accounts(books, attempt)
    purses = [_Purse(books.account(Bucket.RESERVED.value), dispute.reserved_minor, later)]
    for account in unsettled:
        day = date.fromisoformat(account.code.partition("/")[2])
        owed = books.platform_account(scheme_receivable_on(scheme, day))
        left = max(spendable[account], 0)
        if unsettled_most_minor is not None:
            left = min(left, unsettled_most_minor)
            unsettled_most_minor -= left
        purses.append(_Purse(account, left, owed))
    purses.append(_Purse(available, max(spendable[available], 0), later))
    return purses
