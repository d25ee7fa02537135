"""How a payout is made: what it may come to, what it costs, and what it does to the books."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from attrs import frozen

from fintech.domain.balance_settings import BalanceSettings, InstantPolicy
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.business_days import sydney_day
from fintech.domain.chart import Bucket
from fintech.domain.evolving import evolve
from fintech.domain.guards import Backing, Ceiling
from fintech.domain.ids import ChangesetId, MovementId, PayoutId
from fintech.domain.ledger import AccountId, Balances, Books, Transfer
from fintech.domain.merchants import NO_FEE, Merchant, Standing
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import ANSWER_PATIENCE
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall, MerchantMayNot, MerchantReason
from fintech.domain.payouts.booking import MONEY_POSITION, book_payout, book_quota
from fintech.domain.payouts.funds import Funds, funds_of, instant_fee, net_of_fee, quota_accounts
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.payouts.refusals import (
    BalanceInsufficient,
    CoolingOff,
    InstantLimit,
    InstantLimitReached,
    PayoutRuleRefusal,
)
from fintech.domain.tax import TaxCode


@frozen(kw_only=True)
class Asked:
    """What is asked for. Without an amount (minor units), all that there is.

    ``automatic``: the schedule asks, so that the merchant's minimum stays in the balance.
    """

    amount_minor: int | None
    method: PayoutMethod
    description: str | None = None
    statement_descriptor: str | None = None
    metadata: Metadata = ()
    automatic: bool = False


@frozen
class BookedPayout:
    """A changed payout, what the change does to the books, and what its commit is judged by."""

    payout: Payout
    transfers: tuple[Transfer, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    backing: Backing | None = None


def payout_made(
    merchant: Merchant,
    settings: BalanceSettings,
    balances: Mapping[AccountId, Balances],
    destination: BankAccount,
    asked: Asked,
    *,
    id: PayoutId,
    send_at: datetime,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedPayout, PayoutRuleRefusal]:
    """The intent: the money leaves the balance. ``balances`` are the merchant's books and its `quota_accounts` of today.

    It waits until ``send_at``, the bank's next window, and can be cancelled until then; when the window is open, it
    counts as sent. Refused by a merchant's standing, by an instant payout's policy, and when there is not enough.
    """
    if merchant.standing is not Standing.ACTIVE:
        return Failure(MerchantMayNot(MerchantReason(merchant.standing.value)))
    books = Books.of(merchant.id, merchant.currency)
    funds = funds_of(books, balances)
    payout = Payout(
        id=id,
        version=0,
        method=asked.method,
        amount_minor=0,
        currency=merchant.currency,
        status=PayoutStatus.PENDING,
        destination=destination.id,
        created_at=at,
        automatic=asked.automatic,
        movement=MovementId.of(changeset, MONEY_POSITION),
        send_at=send_at,
        description=asked.description,
        statement_descriptor=asked.statement_descriptor,
        metadata=asked.metadata,
    )
    if send_at <= at:
        payout = evolve(
            payout, status=PayoutStatus.SENT, sent_at=at, next_try_at=at + ANSWER_PATIENCE, send_at=None
        )
    if asked.method is PayoutMethod.STANDARD:
        return _standard(settings, funds, asked, payout, at, changeset)
    if until := cooling_off(settings, destination, at):
        return Failure(CoolingOff(until))
    return _instant(settings, funds, balances, asked, payout, at, changeset)


def cooling_off(settings: BalanceSettings, destination: BankAccount, at: datetime) -> datetime | None:
    """Until when nothing is paid out instantly since the bank account changed; None if that is over.

    The default account's change counts, and the adding of one that is not the default. A merchant's first account is
    no change: nobody's money could go astray by it.
    """
    changes = [settings.destination_since]
    if destination.id != settings.destination:
        changes.append(destination.created_at)
    lasts = timedelta(hours=settings.instant.cool_off_h)
    until = max((change + lasts for change in changes if change is not None), default=at)
    return until if until > at else None


def _standard(
    settings: BalanceSettings,
    funds: Funds,
    asked: Asked,
    payout: Payout,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedPayout, PayoutRuleRefusal]:
    """Out of what is available, free of charge."""
    kept = settings.minimum_minor if asked.automatic else 0
    obtainable = max(funds.standard_minor - kept, 0)
    amount = obtainable if asked.amount_minor is None else asked.amount_minor
    if asked.amount_minor is not None and amount < 1:
        return Failure(AmountTooSmall(1))
    if not 1 <= amount <= obtainable:
        return Failure(BalanceInsufficient(obtainable))
    drawn = book_payout(
        funds.books,
        id=payout.id,
        amount_minor=amount,
        fee=NO_FEE,
        tax_code=TaxCode.GST,
        available_minor=amount,
        at=at,
        changeset=changeset,
    )
    made = evolve(payout, amount_minor=amount)
    return Success(BookedPayout(made, drawn.transfers, backing=funds.standard_backing))


def _instant(
    settings: BalanceSettings,
    funds: Funds,
    balances: Mapping[AccountId, Balances],
    asked: Asked,
    payout: Payout,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedPayout, PayoutRuleRefusal]:
    """Out of what is available and then of what is not settled yet, for a fee, within the policy and the day."""
    policy, books, day = settings.instant, funds.books, sydney_day(at)
    gross = funds.instant_minor(policy.share_bps)
    net = net_of_fee(policy, gross, day)
    amount = net if asked.amount_minor is None else asked.amount_minor
    if asked.amount_minor is None and not net:
        return Failure(BalanceInsufficient(0))
    if refused := _policy_refused(policy, books, balances, amount, day):
        return Failure(refused)
    fee = instant_fee(policy, amount, day)
    if amount + fee.total_minor > gross:
        return Failure(BalanceInsufficient(net))
    drawn = book_payout(
        books,
        id=payout.id,
        amount_minor=amount,
        fee=fee,
        tax_code=policy.tax_code,
        available_minor=funds.available_minor,
        at=at,
        changeset=changeset,
    )
    made = evolve(
        payout,
        amount_minor=amount,
        fee=fee,
        tax_code=policy.tax_code,
        advanced_minor=drawn.advanced_minor,
        quota_day=day,
    )
    counted = book_quota(books, payout.id, day, amount, at, changeset)
    return Success(
        BookedPayout(
            made,
            (*drawn.transfers, *counted),
            _instant_ceilings(policy, funds, day),
            funds.instant_backing(policy.share_bps, drawn.advanced_minor),
        )
    )


def _instant_ceilings(policy: InstantPolicy, funds: Funds, day: date) -> tuple[Ceiling, ...]:
    """The day's amount and count, and what is owed to us: no more than when it was looked at."""
    amount, count = quota_accounts(funds.books, day)
    return (
        Ceiling(amount, policy.day_max_minor),
        Ceiling(count, policy.day_count_max),
        Ceiling(funds.books.account(Bucket.RECEIVABLE.value), funds.receivable_minor),
    )


def _policy_refused(
    policy: InstantPolicy,
    books: Books,
    balances: Mapping[AccountId, Balances],
    amount_minor: int,
    day: date,
) -> AmountTooSmall | AmountTooLarge | InstantLimitReached | None:
    """What one payout may come to, and all of a Sydney day's."""
    if amount_minor < (least := max(policy.payout_min_minor, 1)):
        return AmountTooSmall(least)
    if amount_minor > policy.payout_max_minor:
        return AmountTooLarge(policy.payout_max_minor)
    amount, count = (balances.get(account, Balances()).owed for account in quota_accounts(books, day))
    if count + 1 > policy.day_count_max:
        return InstantLimitReached(InstantLimit.COUNT, 0)
    if amount + amount_minor > policy.day_max_minor:
        return InstantLimitReached(InstantLimit.AMOUNT, max(policy.day_max_minor - amount, 0))
    return None
