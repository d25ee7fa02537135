"""A payout's steps as pure functions: every cent has its opposite leg, and merchants' money is always covered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve as altered
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.balance_settings import DEFAULT_INSTANT, BalanceSettings, InstantPolicy, default_settings
from fintech.domain.bank_accounts import AccountDetails, BankAccount, new_bank_account
from fintech.domain.chart import BALANCE_BUCKETS, Bucket, bucket_of, rule_of
from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId, ChangesetId, MerchantId, MovementId, PayoutId
from fintech.domain.ledger import AccountId, Balances, Books, Movement, Transfer, TransferKind
from fintech.domain.lines import line_amounts, touches_balance
from fintech.domain.merchants import DEFAULT_FEES, DEFAULT_LIMITS, Merchant, Standing
from fintech.domain.money import Currency
from fintech.domain.moves import net_moves
from fintech.domain.outcome import Failure, Success
from fintech.domain.payouts.lifecycle import (
    advance_account,
    payout_answered,
    payout_canceled,
    payout_postponed,
    payout_returned,
    payout_sent,
    reversal_failed,
    reversal_sent,
)
from fintech.domain.payouts.making import Asked, BookedPayout, payout_made
from fintech.domain.payouts.payout import OPEN, TRANSITIONS, Payout, PayoutFailure, PayoutMethod, PayoutStatus
from fintech.domain.payouts.refusals import NotReversible, PayoutWrongStatus
from fintech.domain.payouts.replies import Accepted, EnquiryReply, NeverSeen, Paid, Rejected, Unknown
from fintech.domain.tax import TaxCode

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
MERCHANT = Merchant(
    id=MerchantId("acct_" + "m" * 24),
    version=1,
    name="Kiosk",
    standing=Standing.ACTIVE,
    currency=Currency.AUD,
    fees=DEFAULT_FEES,
    limits=DEFAULT_LIMITS,
    created_at=NOW,
)
BOOKS = Books.of(MERCHANT.id, Currency.AUD)
SETTINGS: BalanceSettings = default_settings(MERCHANT.id, NOW)
ACCOUNT: BankAccount = new_bank_account(
    id=BankAccountId("ba_" + "b" * 24),
    details=AccountDetails(holder="Kiosk", bsb="000000", number="000123456"),
    fingerprint="F",
    currency=Currency.AUD,
    at=NOW,
)
MANY = 10**9
OPEN_POLICY: InstantPolicy = altered(
    DEFAULT_INSTANT, payout_min_minor=1, payout_max_minor=MANY, day_max_minor=MANY, day_count_max=MANY
)
OWED = (Bucket.AVAILABLE, Bucket.RESERVED, Bucket.IN_TRANSIT)


class Ledger:
    """Balances that transfers are booked on; no account passes its limit."""

    def __init__(self, available: int, unsettled: int) -> None:
        self.balances: dict[AccountId, Balances] = {
            BOOKS.account("available"): Balances(credits_posted=available),
            BOOKS.account("unsettled/2026-11-23"): Balances(credits_posted=unsettled),
            BOOKS.platform_account("client_cash"): Balances(debits_posted=available),
        }
        self.changesets = 0

    def changeset(self) -> ChangesetId:
        self.changesets += 1
        return ChangesetId(f"cs_{self.changesets:024d}")

    def book(self, transfers: tuple[Transfer, ...]) -> None:
        """Book them; no account of the merchant passes its limit, and its money is at the bank to the cent."""
        for account, move in net_moves(transfers).items():
            self.balances[account] = self.balances.get(account, Balances()).plus(move)
            assert self.balances[account].within(rule_of(account.code).limit), account
        assert self.net(Bucket.CLIENT_CASH) == -sum(self.net(bucket) for bucket in OWED)

    def net(self, bucket: Bucket) -> int:
        """Debits less credits."""
        return sum(
            balance.debits_posted - balance.credits_posted
            for account, balance in self.balances.items()
            if bucket_of(account.code) is bucket
        )

    @property
    def merchants(self) -> int:
        """The merchant's balance: what we owe it less what it owes us."""
        return -sum(self.net(bucket) for bucket in BALANCE_BUCKETS)

    @property
    def advanced(self) -> int:
        return self.balances.get(advance_account(BOOKS), Balances()).owed


def made(
    ledger: Ledger, method: PayoutMethod, amount: int | None = None, *, later: bool = False, **more: Any
) -> Any:
    """A payout of what the ledger has."""
    settings = evolve(SETTINGS, destination=ACCOUNT.id, instant=more.pop("policy", OPEN_POLICY))
    return payout_made(
        more.pop("merchant", MERCHANT),
        settings,
        ledger.balances,
        ACCOUNT,
        Asked(amount_minor=amount, method=method, **more),
        id=PayoutId("po_" + "p" * 24),
        send_at=NOW + timedelta(seconds=5 if later else 0),
        at=NOW,
        changeset=ledger.changeset(),
    )


def booked(ledger: Ledger, outcome: Any) -> Payout:
    """What a step came to, once it is booked; its line says what it did to the balance."""
    assert isinstance(outcome, Success), outcome
    step = outcome.unwrap()
    assert isinstance(step, BookedPayout)
    before = ledger.merchants
    ledger.book(step.transfers)
    money = [leg for leg in step.transfers if leg.kind is not TransferKind.QUOTA]
    if money and touches_balance(money):
        assert line_amounts(money).net_minor == ledger.merchants - before
    else:
        assert ledger.merchants == before
    return step.payout


MINOR = st.integers(0, 1_000_000)
POLICIES = st.builds(
    altered,
    st.just(OPEN_POLICY),
    share_bps=st.integers(0, 10_000),
    fee_bps=st.integers(0, 1_000),
    fee_min_minor=st.integers(0, 1_000),
    tax_code=st.sampled_from(TaxCode),
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[Ledger, Payout | None]:
    """A payout that was made of some ledger, and what was repaid of its advance since."""
    ledger = Ledger(draw(MINOR), draw(MINOR))
    method = draw(st.sampled_from(PayoutMethod))
    outcome = made(
        ledger,
        method,
        draw(st.none() | st.integers(1, 500_000)),
        later=draw(st.booleans()),
        policy=draw(POLICIES),
    )
    if isinstance(outcome, Failure):
        return ledger, None
    payout = booked(ledger, outcome)
    return ledger, payout


@given(lives())
def test_a_payout_made_takes_its_total_and_no_more_than_there_is(
    life: tuple[Ledger, Payout | None],
) -> None:
    ledger, payout = life
    if payout is None:
        return
    assert -ledger.net(Bucket.IN_TRANSIT) == payout.amount_minor == payout.in_transit_minor
    assert ledger.advanced == payout.advanced_minor
    assert -ledger.net(Bucket.AVAILABLE) >= 0
    assert payout.advanced_minor == 0 or ledger.net(Bucket.AVAILABLE) == 0
    assert payout.movement is not None


@given(lives(), st.data())
def test_whatever_becomes_of_it_every_cent_is_accounted_for(
    life: tuple[Ledger, Payout | None], data: st.DataObject
) -> None:
    ledger, payout = life
    if payout is None:
        return
    total, before = payout.total_minor, ledger.merchants
    repay(ledger, data.draw(st.integers(0, payout.advanced_minor)))
    if payout.status is PayoutStatus.PENDING and data.draw(st.booleans()):
        after = booked(ledger, payout_canceled(payout, BOOKS, ledger.advanced, NOW, ledger.changeset()))
        assert (after.status, ledger.merchants) == (PayoutStatus.CANCELED, before + total)
    else:
        if payout.status is PayoutStatus.PENDING:
            payout = payout_sent(payout, NOW).unwrap()
        payout = told(ledger, payout, data)
        gave_back = {
            PayoutStatus.PAID: 0,
            PayoutStatus.FAILED: payout.amount_minor if payout.paid_at else total,
        }
        assert ledger.merchants == before + gave_back.get(payout.status, 0)
        after = payout
    assert -ledger.net(Bucket.IN_TRANSIT) == after.in_transit_minor
    day_gone = after.quota_day is None or (after.status not in OPEN and after.paid_at is None)
    assert ledger.net(Bucket.QUOTA) == (0 if day_gone else after.amount_minor + 1)


def repay(ledger: Ledger, amount: int) -> None:
    """Settlement repays part of the advance: unsettled money becomes cash, and ours."""
    movement = Movement(MovementId.of(ledger.changeset(), 0), source="stl", at=NOW)
    movement.move(
        TransferKind.ADVANCE_REPAYMENT, BOOKS.account("unsettled/2026-11-23"), advance_account(BOOKS), amount
    )
    ledger.book(tuple(movement.legs))


def told(ledger: Ledger, payout: Payout, data: st.DataObject) -> Payout:
    """The bank and the clock have their say."""
    replies: tuple[EnquiryReply | PayoutFailure, ...] = (
        Accepted(reference="r", arrival_at=NOW),
        Paid(reference="r"),
        Rejected(PayoutFailure.ACCOUNT_CLOSED),
        Unknown("?"),
        NeverSeen(),
        PayoutFailure.NO_ACCOUNT,
    )
    for reply in data.draw(st.lists(st.sampled_from(replies), max_size=6)):
        if isinstance(reply, PayoutFailure):
            step = payout_returned(payout, BOOKS, ledger.advanced, reply, NOW, ledger.changeset())
        else:
            step = payout_answered(payout, BOOKS, ledger.advanced, reply, NOW, ledger.changeset())
        if isinstance(step, Failure):
            assert payout.status in (PayoutStatus.PAID, PayoutStatus.FAILED)
            continue
        after = booked(ledger, step)
        assert after.status is payout.status or after.status in TRANSITIONS[payout.status]
        assert (after.due_at is not None) == (after.status in OPEN)
        payout = after
    return payout


# -- one by one


def standard(status: PayoutStatus) -> Payout:
    payout: Payout = made(Ledger(10_000, 0), PayoutMethod.STANDARD, 4_000).unwrap().payout
    return evolve(payout, status=status)


@pytest.mark.parametrize("status", set(PayoutStatus) - {PayoutStatus.PENDING})
def test_only_what_waits_is_sent_or_cancelled(status: PayoutStatus) -> None:
    payout = standard(status)
    assert payout_sent(payout, NOW) == Failure(PayoutWrongStatus(status, "send"))
    refused = payout_canceled(payout, BOOKS, 0, NOW, ChangesetId("cs_" + "c" * 24))
    assert refused == Failure(PayoutWrongStatus(status, "cancel"))


@pytest.mark.parametrize(
    "status", [PayoutStatus.PENDING, PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.CANCELED]
)
def test_only_what_was_asked_is_answered(status: PayoutStatus) -> None:
    for reply in (Paid(reference="r"), Rejected(PayoutFailure.DECLINED), Unknown("?")):
        refused = payout_answered(standard(status), BOOKS, 0, reply, NOW, ChangesetId("cs_" + "c" * 24))
        assert refused == Failure(PayoutWrongStatus(status, "answer"))


@pytest.mark.parametrize("status", set(PayoutStatus) - {PayoutStatus.PAID})
def test_only_what_was_paid_is_reversed(status: PayoutStatus) -> None:
    refused = reversal_sent(standard(status), id=PayoutId("po_" + "r" * 24), at=NOW)
    assert refused == Failure(PayoutWrongStatus(status, "reverse"))


def test_a_reversal_has_nothing_in_transit_and_takes_nothing_from_the_balance() -> None:
    original = standard(PayoutStatus.PAID)
    reversing = reversal_sent(original, id=PayoutId("po_" + "r" * 24), at=NOW).unwrap()
    reversal = reversing.reversal
    assert (reversal.in_transit_minor, reversal.total_minor, reversal.amount_minor) == (0, 0, 4_000)
    assert reversing.original.reversed_by == reversal.id
    assert reversal_failed(reversing.original, reversal.id) == original
    assert reversal_failed(original, reversal.id) is None
    again = reversal_sent(reversing.original, id=PayoutId("po_" + "s" * 24), at=NOW)
    assert again == Failure(NotReversible(reversal.id))
    back = evolve(reversal, status=PayoutStatus.PAID)
    refused = payout_returned(back, BOOKS, 0, PayoutFailure.NO_ACCOUNT, NOW, ChangesetId("cs_" + "c" * 24))
    assert refused == Failure(PayoutWrongStatus(PayoutStatus.PAID, "return"))


@pytest.mark.parametrize("status", PayoutStatus)
def test_what_is_postponed_is_due_then_and_stays_what_it_is(status: PayoutStatus) -> None:
    later = NOW + timedelta(hours=1)
    after = payout_postponed(standard(status), later)
    assert (after.status, after.due_at) == (status, later)


def test_delays_grow_and_never_end() -> None:
    payout, at = standard(PayoutStatus.SENT), NOW
    waits = []
    for _ in range(12):
        step = payout_answered(payout, BOOKS, 0, Unknown("?"), at, ChangesetId("cs_" + "c" * 24))
        payout = step.unwrap().payout
        assert payout.due_at is not None
        waits.append((payout.due_at - at).total_seconds())
        at = payout.due_at
    assert waits == [1, 2, 5, 15, 60, 300, 900, 3600, 3600, 3600, 3600, 3600]
