"""A captured purchase that its terminal gives up: everybody has what they had before, whatever has happened since."""

from typing import Any

import pytest
from attrs import evolve as changed
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.chart import Limit
from fintech.domain.evolving import evolve
from fintech.domain.ids import RefundId
from fintech.domain.ledger import Balances, TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.merchants import DEFAULT_FEES, Fee, Limits
from fintech.domain.payments.attempt import AttemptStatus, ReversalReason
from fintech.domain.payments.payment import Payment, PaymentStatus
from fintech.domain.refunds.lifecycle import refund_accounts
from fintech.domain.refunds.refund import Refund, RefundReason, RefundStatus
from fintech.domain.refunds.reversal import fee_of_reversal, purchase_reversed
from tests.unit.domain.desk import Desk

TODAYS = "unsettled/2026-11-23"
OWED = "scheme_receivable/visa/2026-11-23"
LATER = "scheme_receivable/visa/refunds"


def reverse(desk: Desk, payment: Payment) -> tuple[Refund, Payment, Any]:
    """Reverse it; the refund and the payment as they are stored, and the transfers."""
    spendable = {
        account: desk.balance(account.code).spendable(Limit.DEBITS_WITHIN_CREDITS)
        for account in refund_accounts(desk.books, payment.attempts[-1])
    }
    id = desk.changeset()
    after, booked = purchase_reversed(
        payment,
        desk.merchant,
        desk.books,
        spendable,
        id=desk.ids.new(RefundId),
        at=desk.at,
        changeset=id,
    )
    refund = desk.commit(id, booked.refund, after, transfers=booked.transfers)
    return refund, evolve(after, version=after.version + 1), booked.transfers


def everything(desk: Desk) -> dict[str, Balances]:
    return {account.code: balances for account, balances in desk.accounts().items()}


def test_before_it_is_settled_it_leaves_nothing_behind() -> None:
    desk = Desk()
    refund, payment, transfers = reverse(desk, desk.paid(10_000))
    for code in (TODAYS, OWED, "fees/acquiring", "gst_payable/gst"):
        assert desk.net(code) == 0, code
    assert "available" not in everything(desk)
    assert "receivable" not in everything(desk)
    assert "own_cash" not in everything(desk)
    assert (refund.status, refund.reason) == (RefundStatus.SUCCEEDED, RefundReason.TERMINAL_REVERSAL)
    assert (refund.amount_minor, refund.fee, refund.due_at) == (10_000, Fee(175, 18), None)
    assert (payment.status, payment.refunded_minor) == (PaymentStatus.SUCCEEDED, 10_000)
    assert line_amounts(transfers).net_minor == -10_000 + 193
    assert transfers[0].kind is TransferKind.REFUND
    assert desk.settle() is None
    desk.assert_sound()


def test_the_acquirer_is_told_to_forget_it() -> None:
    desk = Desk()
    _, payment, _ = reverse(desk, desk.paid(10_000))
    (told,) = payment.attempts[0].reversals
    assert (told.amount_minor, told.reason, told.original) == (
        10_000,
        ReversalReason.TERMINAL,
        payment.attempts[0].id,
    )
    assert payment.attempts[0].status is AttemptStatus.CAPTURED
    assert payment.due_at == desk.at


def test_after_it_was_settled_its_fee_is_paid_back_with_our_own_money() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    desk.settle()
    reverse(desk, payment)
    assert desk.net("available") == 0
    assert desk.net(LATER) == -10_000
    desk.assert_sound()
    desk.settle()
    assert desk.net(LATER) == 0
    assert desk.net("client_cash") == 0
    assert desk.net("own_cash") == 0
    assert desk.net("fees/acquiring") == 0


def test_what_the_buckets_lack_is_owed_whatever_the_policy_says() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=0))
    payment = desk.paid(10_000)
    desk.settle()
    other = desk.paid(9_000)
    desk.settle()
    gone, _ = desk.refund(other, 9_000)
    desk.answer_refund(gone)
    before = desk.net("available")
    refund, _, _ = reverse(desk, payment)
    assert refund.status is RefundStatus.SUCCEEDED
    assert desk.net("available") == 0
    assert desk.net("receivable") == 10_000 - 193 - before
    desk.assert_sound()


def test_of_a_purchase_that_was_given_back_in_part_the_rest_goes_back_with_the_whole_fee() -> None:
    desk = Desk()
    refund, payment = desk.refund(desk.paid(10_000), 4_000)
    desk.answer_refund(refund)
    reversal, payment, _ = reverse(desk, payment)
    assert (reversal.amount_minor, reversal.fee) == (6_000, Fee(175, 18))
    assert payment.refunded_minor == payment.captured_minor
    assert payment.fee_returned == Fee(175, 18)
    assert desk.net(TODAYS) == 0
    desk.assert_sound()


def test_a_fee_that_went_back_with_a_refund_does_not_go_back_twice() -> None:
    desk = Desk(fees=changed(DEFAULT_FEES, returned_on_refund=True))
    refund, payment = desk.refund(desk.paid(10_000), 4_000)
    desk.answer_refund(refund)
    assert fee_of_reversal(payment) == Fee(175, 18).less(refund.fee)
    reverse(desk, payment)
    assert desk.net("fees/acquiring") == 0
    desk.assert_sound()


def test_however_many_refunds_there_were_a_fact_is_one_more() -> None:
    desk = Desk()
    payment = evolve(desk.paid(10_000), refunds=100)
    _, payment, _ = reverse(desk, payment)
    assert payment.refunds == 101


@given(
    amounts=st.lists(st.integers(50, 20_000), min_size=1, max_size=4),
    which=st.integers(0, 3),
    settled=st.lists(st.booleans(), min_size=4, max_size=4),
    taken=st.integers(0, 100),
)
def test_in_the_end_nothing_of_it_is_left_in_the_books(
    amounts: list[int], which: int, settled: list[bool], taken: int
) -> None:
    """With and without the reversed payment, once everything is settled, everybody has the same."""
    with_it, without = Desk(), Desk()
    target = which % len(amounts)
    reversed_payment = None
    for place, amount in enumerate(amounts):
        payment = with_it.paid(amount)
        if place == target:
            reversed_payment = payment
        else:
            without.paid(amount)
        if settled[place]:
            with_it.settle()
            without.settle()
        for desk in (with_it, without):
            desk.advance(hours=9)
    assert reversed_payment is not None
    given, _ = with_it.refund(reversed_payment, max(reversed_payment.captured_minor * taken // 200, 1))
    with_it.answer_refund(given)
    _, after, _ = reverse(with_it, with_it_payment(with_it, reversed_payment, given))
    with_it.assert_sound()
    assert after.refunded_minor == after.captured_minor
    for desk in (with_it, without):
        desk.settle()
        desk.settle()
    for code in ("fees/acquiring", "gst_payable/gst", "own_cash", "client_cash"):
        assert with_it.net(code) == without.net(code), code
    assert with_it.net("available") - with_it.net("receivable") == without.net("available")


def with_it_payment(desk: Desk, payment: Payment, refund: Refund) -> Payment:
    """The payment as it is stored after a refund of it."""
    reserved = payment.refunding(refund.amount_minor, 100).unwrap().returning(refund.fee)
    return evolve(reserved, version=payment.version + 1)


@pytest.mark.parametrize("settled", [False, True])
def test_reversed_money_is_a_line_like_any_refund(settled: bool) -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    if settled:
        desk.settle()
    _, _, transfers = reverse(desk, payment)
    amounts = line_amounts(transfers)
    assert (amounts.gross_minor, amounts.fee_minor, amounts.tax_minor) == (-10_000, 175, 18)
