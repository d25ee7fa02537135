"""Double entry: accounts with pending and posted debits and credits, and immutable transfers between them.

The model is TigerBeetle's. A transfer moves an amount from a debit account to a credit account, at once (``POST``)
or in two phases: ``PENDING`` first, then once and only once ``POST_PENDING`` or ``VOID_PENDING``. A liability is
what we owe: credits raise it. An asset is what we have or are owed: debits raise it.
"""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import frozen

from fintech.domain.chart import Limit, is_daily
from fintech.domain.ids import MerchantId, MovementId, TransferId
from fintech.domain.money import AMOUNT_MAX_MINOR, Currency

#: The owner of platform accounts where a shard keeps one set for all its merchants.
PLATFORM: Final = MerchantId("acct_" + "0" * 24)


@frozen(order=True, cache_hash=True)
class AccountId:
    """One currency's account in its owner's books; the mode is the scope's."""

    owner: MerchantId
    code: str
    currency: Currency


@frozen
class Balances:
    """The four sums of an account, in minor units; each only ever grows, but for pending ones that resolve."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    def plus(self, other: "Balances") -> "Balances":
        """Both together."""
        return Balances(
            self.debits_pending + other.debits_pending,
            self.debits_posted + other.debits_posted,
            self.credits_pending + other.credits_pending,
            self.credits_posted + other.credits_posted,
        )

    def within(self, limit: Limit) -> bool:
        """Whether the limit holds: what is pending on the limited side counts, on the other side it does not."""
        if limit is Limit.DEBITS_WITHIN_CREDITS:
            return self.debits_pending + self.debits_posted <= self.credits_posted
        if limit is Limit.CREDITS_WITHIN_DEBITS:
            return self.credits_pending + self.credits_posted <= self.debits_posted
        return True

    @property
    def even(self) -> bool:
        """Whether nothing is pending and what came has gone."""
        return not (self.debits_pending or self.credits_pending) and self.debits_posted == self.credits_posted

    @property
    def owed(self) -> int:
        """What an asset account stands at if everything pending on its debit side comes about."""
        return self.debits_pending + self.debits_posted - self.credits_posted

    def spendable(self, limit: Limit) -> int:
        """How much more the limited side may take; of an account without a limit, its posted balance."""
        if limit is Limit.CREDITS_WITHIN_DEBITS:
            return self.debits_posted - self.credits_pending - self.credits_posted
        return self.credits_posted - self.debits_pending - self.debits_posted


def closed(account: AccountId, balances: Balances) -> bool:
    """Whether a day's account has nothing left on it. Something late may open it again."""
    return is_daily(account.code) and balances.even


class Phase(StrEnum):
    """What a transfer does to its two accounts."""

    POST = "post"
    PENDING = "pending"
    POST_PENDING = "post_pending"
    VOID_PENDING = "void_pending"


class TransferKind(StrEnum):
    """Why money moves. A movement is named by the kind of its first leg."""

    HOLD = "hold"
    CAPTURE = "capture"
    ACQUIRING_FEE = "acquiring_fee"
    FEE_TAX = "fee_tax"
    REFUND = "refund"
    REFUND_FAILURE = "refund_failure"
    FEE_RETURN = "fee_return"
    FEE_TAX_RETURN = "fee_tax_return"
    OWN_FUNDS = "own_funds"
    SETTLEMENT = "settlement"
    EARNINGS = "earnings"
    RELEASE = "release"
    REPAYMENT = "repayment"
    ADVANCE_REPAYMENT = "advance_repayment"
    PAYOUT = "payout"
    INSTANT_PAYOUT_FEE = "instant_payout_fee"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILURE = "payout_failure"
    PAYOUT_CANCEL = "payout_cancel"
    PAYOUT_REVERSAL = "payout_reversal"
    QUOTA = "quota"
    DISPUTE = "dispute"
    DISPUTE_FEE = "dispute_fee"
    DISPUTE_REVERSAL = "dispute_reversal"
    DISPUTE_FEE_RETURN = "dispute_fee_return"
    RESERVE = "reserve"
    RESERVE_RELEASE = "reserve_release"
    WRITE_OFF = "write_off"


@frozen(kw_only=True, slots=False)
class Transfer:
    """One leg of a movement. Immutable once committed; what was wrong is put right by another transfer.

    ``resolves`` names the pending transfer that this one posts or voids; accounts and amount are then the same as
    the pending one's. ``expires_at`` is for pending ones: from then on it can only be voided. ``source`` is the id
    of what the money moved for (a payment, a refund, a settlement).
    """

    id: TransferId
    kind: TransferKind
    phase: Phase = Phase.POST
    debit: AccountId
    credit: AccountId
    amount_minor: int
    source: str
    at: datetime
    resolves: TransferId | None = None
    expires_at: datetime | None = None


class Movement:
    """Collects the linked legs of one movement: they are committed together or not at all."""

    __slots__ = ("at", "id", "legs", "source")

    def __init__(self, id: MovementId, *, source: str, at: datetime) -> None:
        self.id = id
        self.source = source
        self.at = at
        self.legs: list[Transfer] = []

    def move(
        self,
        kind: TransferKind,
        debit: AccountId,
        credit: AccountId,
        amount_minor: int,
        *,
        phase: Phase = Phase.POST,
        resolves: TransferId | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        """Add a leg; an amount of nothing adds none. Raises ``ValueError`` for less than nothing."""
        if not 0 <= amount_minor <= AMOUNT_MAX_MINOR:
            message = "a transfer moves a whole, positive number of minor units"
            raise ValueError(message)
        if amount_minor:
            leg = Transfer(
                id=TransferId.of(self.id, len(self.legs)),
                kind=kind,
                phase=phase,
                debit=debit,
                credit=credit,
                amount_minor=amount_minor,
                source=self.source,
                at=self.at,
                resolves=resolves,
                expires_at=expires_at,
            )
            self.legs.append(leg)


@lru_cache(maxsize=65_536)
def _account(owner: MerchantId, code: str, currency: Currency) -> AccountId:
    return AccountId(owner, code, currency)


@frozen
class Books:
    """Names the accounts of one merchant, and those of the platform that stand against them.

    ``platform`` owns the platform's accounts: the merchant itself, so that its books balance alone and can be moved
    to another shard, or `PLATFORM` where a shard keeps one set.
    """

    merchant: MerchantId
    currency: Currency
    platform: MerchantId

    @classmethod
    def of(cls, merchant: MerchantId, currency: Currency) -> "Books":
        """A merchant's books with platform accounts of their own."""
        return cls(merchant, currency, merchant)

    def account(self, code: str) -> AccountId:
        """An account of the merchant."""
        return _account(self.merchant, code, self.currency)

    def platform_account(self, code: str) -> AccountId:
        """An account of the platform."""
        return _account(self.platform, code, self.currency)
