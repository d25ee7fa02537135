"""Settlement: the bank pays, the merchant's money becomes available, and running it again changes nothing."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from attrs import evolve as changed
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Scheme, Unknown
from fintech.domain.changeset import TRANSFERS_MAX
from fintech.domain.ids import MovementId, SettlementId
from fintech.domain.ledger import Balances, Movement, TransferKind
from fintech.domain.merchants import DEFAULT_FEES, Limits
from fintech.domain.refunds.refund import RefundStatus
from fintech.domain.settlement import DAYS_MAX, Settlement, settle
from tests.unit.domain.desk import NO, TODAY, Desk

GENEROUS = changed(DEFAULT_FEES, returned_on_refund=True)
DEBT = Limits(refund_debt_max_minor=50_000)


def sums(settlement: Settlement | None) -> tuple[int, int, int, int]:
    assert settlement is not None
    return (
        settlement.gross_minor,
        settlement.earned_minor,
        settlement.released_minor,
        settlement.repaid_minor,
    )


def assert_settled(desk: Desk) -> None:
    """Nothing is left open, and the cash at the bank is the merchant's to the cent."""
    assert desk.settle() is None
    for account in desk.accounts():
        if account.code.startswith(("unsettled", "scheme_receivable")):
            assert desk.net(account.code) == 0, account.code
    assert desk.net("client_cash") == desk.net("available")
    desk.assert_sound()


def test_what_was_captured_becomes_available_less_its_fee() -> None:
    desk = Desk()
    desk.paid(10_000)
    desk.paid(5_000, scheme=Scheme.AMEX)
    settlement = desk.settle(TODAY)
    assert sums(settlement) == (15_000, 193 + 121, 15_000 - 193 - 121, 0)
    assert settlement is not None
    assert (settlement.through, settlement.settled_at, settlement.merchant) == (
        TODAY,
        desk.at,
        desk.merchant.id,
    )
    assert desk.net("available") == 15_000 - 314
    assert desk.net("own_cash") == 314
    assert_settled(desk)


def test_with_nothing_to_settle_nothing_happens() -> None:
    desk = Desk()
    assert desk.settle() is None
    desk.authorised(10_000)
    assert desk.settle() is None


def test_running_it_again_changes_nothing() -> None:
    desk = Desk()
    desk.paid(10_000)
    desk.settle()
    before = desk.accounts()
    assert desk.settle() is None
    assert desk.accounts() == before


def test_what_is_late_is_settled_by_the_next_run() -> None:
    desk = Desk()
    desk.paid(10_000)
    desk.settle(TODAY)
    desk.paid(1_000)
    assert sums(desk.settle(TODAY)) == (1_000, 20, 980, 0)
    assert_settled(desk)


def test_only_days_up_to_the_cut_off_are_settled() -> None:
    desk = Desk()
    desk.paid(10_000)
    desk.advance(days=1)
    desk.paid(1_000)
    assert desk.settle(TODAY - timedelta(days=1)) is None
    assert sums(desk.settle(TODAY))[0] == 10_000
    assert desk.settle(TODAY) is None
    assert sums(desk.settle(TODAY + timedelta(days=1)))[0] == 1_000
    assert_settled(desk)


def test_the_oldest_days_come_first_and_only_so_many() -> None:
    desk = Desk()
    for _ in range(DAYS_MAX + 3):
        desk.paid(1_000)
        desk.advance(days=1)
    assert sums(desk.settle())[0] == 1_000 * DAYS_MAX
    assert desk.net("unsettled/2026-11-23") == 0
    assert desk.net("unsettled/2026-12-01") == 980
    assert sums(desk.settle())[0] == 3_000
    assert_settled(desk)


def test_the_fullest_settlement_fits_in_one_changeset() -> None:
    desk = Desk(limits=DEBT)
    for _ in range(DAYS_MAX):
        for scheme in Scheme:
            desk.paid(10_000, scheme=scheme)
        desk.advance(days=1)
    refundable = {scheme: desk.paid(10_000, scheme=scheme) for scheme in Scheme}
    desk.commit(desk.changeset(), desk.new())
    for day in range(DAYS_MAX + 1):
        desk.settle(TODAY + timedelta(days=day))
    for payment in refundable.values():
        desk.answer_refund(desk.refund(payment, 10_000)[0])
    desk.advance(days=1)
    for _ in range(DAYS_MAX):
        for scheme in Scheme:
            desk.paid(10_000, scheme=scheme)
        desk.advance(days=1)
    pay_ahead(desk, 10_000)
    pay_ahead(desk, 5_000, debt="receivable")
    id = desk.changeset()
    booked = settle(
        desk.books,
        desk.accounts(),
        id=desk.ids.new(SettlementId),
        through=date(2030, 1, 1),
        at=desk.at,
        changeset=id,
    )
    assert booked is not None
    assert len(booked.transfers) == len(Scheme) * (DAYS_MAX + 1) + 1 + DAYS_MAX + 2 + 2
    assert len(booked.transfers) < TRANSFERS_MAX
    assert booked.settlement.movement == MovementId.of(id, 0)


@pytest.mark.parametrize(
    ("cut_off", "hours", "day"),
    [
        ("00:00", 11.9, "2026-11-23"),
        ("00:00", 12, "2026-11-24"),
        ("22:00", 9.9, "2026-11-23"),
        ("22:00", 10, "2026-11-24"),  # ten in the evening
        ("03:00", 14.9, "2026-11-23"),  # the small hours
        ("03:00", 15, "2026-11-24"),
    ],
)
def test_a_capture_counts_under_the_day_that_the_merchants_cut_off_ends(
    cut_off: str, hours: float, day: str
) -> None:
    desk = Desk(cut_off=time.fromisoformat(cut_off))
    desk.advance(hours=hours)
    payment = desk.paid(10_000)
    assert (desk.net(f"unsettled/{day}"), desk.net(f"scheme_receivable/visa/{day}")) == (9_807, 10_000)
    desk.answer_refund(desk.refund(payment, 1_000)[0])
    assert desk.net(f"unsettled/{day}") == 8_807
    assert desk.settle(date.fromisoformat(day) - timedelta(days=1)) is None
    assert sums(desk.settle(date.fromisoformat(day))) == (9_000, 193, 8_807, 0)
    assert_settled(desk)


# -- refunds


def test_pending_refunds_stay_where_they_are_on_both_sides() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(10_000), 4_000)
    assert sums(desk.settle()) == (6_000, 193, 6_000 - 193, 0)
    assert desk.balance("unsettled/2026-11-23") == Balances(4_000, 6_000, 0, 10_000)
    assert desk.balance("scheme_receivable/visa/2026-11-23") == Balances(0, 10_000, 4_000, 6_000)
    assert desk.settle() is None
    desk.answer_refund(refund)
    assert_settled(desk)


def test_a_pending_refund_that_comes_to_nothing_is_settled_then() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(10_000), 4_000)
    desk.settle()
    desk.answer_refund(refund, NO)
    assert sums(desk.settle()) == (4_000, 0, 4_000, 0)
    assert_settled(desk)


def test_a_refund_that_nobody_knows_of_is_still_pending() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(10_000), 4_000)
    unknown = desk.answer_refund(refund, Unknown("?"))
    desk.settle()
    desk.answer_refund(unknown)
    assert_settled(desk)


def test_refunds_of_settled_money_are_taken_off_what_the_bank_pays_next() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    desk.settle()
    desk.answer_refund(desk.refund(payment, 4_000)[0])
    desk.paid(5_000)
    assert sums(desk.settle()) == (1_000, 97, 5_000 - 97, 0)
    assert desk.net("available") == 10_000 - 193 - 4_000 + 5_000 - 97
    assert_settled(desk)


def test_when_refunds_outweigh_captures_the_bank_takes() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    desk.settle()
    desk.answer_refund(desk.refund(payment, 4_000)[0])
    assert sums(desk.settle()) == (-4_000, 0, 0, 0)
    assert desk.net("client_cash") == desk.net("available") == 10_000 - 193 - 4_000
    assert_settled(desk)


def test_pending_refunds_of_settled_money_wait_for_their_answer() -> None:
    desk = Desk()
    payment = desk.paid(10_000)
    desk.settle()
    refund, _ = desk.refund(payment, 4_000)
    assert desk.settle() is None
    desk.answer_refund(refund)
    assert sums(desk.settle())[0] == -4_000
    assert_settled(desk)


def test_what_is_left_when_all_but_the_fee_was_refunded_is_earned() -> None:
    desk = Desk()
    desk.answer_refund(desk.refund(desk.paid(10_000), 10_000 - 193)[0])
    assert sums(desk.settle()) == (193, 193, 0, 0)
    assert (desk.net("available"), desk.net("own_cash")) == (0, 193)
    assert_settled(desk)


def test_refunds_by_one_scheme_out_of_anothers_money_even_out() -> None:
    """A payment captured on two days draws on the later day more than its own scheme has there."""
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000, scheme=Scheme.AMEX), 9_000, final=False)
    desk.advance(days=1)
    desk.paid(20_000)
    payment = desk.capture(payment, 1_000)
    desk.answer_refund(desk.refund(payment, 10_000)[0])
    assert desk.net("scheme_receivable/amex/2026-11-24") == -9_000
    settlement = desk.settle(TODAY + timedelta(days=1))
    assert sums(settlement)[0] == 9_000 + 1_000 + 20_000 - 10_000
    assert_settled(desk)


@pytest.mark.parametrize("first", [0, 1])
def test_also_when_the_days_are_settled_one_by_one(first: int) -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000, scheme=Scheme.AMEX), 9_000, final=False)
    desk.advance(days=1)
    desk.paid(20_000)
    payment = desk.capture(payment, 1_000)
    desk.answer_refund(desk.refund(payment, 10_000)[0])
    if first == 0:
        assert sums(desk.settle(TODAY))[0] == 9_000
    assert sums(desk.settle(TODAY + timedelta(days=1)))[0] == (11_000 if first == 0 else 20_000)
    assert_settled(desk)


# -- the waterfall


def test_debt_is_repaid_before_anything_becomes_available() -> None:
    desk = Desk(limits=DEBT)
    desk.answer_refund(desk.refund(desk.paid(10_000), 10_000)[0])
    assert desk.net("receivable") == 193
    assert (desk.net("client_cash"), desk.net("own_cash")) == (193, -193)
    desk.paid(5_000)
    assert sums(desk.settle()) == (10_000 - 9_807 - 193 + 5_000, 193 + 97, 5_000 - 97, 193)
    assert (desk.net("receivable"), desk.net("available")) == (0, 5_000 - 97 - 193)
    assert desk.net("own_cash") == 193 + 97
    assert_settled(desk)


def test_debt_that_is_more_than_what_settles_is_repaid_in_part() -> None:
    desk = Desk(limits=DEBT)
    desk.answer_refund(desk.refund(desk.paid(100_000), 100_000)[0])
    debt = desk.net("receivable")
    assert debt == 1_925
    desk.settle()
    desk.paid(1_000)
    assert sums(desk.settle()) == (1_000, 20, 980, 980)
    assert (desk.net("receivable"), desk.net("available")) == (debt - 980, 0)
    assert desk.net("client_cash") == 0
    desk.assert_sound()


def test_debt_is_repaid_across_days() -> None:
    desk = Desk(limits=DEBT)
    payment = desk.paid(10_000)
    desk.settle()
    desk.answer_refund(desk.refund(payment, 9_807)[0])
    desk.answer_refund(desk.refund(desk.paid(1_000), 1_000)[0])
    debt = desk.net("receivable")
    assert debt == 20
    for _ in range(3):
        desk.advance(days=1)
        desk.paid(60)
    settlement = desk.settle()
    assert settlement is not None
    assert settlement.repaid_minor == 20
    assert desk.net("available") == settlement.released_minor - 20
    assert_settled(desk)


def test_pending_debt_is_not_repaid_before_it_is_owed() -> None:
    desk = Desk(limits=DEBT)
    refund, _ = desk.refund(desk.paid(10_000), 10_000)
    desk.paid(5_000)
    assert sums(desk.settle())[3] == 0
    assert desk.net("available") == 5_000 - 97
    desk.answer_refund(refund)
    assert desk.net("receivable") == 193
    desk.paid(5_000)
    assert sums(desk.settle())[3] == 193
    assert_settled(desk)


# -- advances


def pay_ahead(desk: Desk, amount_minor: int, debt: str = "advance") -> None:
    """The merchant gets money that the bank has not paid yet: it is lent out of our own cash, and arrives."""
    id = desk.changeset()
    movement = Movement(MovementId.of(id, 0), source="po_1", at=desk.at)
    client, own, way = (desk.books.account(code) for code in ("client_cash", "own_cash", "in_transit"))
    movement.move(TransferKind.PAYOUT, desk.books.account(debt), way, amount_minor)
    movement.move(TransferKind.OWN_FUNDS, client, own, amount_minor)
    movement.move(TransferKind.PAYOUT_PAID, way, client, amount_minor)
    desk.commit(id, desk.new(), transfers=tuple(movement.legs))


def repaid(settlement: Settlement | None) -> tuple[int, int, int]:
    """What was released, and what of it repaid advances and debt."""
    assert settlement is not None
    return settlement.released_minor, settlement.advance_repaid_minor, settlement.repaid_minor


def test_an_advance_is_repaid_before_anything_becomes_available() -> None:
    desk = Desk()
    desk.paid(10_000)
    pay_ahead(desk, 6_000)
    assert (desk.net("advance"), desk.net("own_cash")) == (6_000, -6_000)
    assert repaid(desk.settle(TODAY)) == (9_807, 6_000, 0)
    assert (desk.net("advance"), desk.net("available")) == (0, 3_807)
    assert desk.net("own_cash") == 193
    assert_settled(desk)


def test_an_advance_that_is_more_than_what_settles_waits_for_the_next_day() -> None:
    desk = Desk()
    desk.paid(10_000)
    desk.advance(days=1)
    desk.paid(10_000)
    pay_ahead(desk, 15_000)
    assert repaid(desk.settle(TODAY)) == (9_807, 9_807, 0)
    assert (desk.net("advance"), desk.net("available")) == (15_000 - 9_807, 0)
    assert repaid(desk.settle()) == (9_807, 15_000 - 9_807, 0)
    assert desk.net("available") == 2 * 9_807 - 15_000
    assert_settled(desk)


def test_an_advance_is_repaid_before_debt() -> None:
    desk = Desk(limits=DEBT)
    desk.answer_refund(desk.refund(desk.paid(10_000), 10_000)[0])
    assert desk.net("receivable") == 193
    desk.paid(5_000)
    pay_ahead(desk, 4_800)
    assert repaid(desk.settle()) == (4_903, 4_800, 103)
    assert (desk.net("advance"), desk.net("receivable"), desk.net("available")) == (0, 90, 0)
    desk.paid(1_000)
    assert repaid(desk.settle()) == (980, 0, 90)
    assert_settled(desk)


def test_an_advance_is_repaid_across_days() -> None:
    desk = Desk()
    for _ in range(3):
        desk.paid(1_000)
        desk.advance(days=1)
    pay_ahead(desk, 2_000)
    assert repaid(desk.settle()) == (2_940, 2_000, 0)
    assert desk.net("available") == 940
    assert_settled(desk)


# -- everything at once

STROKES = st.lists(
    st.tuples(
        st.sampled_from(
            ["pay", "pay", "part", "refund", "refund", "answer", "answer", "back", "ahead", "settle", "day"]
        ),
        st.integers(0, 8),
        st.integers(50, 30_000),
    ),
    min_size=1,
    max_size=40,
)


class Trade:
    """Strokes of business on a desk, each on one of what there is, or on nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.payments: list[Any] = []
        self.refunds: list[Any] = []

    def pay(self, which: int, amount: int) -> None:
        self.payments.append(self.desk.paid(amount, scheme=list(Scheme)[which % len(Scheme)]))

    def part(self, which: int, amount: int) -> None:
        held = self.desk.authorised(amount, scheme=list(Scheme)[which % len(Scheme)])
        self.payments.append(self.desk.capture(held, amount // 3, final=False))

    def refund(self, which: int, amount: int) -> None:
        for number, payment in list(enumerate(self.payments))[which:][:1]:
            left = payment.captured_minor - payment.refunded_minor
            if left and isinstance(done := self.desk.try_refund(payment, min(amount, left)), tuple):
                self.refunds.append(done[0])
                self.payments[number] = done[1]

    def answer(self, which: int, amount: int) -> None:
        for number, refund in list(enumerate(self.refunds))[which:][:1]:
            if refund.status is RefundStatus.SENT:
                self.refunds[number] = self.desk.answer_refund(refund, NO if amount % 3 == 0 else None)

    def back(self, which: int, _amount: int) -> None:
        for number, refund in list(enumerate(self.refunds))[which:][:1]:
            if refund.status is RefundStatus.SUCCEEDED:
                self.refunds[number] = self.desk.return_refund(refund)

    def ahead(self, _which: int, amount: int) -> None:
        unsettled = [a.code for a in self.desk.accounts() if a.code.startswith("unsettled/")]
        lent = min(amount, sum(map(self.desk.net, unsettled)) - self.desk.net("advance"))
        if lent > 0:
            pay_ahead(self.desk, lent)

    def settle(self, which: int, amount: int) -> None:
        self.desk.settle(TODAY + timedelta(days=which) if amount % 2 else None)

    def day(self, _which: int, _amount: int) -> None:
        self.desk.advance(days=1)


@given(STROKES, st.booleans())
def test_whatever_happens_everything_settles_to_the_cent(strokes: list[Any], generous: bool) -> None:
    desk = Desk(fees=GENEROUS if generous else DEFAULT_FEES, limits=Limits(refund_debt_max_minor=8_000))
    trade = Trade(desk)
    for what, which, amount in strokes:
        getattr(trade, what)(which, amount)
        desk.assert_sound()
    for number in range(len(trade.refunds)):
        trade.answer(number, 1)
    while desk.settle() is not None:
        desk.assert_sound()
    assert_settled(desk)
    kept = desk.net("fees/acquiring") + desk.net("gst_payable/gst")
    assert desk.net("own_cash") == kept - desk.net("receivable") - desk.net("advance")
    before = desk.accounts()
    assert desk.settle() is None
    assert desk.accounts() == before
