"""Accounts, balances, transfers and movements."""

from datetime import date
from typing import Any

import pytest

from fintech.domain.chart import (
    BALANCE_BUCKETS,
    CHART,
    MERCHANT_BUCKETS,
    AccountKind,
    Bucket,
    Limit,
    bucket_of,
    code_of,
    rule_of,
    unsettled_on,
)
from fintech.domain.ids import ChangesetId, MerchantId, MovementId, TransferId
from fintech.domain.ledger import (
    PLATFORM,
    AccountId,
    Balances,
    Books,
    Movement,
    Phase,
    Transfer,
    TransferKind,
    closed,
)
from fintech.domain.lines import touches_balance
from fintech.domain.money import AMOUNT_MAX_MINOR, Currency
from tests.unit.domain.desk import NOON

BOOKS = Books.of(MerchantId("acct_" + "m" * 24), Currency.AUD)
MOVEMENT = MovementId.of(ChangesetId("cs_" + "0" * 24), 0)


def transfer(**changes: Any) -> Transfer:
    plain: dict[str, Any] = {
        "id": TransferId.of(MOVEMENT, 0),
        "kind": TransferKind.CAPTURE,
        "debit": BOOKS.account("scheme_receivable/visa/2026-11-23"),
        "credit": BOOKS.account("unsettled/2026-11-23"),
        "amount_minor": 1,
        "source": "pi",
        "at": NOON,
    }
    return Transfer(**(plain | changes))


def test_the_chart_is_complete() -> None:
    assert set(CHART) == set(Bucket)
    for bucket in MERCHANT_BUCKETS:
        assert CHART[bucket].kind is AccountKind.LIABILITY
        assert CHART[bucket].limit is Limit.DEBITS_WITHIN_CREDITS


def test_a_balance_is_what_we_owe_less_what_the_merchant_owes() -> None:
    owes = {Bucket.ADVANCE, Bucket.RECEIVABLE}
    assert owes == BALANCE_BUCKETS - MERCHANT_BUCKETS
    assert all(CHART[bucket].kind is AccountKind.ASSET for bucket in owes)


@pytest.mark.parametrize("bucket", Bucket)
def test_limits_are_on_the_side_that_runs_out(bucket: Bucket) -> None:
    limited = {
        Bucket.UNSETTLED: Limit.DEBITS_WITHIN_CREDITS,
        Bucket.AVAILABLE: Limit.DEBITS_WITHIN_CREDITS,
        Bucket.RESERVED: Limit.DEBITS_WITHIN_CREDITS,
        Bucket.IN_TRANSIT: Limit.DEBITS_WITHIN_CREDITS,
        Bucket.ADVANCE: Limit.CREDITS_WITHIN_DEBITS,
        Bucket.RECEIVABLE: Limit.CREDITS_WITHIN_DEBITS,
    }
    assert rule_of(bucket.value).limit is limited.get(bucket, Limit.NONE)


def test_codes() -> None:
    day = date(2026, 1, 2)
    assert unsettled_on(day) == code_of(Bucket.UNSETTLED, "2026-01-02") == "unsettled/2026-01-02"
    assert bucket_of("unsettled/2026-01-02") is Bucket.UNSETTLED
    assert rule_of("scheme_receivable/visa/2026-01-02") is CHART[Bucket.SCHEME_RECEIVABLE]
    with pytest.raises(ValueError, match="slush"):
        bucket_of("slush/2026-01-02")


@pytest.mark.parametrize(
    ("balances", "limit", "within", "spendable"),
    [
        (Balances(0, 100, 0, 100), Limit.DEBITS_WITHIN_CREDITS, True, 0),
        (Balances(1, 100, 0, 100), Limit.DEBITS_WITHIN_CREDITS, False, -1),
        (Balances(40, 10, 0, 100), Limit.DEBITS_WITHIN_CREDITS, True, 50),
        (Balances(0, 101, 5, 100), Limit.DEBITS_WITHIN_CREDITS, False, -1),  # hoped-for credits pay nothing
        (Balances(0, 100, 0, 100), Limit.CREDITS_WITHIN_DEBITS, True, 0),
        (Balances(0, 100, 1, 100), Limit.CREDITS_WITHIN_DEBITS, False, -1),
        (Balances(0, 100, 40, 10), Limit.CREDITS_WITHIN_DEBITS, True, 50),
        (Balances(5, 100, 0, 101), Limit.CREDITS_WITHIN_DEBITS, False, -1),
        (Balances(9, 100, 9, 30), Limit.NONE, True, -79),
    ],
)
def test_what_is_pending_counts_on_the_limited_side_only(
    balances: Balances, limit: Limit, within: bool, spendable: int
) -> None:
    assert balances.within(limit) is within
    assert balances.spendable(limit) == spendable


def test_what_is_owed_counts_what_is_about_to_be() -> None:
    assert Balances(5, 100, 7, 30).owed == 75


def test_balances_add_up_side_by_side() -> None:
    assert Balances(1, 2, 3, 4).plus(Balances(10, 20, 30, 40)) == Balances(11, 22, 33, 44)


def test_a_movement_numbers_its_legs_and_leaves_out_nothings() -> None:
    movement = Movement(MOVEMENT, source="pi", at=NOON)
    debit, credit = BOOKS.account("client_cash"), BOOKS.account("own_cash")
    for amount in (5, 0, 7):
        movement.move(TransferKind.OWN_FUNDS, debit, credit, amount, phase=Phase.PENDING, expires_at=NOON)
    assert [(leg.id, leg.amount_minor) for leg in movement.legs] == [
        (TransferId.of(MOVEMENT, 0), 5),
        (TransferId.of(MOVEMENT, 1), 7),
    ]
    first = movement.legs[0]
    assert (first.debit, first.credit, first.phase) == (debit, credit, Phase.PENDING)
    assert (first.source, first.at, first.expires_at, first.resolves) == ("pi", NOON, NOON, None)


@pytest.mark.parametrize("amount", [-1, -AMOUNT_MAX_MINOR, AMOUNT_MAX_MINOR + 1])
def test_a_movement_never_moves_backwards_nor_more_than_there_is(amount: int) -> None:
    movement = Movement(MOVEMENT, source="pi", at=NOON)
    with pytest.raises(ValueError, match="positive"):
        movement.move(TransferKind.OWN_FUNDS, BOOKS.account("client_cash"), BOOKS.account("own_cash"), amount)
    assert movement.legs == []


def test_a_movement_may_move_the_largest_amount() -> None:
    movement = Movement(MOVEMENT, source="pi", at=NOON)
    movement.move(
        TransferKind.OWN_FUNDS, BOOKS.account("client_cash"), BOOKS.account("own_cash"), AMOUNT_MAX_MINOR
    )
    assert movement.legs[0].amount_minor == AMOUNT_MAX_MINOR


def test_books_name_the_platforms_accounts_too() -> None:
    assert BOOKS.platform_account("fees/acquiring") == BOOKS.account("fees/acquiring")
    shared = Books(BOOKS.merchant, Currency.AUD, PLATFORM)
    assert shared.platform_account("fees/acquiring").owner == PLATFORM
    assert shared.account("available") == BOOKS.account("available")
    assert BOOKS.account("available") != Books.of(BOOKS.merchant, Currency.NZD).account("available")


@pytest.mark.parametrize("kind", TransferKind)
@pytest.mark.parametrize("phase", Phase)
def test_only_money_that_came_or_went_is_a_line_of_the_balance(kind: TransferKind, phase: Phase) -> None:
    lines = {
        TransferKind.CAPTURE,
        TransferKind.REFUND,
        TransferKind.REFUND_FAILURE,
        TransferKind.PAYOUT,
        TransferKind.PAYOUT_FAILURE,
        TransferKind.PAYOUT_CANCEL,
        TransferKind.PAYOUT_REVERSAL,
        TransferKind.DISPUTE,
        TransferKind.DISPUTE_REVERSAL,
        TransferKind.WRITE_OFF,
    }
    posted = phase in (Phase.POST, Phase.POST_PENDING)
    assert touches_balance((transfer(kind=kind, phase=phase),)) is (kind in lines and posted)


@pytest.mark.parametrize(
    ("code", "daily"),
    [
        ("unsettled/2026-11-23", True),
        ("scheme_receivable/visa/2026-11-23", True),
        ("scheme_receivable/visa/refunds", False),
        ("available", False),
        ("2026-11-23", False),
        ("fees/2026-11", False),
    ],
)
def test_a_days_account_is_closed_when_it_is_even(code: str, daily: bool) -> None:
    account = AccountId(MerchantId("acct_" + "m" * 24), code, Currency.AUD)
    assert closed(account, Balances(0, 5, 0, 5)) is daily
    assert closed(account, Balances()) is daily
    assert not closed(account, Balances(0, 5, 0, 6))
    assert not closed(account, Balances(1, 5, 1, 5))
