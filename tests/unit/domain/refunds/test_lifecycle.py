"""Where a refund's money comes from, and what becomes of it."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve as changed
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Approved, Scheme, Unknown
from fintech.domain.chart import Limit
from fintech.domain.ids import ChangesetId, PaymentId, RefundId
from fintech.domain.ledger import Balances, Phase, TransferKind
from fintech.domain.merchants import DEFAULT_FEES, NO_FEE, Fee, Limits
from fintech.domain.outcome import Failure
from fintech.domain.refunds.lifecycle import (
    fee_returned,
    fee_undone,
    refund_accounts,
    refund_answered,
    refund_returned,
    refund_sent,
)
from fintech.domain.refunds.refund import (
    InsufficientFunds,
    RefundFailure,
    RefundOver,
    RefundStatus,
)
from tests.unit.domain.desk import NO, NOON, Desk

GENEROUS = changed(DEFAULT_FEES, returned_on_refund=True)
TODAYS = "unsettled/2026-11-23"
OWED = "scheme_receivable/visa/2026-11-23"
LATER = "scheme_receivable/visa/refunds"


def draws(refund: Any) -> list[tuple[str, str, int]]:
    return [(draw.debit.code, draw.credit.code, draw.amount_minor) for draw in refund.draws]


# -- where it comes from


def test_the_accounts_are_the_payments_days_the_latest_first_then_available_then_debt() -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000), 2_000, final=False)
    desk.advance(days=1)
    payment = desk.capture(payment, 2_000, final=False)
    payment = desk.capture(payment, 2_000, final=False)
    assert [account.code for account in refund_accounts(desk.books, payment.attempts[0])] == [
        "unsettled/2026-11-24",
        TODAYS,
        "available",
        "receivable",
    ]


def test_unsettled_money_is_reserved_against_what_the_bank_owes() -> None:
    desk = Desk()
    refund, payment = desk.refund(desk.paid(10_000), 4_000)
    assert draws(refund) == [(TODAYS, OWED, 4_000)]
    assert (refund.status, refund.amount_minor, refund.scheme) == (RefundStatus.SENT, 4_000, Scheme.VISA)
    assert refund.original_reference == payment.attempts[0].reference
    assert refund.charge == payment.attempts[0].id
    assert desk.balance(TODAYS) == Balances(4_000, 193, 0, 10_000)
    assert desk.balance(OWED) == Balances(0, 10_000, 4_000, 0)
    assert payment.refunded_minor == 4_000
    desk.assert_sound()


def test_settled_money_is_taken_from_available_and_owed_to_the_scheme_later() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    desk.settle()
    refund, _ = desk.refund(payment, 4_000)
    assert draws(refund) == [("available", LATER, 4_000)]
    desk.answer_refund(refund)
    assert desk.net("available") == 10_000 - 193 - 4_000
    assert desk.net(LATER) == -4_000
    desk.assert_sound()


def test_days_then_available_then_debt() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=10_000))
    payment = desk.capture(desk.authorised(10_000), 5_000, final=False)
    desk.settle()
    desk.advance(days=1)
    payment = desk.capture(payment, 3_000, final=False)
    desk.advance(days=1)
    payment = desk.capture(payment, 2_000)
    available, second, third = (
        desk.net(code) for code in ("available", "unsettled/2026-11-24", "unsettled/2026-11-25")
    )
    refund, _ = desk.refund(payment, 10_000)
    debt = 10_000 - available - second - third
    assert draws(refund) == [
        ("unsettled/2026-11-25", "scheme_receivable/visa/2026-11-25", third),
        ("unsettled/2026-11-24", "scheme_receivable/visa/2026-11-24", second),
        ("available", LATER, available),
        ("receivable", LATER, debt),
        ("client_cash", "own_cash", debt),
    ]
    assert debt == 193
    desk.answer_refund(refund)
    desk.assert_sound()


def test_what_stands_behind_advances_is_not_drawn_on() -> None:
    desk = Desk()
    attempt = desk.paid(10_000).attempts[0]
    accounts = refund_accounts(desk.books, attempt)
    spendable = dict(zip(accounts, (9_807, 5_000, 0), strict=True))

    def taken(amount: int, most: int | None) -> Any:
        sent = refund_sent(
            desk.books,
            attempt,
            spendable,
            0,
            id=RefundId("re_" + "a" * 24),
            payment=PaymentId("pi_" + "a" * 24),
            amount_minor=amount,
            at=NOON,
            changeset=ChangesetId("cs_" + "a" * 24),
            unsettled_most_minor=most,
        )
        return sent.failure() if isinstance(sent, Failure) else draws(sent.unwrap().refund)

    assert taken(6_000, None) == [(TODAYS, OWED, 6_000)]
    assert taken(6_000, 2_500) == [(TODAYS, OWED, 2_500), ("available", LATER, 3_500)]
    assert taken(6_000, -1) == InsufficientFunds(5_000)
    assert taken(7_501, 2_500) == InsufficientFunds(7_500)


@pytest.mark.parametrize(
    ("limit", "amount", "enough"),
    [(0, 9_807, True), (0, 9_808, False), (193, 10_000, True), (192, 10_000, False)],
)
def test_debt_has_a_ceiling(limit: int, amount: int, enough: bool) -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=limit))
    payment = desk.paid(10_000)
    before = desk.accounts()
    outcome = desk.try_refund(payment, amount)
    if enough:
        assert outcome[0].amount_minor == amount
    else:
        assert outcome == Failure(InsufficientFunds(9_807 + limit))
        assert desk.accounts() == before


def test_debt_that_is_on_its_way_counts_until_it_comes_to_nothing() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=200))
    payment, other = desk.paid(10_000), desk.paid(5_000)
    desk.settle()
    desk.refund(other, 4_900)
    refund, _ = desk.refund(payment, 10_000)
    debt = desk.balance("receivable").owed
    assert debt == 14_900 - (10_000 - 193) - (5_000 - 97)
    assert desk.try_refund(desk.paid(1_000), 1_000) == Failure(InsufficientFunds(1_000 - 20 + 200 - debt))
    desk.answer_refund(refund, NO)
    assert desk.balance("receivable").owed == 0


def test_a_merchant_over_its_ceiling_borrows_nothing_more() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=500))
    payment, other = desk.paid(10_000), desk.paid(100)
    desk.refund(payment, 10_000)
    desk.merchant = changed(desk.merchant, limits=Limits(refund_debt_max_minor=10))
    assert desk.try_refund(other, 100) == Failure(InsufficientFunds(0))


def test_another_payments_pending_refund_is_not_spent_twice() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    _, payment = desk.refund(payment, 9_000)
    assert desk.try_refund(payment, 900) == Failure(InsufficientFunds(807))


# -- answers


def test_a_yes_posts_what_was_reserved() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(10_000), 4_000)
    done = desk.answer_refund(refund, Approved(reference="r9"))
    assert (done.status, done.reference, done.due_at) == (RefundStatus.SUCCEEDED, "r9", None)
    assert done.movement is not None
    assert desk.balance(TODAYS) == Balances(0, 4_193, 0, 10_000)
    assert desk.balance(OWED) == Balances(0, 10_000, 0, 4_000)
    desk.assert_sound()


def test_a_no_gives_back_what_was_reserved() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=10_000))
    payment = desk.paid(10_000)
    before = desk.accounts()
    refund, _ = desk.refund(payment, 10_000)
    failed = desk.answer_refund(refund, NO)
    assert (failed.status, failed.failure) == (RefundStatus.FAILED, RefundFailure.DECLINED)
    assert {a: b for a, b in desk.accounts().items() if b != Balances()} == before
    assert failed.movement is None


def test_neither_keeps_it_reserved() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(10_000), 4_000)
    before = desk.accounts()
    unknown = desk.answer_refund(refund, Unknown("?"))
    assert unknown.status is RefundStatus.UNKNOWN
    assert desk.accounts() == before
    assert desk.answer_refund(unknown).status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize(
    "reply", [Approved(reference="late"), NO, Unknown("late")], ids=["yes", "no", "unknown"]
)
def test_a_late_answer_is_never_honoured(reply: Any) -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    done, payment = desk.refund(payment, 1_000)
    failed, payment = desk.refund(payment, 1_000)
    for refund in (desk.answer_refund(done), desk.answer_refund(failed, NO)):
        late = refund_answered(refund, desk.merchant, desk.books, reply, desk.at, desk.changeset())
        assert late == Failure(RefundOver(refund.status))


# -- sent back


def test_a_refund_that_comes_back_is_unsettled_money_of_that_day() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(10_000), 4_000)
    done = desk.answer_refund(refund)
    desk.advance(days=2)
    failed = desk.return_refund(done)
    assert (failed.status, failed.failure) == (
        RefundStatus.FAILED,
        RefundFailure.EXPIRED_OR_CANCELED_CARD,
    )
    assert failed.failure_movement is not None
    assert failed.movement == done.movement
    assert desk.balance("unsettled/2026-11-25") == Balances(0, 0, 0, 4_000)
    assert desk.net("scheme_receivable/visa/2026-11-25") == 4_000
    desk.settle()
    assert desk.net("available") == 10_000 - 193
    desk.assert_sound()


def test_a_debt_for_a_refund_that_came_back_is_repaid_when_it_settles() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=500))
    refund, _ = desk.refund(desk.paid(10_000), 10_000)
    done = desk.answer_refund(refund)
    desk.settle()
    assert desk.net("receivable") == 193
    desk.return_refund(done)
    desk.settle()
    assert (desk.net("receivable"), desk.net("available")) == (0, 10_000 - 193)
    assert desk.net("own_cash") == 193
    desk.assert_sound()


@pytest.mark.parametrize("status", set(RefundStatus) - {RefundStatus.SUCCEEDED})
def test_only_a_refund_that_succeeded_comes_back(status: RefundStatus) -> None:
    desk = Desk()
    refund = changed(desk.refund(desk.paid(), 100)[0], status=status)
    returned = refund_returned(refund, desk.books, RefundFailure.UNKNOWN, desk.at, desk.changeset())
    assert returned == Failure(RefundOver(status))


# -- the fee


def test_the_fee_stays_unless_the_plan_says_otherwise() -> None:
    desk = Desk()
    refund, payment = desk.refund(desk.paid(10_000), 5_000)
    assert (refund.fee, payment.fee_returned) == (NO_FEE, NO_FEE)
    desk.answer_refund(refund)
    assert (desk.net("fees/acquiring"), desk.net("gst_payable/gst")) == (175, 18)


@pytest.mark.parametrize("settled", [True, False])
def test_the_fee_goes_back_into_available_out_of_our_own_cash(settled: bool) -> None:
    desk = Desk(fees=GENEROUS)
    payment = desk.paid(10_000)
    if settled:
        desk.settle()
    available = desk.net("available")
    refund, payment = desk.refund(payment, 5_000)
    assert refund.fee == payment.fee_returned == Fee(88, 9)
    assert desk.net("fees/acquiring") == 175  # nothing goes back before the refund has succeeded
    done = desk.answer_refund(refund)
    assert (desk.net("fees/acquiring"), desk.net("gst_payable/gst")) == (87, 9)
    assert desk.net("available") == available - (5_000 if settled else 0) + 97
    assert desk.net("own_cash") == (193 if settled else 0) - 97
    desk.settle()
    assert desk.net("available") == desk.net("client_cash") == 5_000 - 193 + 97
    assert desk.net("own_cash") == 193 - 97
    assert done.fee == refund.fee
    desk.assert_sound()


def test_a_declined_refund_gives_no_fee_back() -> None:
    desk = Desk(fees=GENEROUS)
    refund, _ = desk.refund(desk.paid(10_000), 5_000)
    failed = desk.answer_refund(refund, NO)
    assert desk.net("fees/acquiring") == 175
    assert fee_undone(failed) == Fee(88, 9)


def test_a_fee_that_went_back_with_a_refund_that_came_back_stays_with_the_merchant_but_is_not_given_twice() -> (
    None
):
    desk = Desk(fees=GENEROUS, limits=Limits(refund_debt_max_minor=500))
    refund, payment = desk.refund(desk.paid(10_000), 10_000)
    failed = desk.return_refund(desk.answer_refund(refund))
    assert fee_undone(failed) == NO_FEE
    payment = payment.refund_undone(10_000, fee_undone(failed))
    reserved = payment.refunding(10_000, 100).unwrap()
    assert fee_returned(desk.merchant, reserved) == NO_FEE


@given(
    parts=st.lists(st.integers(1, 5_000), min_size=1, max_size=8),
    failing=st.sets(st.integers(0, 7)),
    order=st.randoms(use_true_random=False),
)
def test_whatever_fails_and_in_whatever_order_the_whole_fee_goes_back_once(
    parts: list[int], failing: set[int], order: Any
) -> None:
    desk = Desk(fees=GENEROUS, limits=Limits(payment_min_minor=1, refund_debt_max_minor=10**6))
    payment = desk.paid(sum(parts))
    refunds = []
    for part in parts:
        refund, payment = desk.refund(payment, part)
        refunds.append(refund)
    answers = list(enumerate(refunds))
    order.shuffle(answers)
    for number, refund in answers:
        answered = desk.answer_refund(refund, NO if number in failing else None)
        if answered.status is RefundStatus.FAILED:
            payment = payment.refund_undone(answered.amount_minor, fee_undone(answered))
        assert desk.net("fees/acquiring") >= 0
        assert desk.net("gst_payable/gst") >= 0
    if payment.refunded_minor < payment.captured_minor:
        desk.state.versions[desk.scope, payment.id] = payment.version
        refund, payment = desk.refund(payment, payment.captured_minor - payment.refunded_minor)
        desk.answer_refund(refund)
    assert (desk.net("fees/acquiring"), desk.net("gst_payable/gst")) == (0, 0)
    desk.assert_sound()


def test_every_draw_is_resolved_by_name() -> None:
    desk = Desk(limits=Limits(refund_debt_max_minor=500))
    refund, _ = desk.refund(desk.paid(10_000), 10_000)
    for reply, phase in ((Approved(reference="r"), Phase.POST_PENDING), (NO, Phase.VOID_PENDING)):
        booked = refund_answered(refund, desk.merchant, desk.books, reply, desk.at, desk.changeset()).unwrap()
        assert [(leg.resolves, leg.kind, leg.phase) for leg in booked.transfers] == [
            (draw.transfer, draw.kind, phase) for draw in refund.draws
        ]
    assert [draw.kind for draw in refund.draws] == [
        TransferKind.REFUND,
        TransferKind.REFUND,
        TransferKind.OWN_FUNDS,
    ]


def test_a_day_that_was_settled_gives_nothing_until_a_refund_is_voided() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    refund, payment = desk.refund(payment, 4_000)
    desk.settle()
    assert desk.balance(TODAYS).spendable(Limit.DEBITS_WITHIN_CREDITS) == 0
    desk.answer_refund(refund, NO)
    assert desk.balance(TODAYS).spendable(Limit.DEBITS_WITHIN_CREDITS) == 4_000
    desk.advance(days=1)
    desk.settle()
    assert desk.net("available") == 10_000 - 193
    assert desk.at > refund.created_at + timedelta(hours=23)
    desk.assert_sound()
