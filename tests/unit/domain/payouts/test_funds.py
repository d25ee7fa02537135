"""What could be paid out, and what it costs: to the cent, whatever the balances are."""

from datetime import date

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.balance_settings import DEFAULT_INSTANT, InstantPolicy
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId, Balances, Books
from fintech.domain.money import Currency
from fintech.domain.payouts.funds import (
    Funds,
    InstantFunds,
    funds_of,
    instant_fee,
    instant_funds,
    net_of_fee,
)
from fintech.domain.tax import TaxCode

BOOKS = Books.of(MerchantId("acct_" + "f" * 24), Currency.AUD)
DAY = date(2026, 11, 23)
MINOR = st.integers(0, 10**9)


def balances(**minor: int) -> dict[AccountId, Balances]:
    """What is on accounts: assets are owed, everything else is what we owe. ``unsettled_23`` is a day's."""
    found = {}
    for name, amount in minor.items():
        code = name.replace("unsettled_", "unsettled/2026-11-")
        owed = name in ("advance", "receivable")
        found[BOOKS.account(code)] = (
            Balances(debits_posted=amount) if owed else Balances(credits_posted=amount)
        )
    return found


def test_funds_are_what_is_on_the_accounts() -> None:
    held = balances(available=100, unsettled_22=30, unsettled_23=20, reserved=5, advance=7, receivable=9)
    other = AccountId(BOOKS.merchant, "unsettled/2026-11-23", Currency.NZD)
    held |= {other: Balances(credits_posted=1_000), BOOKS.account("unsettled/2026-11-21"): Balances()}
    assert funds_of(BOOKS, held) == Funds(
        books=BOOKS,
        available_minor=100,
        unsettled_minor=50,
        reserved_minor=5,
        advanced_minor=7,
        receivable_minor=9,
        unsettled=(BOOKS.account("unsettled/2026-11-22"), BOOKS.account("unsettled/2026-11-23")),
    )


def test_what_is_reserved_by_open_refunds_is_not_there() -> None:
    held = {
        BOOKS.account("available"): Balances(credits_posted=100, debits_pending=30),
        BOOKS.account("unsettled/2026-11-23"): Balances(credits_posted=100, debits_pending=10),
    }
    funds = funds_of(BOOKS, held)
    assert (funds.available_minor, funds.unsettled_minor) == (70, 90)


def test_who_has_nothing_has_nothing() -> None:
    assert instant_funds(BOOKS, {}, DEFAULT_INSTANT, DAY) == InstantFunds(0, 0)


def test_instant_funds_are_said_with_and_without_the_fee() -> None:
    held = balances(available=1_961, unsettled_23=9_807)
    assert instant_funds(BOOKS, held, DEFAULT_INSTANT, DAY) == InstantFunds(9_806, 9_646)
    assert (
        instant_fee(DEFAULT_INSTANT, 9_647, DAY).total_minor == 145 + 15
    )  # one cent less than the next amount's


FUNDS = st.builds(
    Funds,
    books=st.just(BOOKS),
    available_minor=MINOR,
    unsettled_minor=MINOR,
    reserved_minor=MINOR,
    advanced_minor=MINOR,
    receivable_minor=MINOR,
)


@given(FUNDS, st.integers(0, 10_000))
def test_instant_funds_are_never_more_than_the_share_or_less_than_nothing(funds: Funds, share: int) -> None:
    instant = funds.instant_minor(share)
    assert instant >= 0
    shared = (funds.unsettled_minor - funds.reserved_minor) * share // 10_000
    assert (
        instant == 0
        or instant <= funds.available_minor + shared - funds.advanced_minor - funds.receivable_minor
    )
    # What the ledger's page says, with the share of what has not been advanced, is never less.
    literal = (
        funds.available_minor
        + (funds.unsettled_minor - funds.advanced_minor - funds.reserved_minor) * share // 10_000
    )
    assert instant <= max(literal - funds.receivable_minor, 0) + 1
    assert funds.standard_minor <= funds.available_minor


@given(FUNDS, st.integers(0, 10_000), st.integers(1, 10**9))
def test_the_commit_judges_by_what_was_decided_by(funds: Funds, share: int, taken: int) -> None:
    """A payout of no more than the instant funds passes its backing, one of more does not."""
    held = _held(funds)
    drawn = min(taken, funds.available_minor)
    held[BOOKS.account("available")] = Balances(credits_posted=funds.available_minor, debits_posted=drawn)
    held[BOOKS.account("advance")] = Balances(debits_posted=funds.advanced_minor + taken - drawn)
    unsettled = (BOOKS.account("unsettled/2026-11-23"),)
    backing = evolve(funds, unsettled=unsettled).instant_backing(share, taken - drawn)
    room = backing.room_minor(lambda account: held[account])
    if funds.receivable_minor <= funds.available_minor:
        assert (room >= 0) == (taken <= _unbounded(funds, share))


def _unbounded(funds: Funds, share: int) -> int:
    shared = (funds.unsettled_minor - funds.reserved_minor) * share // 10_000
    return funds.available_minor + shared - funds.advanced_minor - funds.receivable_minor


def _held(funds: Funds) -> dict[AccountId, Balances]:
    return balances(
        available=funds.available_minor,
        unsettled_23=funds.unsettled_minor,
        reserved=funds.reserved_minor,
        advance=funds.advanced_minor,
        receivable=funds.receivable_minor,
    )


POLICIES = st.builds(
    evolve,
    st.just(DEFAULT_INSTANT),
    fee_bps=st.integers(0, 1_000),
    fee_min_minor=st.integers(0, 10_000),
    tax_code=st.sampled_from(TaxCode),
)


@given(POLICIES, MINOR)
def test_net_is_the_largest_amount_whose_fee_is_paid_as_well(policy: InstantPolicy, gross: int) -> None:
    net = net_of_fee(policy, gross, DAY)
    assert net == 0 or net + instant_fee(policy, net, DAY).total_minor <= gross
    assert net + 1 + instant_fee(policy, net + 1, DAY).total_minor > gross


@given(POLICIES, MINOR, MINOR)
def test_a_larger_amount_costs_no_less(policy: InstantPolicy, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert instant_fee(policy, less, DAY).total_minor <= instant_fee(policy, more, DAY).total_minor


def test_a_fee_without_tax_has_none() -> None:
    untaxed = evolve(DEFAULT_INSTANT, tax_code=TaxCode.INPUT_TAXED)
    assert instant_fee(untaxed, 10_000, DAY).tax_minor == 0
