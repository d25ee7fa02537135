"""What a payout does to the books (the flows *payout, standard*, *payout, instant* and *returned after paid*).

Money comes out of ``available`` first; only what is missing is an advance, which our own cash pays for until
settlement repays it. `client_cash` always holds what we owe merchants, so whatever is advanced comes into it first, and
fees that are paid out of ``available`` leave it at once.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from attrs import frozen

from fintech.domain.chart import Bucket, code_of
from fintech.domain.ids import ChangesetId, MovementId, PayoutId
from fintech.domain.ledger import AccountId, Books, Movement, Transfer, TransferKind
from fintech.domain.merchants import Fee
from fintech.domain.payouts.funds import quota_accounts
from fintech.domain.payouts.payout import Payout
from fintech.domain.tax import TaxCode

#: Where in its changeset a movement stands.
MONEY_POSITION: Final = 0
QUOTA_POSITION: Final = 1

FEES_CODE: Final = code_of(Bucket.FEES, "instant_payout")

#: A kind, the account on the other side of the merchant's, and minor units.
_Part: TypeAlias = tuple[TransferKind, AccountId, int]


@frozen
class Drawn:
    """A payout's legs, and how much of it is an advance, in minor units."""

    advanced_minor: int
    transfers: tuple[Transfer, ...]


def book_payout(
    books: Books,
    *,
    id: PayoutId,
    amount_minor: int,
    fee: Fee,
    tax_code: TaxCode,
    available_minor: int,
    at: datetime,
    changeset: ChangesetId,
) -> Drawn:
    """The amount is on its way, the fee is earned: out of ``available_minor``, and the rest as an advance."""
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=id, at=at)
    available, advance = (books.account(bucket.value) for bucket in (Bucket.AVAILABLE, Bucket.ADVANCE))
    parts: Sequence[_Part] = (
        (TransferKind.PAYOUT, books.account(Bucket.IN_TRANSIT.value), amount_minor),
        (TransferKind.INSTANT_PAYOUT_FEE, books.platform_account(FEES_CODE), fee.fee_minor),
        (TransferKind.FEE_TAX, _tax_account(books, tax_code), fee.tax_minor),
    )
    left = available_minor
    advances: list[int] = []
    for kind, credit, minor in parts:
        drawn = min(left, minor)
        movement.move(kind, available, credit, drawn)
        movement.move(kind, advance, credit, minor - drawn)
        advances.append(minor - drawn)
        left -= drawn
    client, own = _cash(books)
    movement.move(TransferKind.OWN_FUNDS, client, own, advances[0])
    movement.move(TransferKind.EARNINGS, own, client, fee.total_minor - sum(advances[1:]))
    return Drawn(sum(advances), tuple(movement.legs))


def book_paid(books: Books, payout: Payout, at: datetime, changeset: ChangesetId) -> Movement:
    """The money has arrived: what was in transit has left the bank."""
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=payout.id, at=at)
    in_transit, client = books.account(Bucket.IN_TRANSIT.value), _cash(books)[0]
    movement.move(TransferKind.PAYOUT_PAID, in_transit, client, payout.amount_minor)
    return movement


def book_back(
    books: Books,
    payout: Payout,
    kind: TransferKind,
    advanced_minor: int,
    at: datetime,
    changeset: ChangesetId,
) -> Movement:
    """The money is the merchant's again: what is still owed of this payout's advance is repaid with it, the rest is
    available. ``advanced_minor`` is what is owed on all advances now.

    Before it was paid, it comes out of ``in_transit`` and the fee comes back too; after that, it is back at the bank
    and the fee was earned.
    """
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=payout.id, at=at)
    client, own = _cash(books)
    paid = payout.paid_at is not None
    parts: list[_Part] = [
        (kind, client if paid else books.account(Bucket.IN_TRANSIT.value), payout.amount_minor)
    ]
    if not paid and payout.tax_code is not None:
        fees, tax = books.platform_account(FEES_CODE), _tax_account(books, payout.tax_code)
        parts.append((TransferKind.FEE_RETURN, fees, payout.fee.fee_minor))
        parts.append((TransferKind.FEE_TAX_RETURN, tax, payout.fee.tax_minor))
    available, advance = (books.account(bucket.value) for bucket in (Bucket.AVAILABLE, Bucket.ADVANCE))
    owed = min(payout.advanced_minor, max(advanced_minor, 0))
    repaid: list[int] = []
    for part, debit, minor in parts:
        repaid.append(min(owed, minor))
        movement.move(part, debit, advance, repaid[-1])
        movement.move(part, debit, available, minor - repaid[-1])
        owed -= repaid[-1]
    movement.move(TransferKind.ADVANCE_REPAYMENT, own, client, repaid[0])
    fees_back = sum(minor for _, _, minor in parts[1:]) - sum(repaid[1:])
    movement.move(TransferKind.OWN_FUNDS, client, own, fees_back)
    return movement


def book_reversal(books: Books, reversal: Payout, at: datetime, changeset: ChangesetId) -> Movement:
    """The bank has brought a paid payout back: it is available again."""
    movement = Movement(MovementId.of(changeset, MONEY_POSITION), source=reversal.id, at=at)
    available = books.account(Bucket.AVAILABLE.value)
    movement.move(TransferKind.PAYOUT_REVERSAL, _cash(books)[0], available, reversal.amount_minor)
    return movement


def book_quota(
    books: Books, id: PayoutId, day: date, amount_minor: int, at: datetime, changeset: ChangesetId
) -> tuple[Transfer, ...]:
    """An instant payout counts under the Sydney day that it was asked for on."""
    movement = Movement(MovementId.of(changeset, QUOTA_POSITION), source=id, at=at)
    contra = books.account(Bucket.QUOTA_CONTRA.value)
    for account, count in zip(quota_accounts(books, day), (amount_minor, 1), strict=True):
        movement.move(TransferKind.QUOTA, account, contra, count)
    return tuple(movement.legs)


def book_quota_back(
    books: Books, payout: Payout, at: datetime, changeset: ChangesetId
) -> tuple[Transfer, ...]:
    """A payout that never arrived does not count under its day."""
    if payout.quota_day is None or payout.paid_at is not None:
        return ()
    movement = Movement(MovementId.of(changeset, QUOTA_POSITION), source=payout.id, at=at)
    contra = books.account(Bucket.QUOTA_CONTRA.value)
    for account, count in zip(quota_accounts(books, payout.quota_day), (payout.amount_minor, 1), strict=True):
        movement.move(TransferKind.QUOTA, contra, account, count)
    return tuple(movement.legs)


def _cash(books: Books) -> tuple[AccountId, AccountId]:
    """The merchants' money at the bank, and ours."""
    return (
        books.platform_account(Bucket.CLIENT_CASH.value),
        books.platform_account(Bucket.OWN_CASH.value),
    )


def _tax_account(books: Books, code: TaxCode) -> AccountId:
    return books.platform_account(code_of(Bucket.GST_PAYABLE, code))
