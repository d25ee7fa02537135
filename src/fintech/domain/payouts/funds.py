"""What a merchant could be paid out now, and what an instant payout costs.

An *advance* is money paid out before the bank has settled it. What stands behind it is a share of what is unsettled;
ADR 0010 says why the share is of all that is unsettled and not of what has not been advanced yet.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from attrs import frozen

from fintech.domain.balance_settings import InstantPolicy
from fintech.domain.chart import Bucket, Limit, bucket_of, code_of
from fintech.domain.guards import Backing
from fintech.domain.ledger import AccountId, Balances, Books
from fintech.domain.merchants import Fee
from fintech.domain.money import BASIS_POINTS, portion_minor
from fintech.domain.tax import tax_minor

_NOTHING: Final = Balances()


@frozen(kw_only=True)
class Funds:
    """What is on a merchant's accounts, in minor units. ``unsettled`` names the days that there is money on."""

    books: Books
    available_minor: int
    unsettled_minor: int
    reserved_minor: int
    advanced_minor: int
    receivable_minor: int
    unsettled: tuple[AccountId, ...] = ()

    @property
    def standard_minor(self) -> int:
        """What a standard payout may take: what is available, less what the merchant owes us."""
        return max(self.available_minor - self.receivable_minor, 0)

    def instant_minor(self, share_bps: int) -> int:
        """What an instant payout may take with its fee and tax: what is available and the share of what is unsettled
        that was not advanced yet, less what the merchant owes us. Nothing while it owes us more than is available."""
        if self.receivable_minor > self.available_minor:
            return 0
        shared = (self.unsettled_minor - self.reserved_minor) * share_bps // BASIS_POINTS
        return max(self.available_minor + shared - self.advanced_minor - self.receivable_minor, 0)

    @property
    def standard_backing(self) -> Backing:
        """What the commit of a standard payout is judged by: what is left covers what the merchant owes us."""
        return Backing(owed=(self._account(Bucket.RECEIVABLE),), cash=(self._account(Bucket.AVAILABLE),))

    def instant_backing(self, share_bps: int, advanced_minor: int) -> Backing:
        """What the commit of an instant payout is judged by: `instant_minor`, on what is there by then.

        One with an advance has taken all that was available. So what is available by then does not count for it: a
        settlement has made it of the unsettled money that was to repay the advance, and would never do so again.
        """
        return Backing(
            owed=(self._account(Bucket.ADVANCE), self._account(Bucket.RECEIVABLE)),
            cash=() if advanced_minor else (self._account(Bucket.AVAILABLE),),
            pledged=self.unsettled,
            reserved=(self._account(Bucket.RESERVED),),
            share_bps=share_bps,
        )

    def _account(self, bucket: Bucket) -> AccountId:
        return self.books.account(bucket.value)


def funds_of(books: Books, balances: Mapping[AccountId, Balances]) -> Funds:
    """What the merchant has, of the balances of all its accounts (`Store.books`)."""

    def spendable(bucket: Bucket) -> int:
        balance = balances.get(books.account(bucket.value), _NOTHING)
        return max(balance.spendable(Limit.DEBITS_WITHIN_CREDITS), 0)

    def owed(bucket: Bucket) -> int:
        return max(balances.get(books.account(bucket.value), _NOTHING).owed, 0)

    unsettled = {
        account: minor
        for account, balance in balances.items()
        if account.currency is books.currency
        and bucket_of(account.code) is Bucket.UNSETTLED
        and (minor := balance.spendable(Limit.DEBITS_WITHIN_CREDITS))
    }
    return Funds(
        books=books,
        available_minor=spendable(Bucket.AVAILABLE),
        unsettled_minor=sum(unsettled.values()),
        reserved_minor=spendable(Bucket.RESERVED),
        advanced_minor=owed(Bucket.ADVANCE),
        receivable_minor=owed(Bucket.RECEIVABLE),
        unsettled=tuple(sorted(unsettled)),
    )


@frozen
class InstantFunds:
    """What could be paid out instantly now, in minor units: with the fee and its tax, and what would arrive."""

    gross_minor: int
    net_minor: int


def instant_funds(
    books: Books, balances: Mapping[AccountId, Balances], policy: InstantPolicy, day: date
) -> InstantFunds:
    """What the balances allow on a Sydney day, whatever the day's and the payout's own limits say."""
    gross = funds_of(books, balances).instant_minor(policy.share_bps)
    return InstantFunds(gross, net_of_fee(policy, gross, day))


def instant_fee(policy: InstantPolicy, amount_minor: int, day: date) -> Fee:
    """The fee of an instant payout and the tax on it; they are paid on top of the amount."""
    fee = max(portion_minor(amount_minor, policy.fee_bps), policy.fee_min_minor)
    return Fee(fee, tax_minor(fee, policy.tax_code, day))


def net_of_fee(policy: InstantPolicy, gross_minor: int, day: date) -> int:
    """The largest amount that comes to no more than ``gross_minor`` with its fee and tax; 0 if there is none."""
    least, most = 0, max(gross_minor, 0)
    while least < most:
        amount = (least + most + 1) // 2
        if amount + instant_fee(policy, amount, day).total_minor <= gross_minor:
            least = amount
        else:
            most = amount - 1
    return least


def quota_accounts(books: Books, day: date) -> tuple[AccountId, AccountId]:
    """What a Sydney day's instant payouts are counted on: their amount, in minor units, and how many there were."""
    return (
        books.account(code_of(Bucket.QUOTA, "payout", day.isoformat(), "amount")),
        books.account(code_of(Bucket.QUOTA, "payout", day.isoformat(), "count")),
    )
