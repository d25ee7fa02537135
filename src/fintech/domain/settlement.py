"""Settlement: the bank has paid for a merchant's captures, and the merchant's money becomes available.

One settlement takes everything of the days up to a cut-off that is still unsettled, by scheme, and refunds that were
paid out of settled money. It settles balances, not lists, so running it again settles only what came late: nothing,
as a rule.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from attrs import frozen

from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.ids import ChangesetId, MerchantId, MovementId, SettlementId
from fintech.domain.ledger import AccountId, Balances, Books, Movement, Transfer, TransferKind
from fintech.domain.money import Currency

#: How many days one settlement takes, so that its legs (one a scheme and day, and a few) stay within 100.
DAYS_MAX: Final = 8
#: What receivables for refunds of settled money are kept by: the bank takes them off whatever it pays next.
LATER: Final = "refunds"


@frozen(kw_only=True, slots=False)
class Settlement:
    """What one settlement brought, in minor units.

    ``gross_minor`` is what the bank paid (negative when refunds outweigh it), ``earned_minor`` our fees and their tax,
    ``released_minor`` what left the unsettled buckets. Of it, ``advance_repaid_minor`` paid back what was paid out ahead
    of settlement, ``repaid_minor`` the merchant's debt; the rest became available.
    """

    id: SettlementId
    version: int
    merchant: MerchantId
    currency: Currency
    through: date
    gross_minor: int
    earned_minor: int
    released_minor: int
    repaid_minor: int
    settled_at: datetime
    movement: MovementId
    advance_repaid_minor: int = 0


@frozen
class BookedSettlement:
    """A settlement and what it does to the books."""

    settlement: Settlement
    transfers: tuple[Transfer, ...]


def settle(
    books: Books,
    balances: Mapping[AccountId, Balances],
    *,
    id: SettlementId,
    through: date,
    at: datetime,
    changeset: ChangesetId,
) -> BookedSettlement | None:
    """Settle what ``balances`` (the merchant's accounts of one currency) hold of the oldest `DAYS_MAX` open days.

    None when there is nothing to settle up to ``through``; call again until then. Pending refunds stay where they
    are, on both sides, until they resolve.
    """
    movement = Movement(MovementId.of(changeset, 0), source=id, at=at)
    days = _open_days(balances, through)
    gross, deferred = _receive(movement, books, balances, days)
    unsettled = {
        account: balances[account].spendable(Limit.DEBITS_WITHIN_CREDITS)
        for account in sorted(balances)
        if bucket_of(account.code) is Bucket.UNSETTLED and _kept_by(account) in days
    }
    released = sum(unsettled.values())
    earned = gross - deferred - released
    cash, own = (books.platform_account(bucket.value) for bucket in (Bucket.CLIENT_CASH, Bucket.OWN_CASH))
    movement.move(TransferKind.EARNINGS, own, cash, max(earned, 0))
    movement.move(TransferKind.OWN_FUNDS, cash, own, max(-earned, 0))
    repaid = _pour(movement, books, unsettled, balances)
    for kind, amount in repaid.items():
        movement.move(kind, own, cash, amount)
    if not movement.legs:
        return None
    settlement = Settlement(
        id=id,
        version=0,
        merchant=books.merchant,
        currency=books.currency,
        through=through,
        gross_minor=gross,
        earned_minor=earned,
        released_minor=released,
        repaid_minor=repaid[TransferKind.REPAYMENT],
        settled_at=at,
        movement=movement.id,
        advance_repaid_minor=repaid[TransferKind.ADVANCE_REPAYMENT],
    )
    return BookedSettlement(settlement, tuple(movement.legs))


def _open_days(balances: Mapping[AccountId, Balances], through: date) -> frozenset[str]:
    last = through.isoformat()
    days = {
        _kept_by(account)
        for account, balance in balances.items()
        if _kept_by(account) <= last
        and (
            (bucket_of(account.code) is Bucket.UNSETTLED and balance.spendable(Limit.DEBITS_WITHIN_CREDITS))
            or (bucket_of(account.code) is Bucket.SCHEME_RECEIVABLE and _owed(balance))
        )
    }
    return frozenset(sorted(days)[:DAYS_MAX])


def _receive(
    movement: Movement, books: Books, balances: Mapping[AccountId, Balances], days: frozenset[str]
) -> tuple[int, int]:
    """The bank pays for the days' captures and takes refunds of settled money: what it pays in all, and for those."""
    cash = books.platform_account(Bucket.CLIENT_CASH.value)
    gross = deferred = 0
    for account in sorted(balances):
        if bucket_of(account.code) is not Bucket.SCHEME_RECEIVABLE:
            continue
        balance = balances[account]
        if _kept_by(account) == LATER:
            owed = balance.debits_posted - balance.credits_posted
            deferred += owed
        elif _kept_by(account) in days:
            owed = _owed(balance)
        else:
            continue
        gross += owed
        movement.move(TransferKind.SETTLEMENT, cash, account, max(owed, 0))
        movement.move(TransferKind.SETTLEMENT, account, cash, max(-owed, 0))
    return gross, deferred


def _pour(
    movement: Movement,
    books: Books,
    unsettled: Mapping[AccountId, int],
    balances: Mapping[AccountId, Balances],
) -> dict[TransferKind, int]:
    """The waterfall: advances are repaid first, then what the merchant owes us; the rest becomes available.

    What was repaid in all, by kind.
    """
    debts = {
        kind: max(balances.get(account, Balances()).spendable(Limit.CREDITS_WITHIN_DEBITS), 0)
        for kind, account in debts_of(books).items()
    }
    repaid = dict.fromkeys(debts, 0)
    available = books.account(Bucket.AVAILABLE.value)
    for account, amount in unsettled.items():
        left = amount
        for kind, debt in debts_of(books).items():
            part = min(debts[kind] - repaid[kind], left)
            movement.move(kind, account, debt, part)
            repaid[kind] += part
            left -= part
        movement.move(TransferKind.RELEASE, account, available, left)
    return repaid


def debts_of(books: Books) -> dict[TransferKind, AccountId]:
    """What a merchant may owe us, in the order in which settlements repay it."""
    return {
        TransferKind.ADVANCE_REPAYMENT: books.account(Bucket.ADVANCE.value),
        TransferKind.REPAYMENT: books.account(Bucket.RECEIVABLE.value),
    }


def _owed(balance: Balances) -> int:
    """What a receivable still has to bring, less what pending refunds will take off it."""
    return balance.debits_posted - balance.credits_pending - balance.credits_posted


def _kept_by(account: AccountId) -> str:
    """The Sydney day of an account's code, or `LATER`, which sorts after every day."""
    return account.code.rpartition("/")[2]
