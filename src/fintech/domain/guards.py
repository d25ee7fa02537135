"""What a commit is judged by beside the limits of accounts: policies about money, on the balances that it holds."""

from collections.abc import Callable

from attrs import frozen

from fintech.domain.chart import Limit
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.money import BASIS_POINTS


@frozen
class Ceiling:
    """What a merchant's policy lets an asset account come to (`Balances.owed`), judged in the commit."""

    account: AccountId
    most_minor: int


@frozen(kw_only=True)
class Backing:
    """What has to stand behind money that was paid out ahead of settlement, judged in the commit.

    What is on ``owed`` (asset accounts, `Balances.owed`) may come to no more than what can be spent of ``cash``, and
    ``share_bps`` (basis points) of what can be spent of ``pledged`` less ``reserved`` (liability accounts). An account
    that is not named counts for nothing; so money that came since the accounts were named only makes it stricter than
    it need be.
    """

    owed: tuple[AccountId, ...]
    cash: tuple[AccountId, ...] = ()
    pledged: tuple[AccountId, ...] = ()
    reserved: tuple[AccountId, ...] = ()
    share_bps: int = 0

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        """Every account whose balance it is judged by."""
        return self.owed + self.cash + self.pledged + self.reserved

    def room_minor(self, balance_of: Callable[[AccountId], Balances]) -> int:
        """How much more may be owed; less than nothing where what is owed is not covered. Rounded down."""
        owed = sum(balance_of(account).owed for account in self.owed)
        cash, pledged, reserved = (
            sum(balance_of(account).spendable(Limit.DEBITS_WITHIN_CREDITS) for account in accounts)
            for accounts in (self.cash, self.pledged, self.reserved)
        )
        return cash + (pledged - reserved) * self.share_bps // BASIS_POINTS - owed
