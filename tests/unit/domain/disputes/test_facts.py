"""What acquirers tell of disputes: a fact always posts, whatever there is, in whatever order it is told."""

from datetime import timedelta
from itertools import permutations

import pytest
from attrs import evolve as changed
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Scheme
from fintech.domain.disputes.dispute import DISPUTES_MAX, RESPONSE_TIME, STANDING, DisputeStatus
from fintech.domain.disputes.facts import NoNews, Step, TooEarly
from fintech.domain.disputes.news import CaseNews, Verdict
from fintech.domain.evolving import evolve
from fintech.domain.ids import DisputeId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import line_amounts, touches_balance
from fintech.domain.merchants import DEFAULT_FEES, NO_FEE, Fee
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.refusals import ChargeDisputed, TooMany
from tests.unit.domain.desk import NOON, TODAY, card
from tests.unit.domain.disputes.bench import DisputeDesk, closed, escalated, opened

TODAYS = f"unsettled/{TODAY}"
OWED_TODAY = f"scheme_receivable/visa/{TODAY}"
OWED_LATER = "scheme_receivable/visa/refunds"
FEE = Fee(2_500, 250)
FREE = changed(DEFAULT_FEES, dispute_fee_minor=0)
KEPT = changed(DEFAULT_FEES, dispute_fee_returned_on_win=False)


def moved(desk: DisputeDesk) -> dict[tuple[str, str, str], int]:
    """The legs of the chargeback."""
    return {
        (leg.kind.value, leg.debit.code, leg.credit.code): leg.amount_minor for leg in desk.dispute.withdrawal
    }


# -- chargebacks


def test_a_chargeback_takes_the_money_now_out_of_what_the_bank_has_not_paid() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(20_000)
    assert desk.heed(payment, opened()) == [Step.OPENED, Step.WITHDRAWN]
    assert moved(desk) == {
        ("dispute", TODAYS, OWED_TODAY): 10_000,
        ("dispute_fee", TODAYS, "fees/dispute"): 2_500,
        ("fee_tax", TODAYS, "gst_payable/gst"): 250,
    }
    dispute, paid = desk.dispute, desk.payments[payment.id]
    assert (dispute.status, dispute.fee, dispute.amount_minor) == (DisputeStatus.NEEDS_RESPONSE, FEE, 10_000)
    assert dispute.evidence_due_at == NOON + RESPONSE_TIME
    assert (paid.disputed_minor, paid.disputes) == (10_000, (dispute.id,))
    desk.settle()
    assert desk.net("available") == desk.net("client_cash") == 30_000 - 193 - 385 - 10_000 - 2_750
    assert desk.net("own_cash") == 193 + 385 + 2_750
    desk.assert_safe()


def test_of_settled_money_it_is_taken_out_of_what_is_available_and_the_fee_is_ours_at_once() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(20_000)
    desk.settle()
    before = desk.net("own_cash")
    desk.heed(payment, opened())
    assert moved(desk) == {
        ("dispute", "available", OWED_LATER): 10_000,
        ("dispute_fee", "available", "fees/dispute"): 2_500,
        ("fee_tax", "available", "gst_payable/gst"): 250,
        ("earnings", "own_cash", "client_cash"): 2_750,
    }
    assert desk.net("own_cash") == before + 2_750
    desk.assert_safe()
    desk.settle()
    assert desk.net("client_cash") == desk.net("available") == 30_000 - 193 - 385 - 12_750


def test_what_the_merchant_does_not_have_it_owes_and_our_own_cash_pays_the_bank() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.settle()
    desk.heed(payment, opened())
    assert moved(desk) == {
        ("dispute", "available", OWED_LATER): 9_807,
        ("dispute", "receivable", OWED_LATER): 193,
        ("own_funds", "client_cash", "own_cash"): 193,
        ("dispute_fee", "receivable", "fees/dispute"): 2_500,
        ("fee_tax", "receivable", "gst_payable/gst"): 250,
    }
    assert desk.net("receivable") == 2_943
    desk.assert_safe()
    desk.settle()
    desk.assert_safe()
    desk.take(10_000)
    desk.settle()
    assert (desk.net("receivable"), desk.net("available")) == (0, 9_807 - 2_943)
    assert desk.net("client_cash") == desk.net("available")
    assert desk.net("own_cash") == 2 * 193 + 2_750


def test_it_is_a_line_whose_first_leg_says_so_and_whose_fee_and_tax_stand_apart() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(1_000)
    desk.heed(payment, opened())
    legs = desk.dispute.withdrawal
    assert legs[0].kind is TransferKind.DISPUTE
    assert touches_balance(legs)
    amounts = line_amounts(legs)
    assert (amounts.gross_minor, amounts.fee_minor, amounts.tax_minor) == (-10_000, -2_500, -250)


def test_it_leaves_money_alone_that_a_refund_has_reserved() -> None:
    desk = DisputeDesk()
    payment, other = desk.take(), desk.take()
    refund, _ = desk.refund(other, 9_000)
    desk.heed(payment, opened())
    assert desk.net("receivable") == 10_000 + 2_750 - (2 * 9_807 - 9_000)
    desk.answer_refund(refund)
    desk.assert_safe()


def test_no_more_can_be_disputed_than_was_captured() -> None:
    desk = DisputeDesk()
    payment = desk.capture(desk.authorised(10_000), 4_000)
    desk.payments[payment.id] = payment
    desk.heed(payment, opened(10_000))
    assert desk.dispute.amount_minor == 4_000


def test_some_of_it_can() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened(2_000))
    assert desk.net(TODAYS) == 9_807 - 2_000 - 2_750
    assert desk.payments[payment.id].disputed_minor == 2_000


def test_a_plan_without_a_fee_takes_none() -> None:
    desk = DisputeDesk(fees=FREE)
    payment = desk.take()
    desk.heed(payment, opened())
    assert desk.dispute.fee == NO_FEE
    assert {leg.kind for leg in desk.dispute.withdrawal} == {TransferKind.DISPUTE, TransferKind.OWN_FUNDS}


def test_each_scheme_owes_its_own() -> None:
    desk = DisputeDesk(fees=FREE)
    payment = desk.take(scheme=Scheme.AMEX)
    desk.take(scheme=Scheme.VISA)
    desk.heed(payment, opened())
    assert desk.net(f"scheme_receivable/amex/{TODAY}") == 0
    assert desk.net(OWED_TODAY) == 10_000


# -- refunds and disputes


def test_a_refund_before_it_is_a_defence_and_it_posts_all_the_same() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(50_000)
    refund, kept = desk.refund(payment, 4_000)
    desk.answer_refund(refund)
    desk.payments[payment.id] = kept
    desk.heed(kept, opened())
    assert desk.dispute.amount_minor == 10_000
    assert dict(desk.dispute.evidence) == {
        "uncategorized_text": "40.00 AUD of this charge was refunded before it was disputed."
    }
    desk.assert_safe()


def test_a_refund_after_it_is_refused_until_the_merchant_has_won() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(50_000)
    desk.heed(payment, opened())
    refused = desk.payments[payment.id].refunding(1, 100)
    assert refused == Failure(ChargeDisputed(desk.dispute.id))
    desk.heed(payment, closed(Verdict.WON))
    assert isinstance(desk.payments[payment.id].refunding(1, 100), Success)


# -- inquiries


def test_an_inquiry_holds_back_what_is_available_and_takes_nothing() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.settle()
    assert desk.heed(payment, opened(4_000, inquiry=True)) == [Step.OPENED]
    assert (desk.net("available"), desk.net("reserved")) == (5_807, 4_000)
    dispute = desk.dispute
    assert dispute.status is DisputeStatus.WARNING_NEEDS_RESPONSE
    assert (desk.payments[payment.id].disputed_minor, dispute.movement) == (0, None)
    assert dispute.charge_refundable
    desk.assert_safe()
    assert desk.heed(payment, closed(Verdict.WITHDRAWN)) == [Step.CLOSED]
    assert (desk.net("available"), desk.net("reserved")) == (9_807, 0)
    assert desk.dispute.status is DisputeStatus.WARNING_CLOSED


def test_what_is_not_available_is_not_held_back_and_is_no_debt() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened(inquiry=True))
    assert (desk.dispute.reserved_minor, desk.net("receivable"), desk.net("reserved")) == (0, 0, 0)
    assert desk.net(TODAYS) == 9_807
    assert desk.heed(payment, closed(Verdict.WON)) == [Step.CLOSED]
    assert desk.dispute.status is DisputeStatus.WARNING_CLOSED


def test_a_chargeback_takes_first_what_was_held_back_for_it() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(20_000)
    desk.settle()
    desk.heed(payment, opened(inquiry=True))
    assert desk.heed(payment, escalated()) == [Step.ESCALATED, Step.WITHDRAWN]
    assert moved(desk)["dispute", "reserved", OWED_LATER] == 10_000
    assert (desk.dispute.reserved_minor, desk.net("reserved")) == (0, 0)
    assert desk.payments[payment.id].disputed_minor == 10_000
    desk.assert_safe()


def test_what_was_held_back_and_is_not_taken_is_let_go_and_pays_the_fee() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.settle()
    desk.heed(payment, opened(inquiry=True))
    assert desk.net("available") == 0
    desk.heed(payment, escalated(5_000))
    assert (desk.net("reserved"), desk.net("receivable")) == (0, 0)
    assert desk.net("available") == 9_807 - 5_000 - 2_750
    assert line_amounts(desk.dispute.withdrawal).gross_minor == -5_000
    desk.assert_safe()


def test_who_gives_in_to_an_inquiry_pays_with_what_was_held_back_for_it() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.take(1_000)
    desk.settle()
    desk.heed(payment, opened(inquiry=True))
    assert desk.net("available") < 6_000
    desk.give_back(payment, 6_000)
    assert desk.dispute.reserved_minor == desk.net("reserved") == 4_000
    desk.give_back(payment, 4_000)
    assert desk.dispute.reserved_minor == desk.net("reserved") == 0
    desk.assert_safe()


def test_an_escalated_inquiry_may_be_responded_to_anew() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened(inquiry=True))
    answered = evolve(
        desk.dispute, status=DisputeStatus.WARNING_UNDER_REVIEW, submissions=1, submitted_at=desk.at
    )
    desk.save(answered)
    desk.advance(days=3)
    desk.heed(payment, escalated())
    assert desk.dispute.status is DisputeStatus.NEEDS_RESPONSE
    assert (desk.dispute.submitted_at, desk.dispute.submissions) == (None, 1)
    assert desk.dispute.evidence_due_at == NOON + timedelta(days=3) + RESPONSE_TIME


# -- the end


def test_what_is_won_is_unsettled_money_of_that_day_with_the_fee() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.settle()
    desk.heed(payment, opened())
    desk.settle()
    desk.assert_safe()
    assert desk.heed(payment, closed(Verdict.WON)) == [Step.REINSTATED, Step.CLOSED]
    assert desk.net(TODAYS) == 12_750
    assert desk.net("fees/dispute") == 0
    assert desk.net("gst_payable/gst") == 18
    desk.assert_safe()
    settlement = desk.settle()
    assert settlement is not None
    assert settlement.repaid_minor == 2_943  # what it had to owe us for comes first
    assert (desk.net("receivable"), desk.net("available")) == (0, 9_807)
    assert desk.net("client_cash") == 9_807
    assert desk.net("own_cash") == 193
    assert desk.payments[payment.id].disputed_minor == 0


def test_the_fee_is_kept_where_the_plan_says_so() -> None:
    desk = DisputeDesk(fees=KEPT)
    payment = desk.take()
    desk.take(20_000)
    desk.heed(payment, opened())
    desk.heed(payment, closed(Verdict.WITHDRAWN))
    assert desk.dispute.status is DisputeStatus.WON
    assert not desk.dispute.fee_returned
    assert desk.net("fees/dispute") == 2_500
    assert line_amounts(desk.dispute.reinstatement).net_minor == 10_000


def test_what_is_lost_moves_no_more_money() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened())
    before = desk.accounts()
    assert desk.heed(payment, closed(Verdict.LOST)) == [Step.CLOSED]
    assert desk.accounts() == before
    assert desk.dispute.status is DisputeStatus.LOST
    assert desk.payments[payment.id].disputed_minor == 10_000


def test_a_cardholder_may_take_a_lost_dispute_back() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened())
    desk.heed(payment, closed(Verdict.LOST, 2))
    assert desk.heed(payment, closed(Verdict.WITHDRAWN)) == [Step.REINSTATED, Step.CLOSED]
    assert desk.dispute.status is DisputeStatus.WON
    desk.assert_safe()


# -- order


def test_the_same_news_told_twice_changes_nothing() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    for news in (opened(), closed(Verdict.WON, 2)):
        assert desk.heed(payment, news)
        before = desk.accounts(), desk.dispute, desk.payments[payment.id]
        for again in (opened(), news):
            assert desk.step(payment, again) == NoNews()
        assert (desk.accounts(), desk.dispute, desk.payments[payment.id]) == before


def test_news_of_a_case_that_nobody_has_opened_waits() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    assert desk.step(payment, closed(Verdict.LOST)) == TooEarly()
    assert desk.step(payment, escalated()) == TooEarly()


def test_a_dispute_of_what_is_not_captured_yet_waits_and_of_what_never_was_is_none() -> None:
    desk = DisputeDesk()
    held = desk.authorised()
    desk.payments[held.id] = held
    assert desk.step(held, opened()) == TooEarly()
    let_go = desk.cancel(held)
    desk.payments[held.id] = let_go
    assert desk.step(let_go, opened()) == NoNews()
    asked = desk.sent()
    desk.payments[asked.id] = asked
    assert desk.step(asked, opened()) == TooEarly()


def test_a_step_that_was_cut_off_is_taken_when_the_news_is_told_again() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    assert desk.step(payment, opened()) is Step.OPENED
    assert desk.step(payment, opened()) is Step.WITHDRAWN
    assert desk.step(payment, closed(Verdict.WON)) is Step.REINSTATED
    assert desk.step(payment, closed(Verdict.WON)) is Step.CLOSED
    assert desk.step(payment, closed(Verdict.WON)) == NoNews()
    desk.assert_safe()


def test_money_is_taken_before_a_verdict_is_heard() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    assert desk.step(payment, opened()) is Step.OPENED
    assert desk.heed(payment, closed(Verdict.LOST)) == [Step.WITHDRAWN, Step.CLOSED]


def test_an_inquiry_that_was_lost_has_been_a_chargeback() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened(inquiry=True))
    assert desk.heed(payment, closed(Verdict.LOST)) == [Step.ESCALATED, Step.WITHDRAWN, Step.CLOSED]
    assert desk.step(payment, escalated()) == NoNews()
    assert desk.dispute.status is DisputeStatus.LOST


def stories(*verdicts: Verdict) -> list[tuple[CaseNews, ...]]:
    """Every order in which the stages of a case may be told."""
    return [
        order
        for verdict in verdicts
        for order in permutations((opened(inquiry=True), escalated(), closed(verdict)))
    ]


@pytest.mark.parametrize("order", stories(*Verdict))
def test_whatever_the_order_the_merchant_ends_where_the_case_does(order: tuple[CaseNews, ...]) -> None:
    """What is too early is told again, as acquirers do, until all of it has been heard."""
    in_order, shuffled = DisputeDesk(), DisputeDesk()
    paid = [desk.take() for desk in (in_order, shuffled)]
    for desk in (in_order, shuffled):
        desk.take(20_000)
        desk.settle()
    for news in sorted(order, key=lambda news: news.number):
        in_order.heed(paid[0], news)
    for _ in order:
        for news in order:
            shuffled.heed(paid[1], news)
    for desk in (in_order, shuffled):
        desk.settle()
        desk.assert_safe()
    lost = in_order.dispute.status is DisputeStatus.LOST
    assert (shuffled.dispute.status is DisputeStatus.LOST) is lost
    for code in ("available", "receivable", "client_cash", "own_cash", "fees/dispute"):
        assert in_order.net(code) == shuffled.net(code), code


def test_several_cases_of_one_charge_each_take_their_own() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    other = CaseNews(case="case_2", number=1, what=opened(3_000).what)
    desk.heed(payment, opened(2_000))
    assert desk.heed(payment, other) == [Step.OPENED, Step.WITHDRAWN]
    assert desk.payments[payment.id].disputed_minor == 5_000
    assert desk.payments[payment.id].disputes == tuple(desk.disputes)
    desk.heed(payment, closed(Verdict.WON))
    assert desk.payments[payment.id].disputed_minor == 3_000
    desk.assert_safe()


def test_but_not_without_end() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    many = tuple(desk.ids.new(DisputeId) for _ in range(DISPUTES_MAX))
    desk.payments[payment.id] = evolve(payment, disputes=many)
    assert desk.step(payment, opened()) == TooMany("disputes", DISPUTES_MAX)


def test_a_dispute_knows_its_scheme_and_charge() -> None:
    desk = DisputeDesk()
    payment = desk.take(scheme=Scheme.MASTERCARD)
    desk.heed(payment, opened())
    assert desk.dispute.scheme is card(Scheme.MASTERCARD).card.scheme
    assert desk.dispute.charge == payment.attempts[-1].id


# -- by chance

STORIES = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(50, 30_000)),
        st.tuples(st.just("settle"), st.just(0)),
        st.tuples(st.just("later"), st.integers(1, 40)),
        st.tuples(st.just("open"), st.integers(1, 40_000)),
        st.tuples(st.just("ask"), st.integers(1, 40_000)),
        st.tuples(st.just("escalate"), st.integers(1, 40_000)),
        st.tuples(st.just("close"), st.sampled_from(range(3))),
    ),
    max_size=25,
)


@given(STORIES, st.integers(0, 5_000), st.booleans())
def test_whatever_happens_facts_post_and_the_books_are_sound(
    story: list[tuple[str, int]], fee: int, returned: bool
) -> None:
    fees = changed(DEFAULT_FEES, dispute_fee_minor=fee, dispute_fee_returned_on_win=returned)
    desk = DisputeDesk(fees=fees)
    payment = desk.take(10_000)
    number = 1
    for what, value in story:
        number += 1
        match what:
            case "pay":
                desk.take(value)
            case "settle":
                desk.settle()
            case "later":
                desk.advance(hours=value)
            case "open" | "ask":
                desk.heed(payment, opened(value, inquiry=what == "ask", number=number))
            case "escalate":
                desk.heed(payment, escalated(value, number))
            case _:
                desk.heed(payment, closed(list(Verdict)[value], number))
        desk.assert_safe()
        for dispute in desk.disputes.values():
            _agrees_with_its_legs(desk, fees.dispute_fee_minor)
            standing = dispute.amount_minor if dispute.status in STANDING else 0
            assert desk.payments[payment.id].disputed_minor == standing
    desk.advance(days=1)
    while desk.settle() is not None:
        desk.advance(days=1)
    assert desk.net("client_cash") == desk.net("available") + desk.net("reserved")


def _agrees_with_its_legs(desk: DisputeDesk, fee_minor: int) -> None:
    dispute = desk.dispute
    taken, back = line_amounts(dispute.withdrawal), line_amounts(dispute.reinstatement)
    assert (dispute.status in STANDING) <= bool(dispute.withdrawal)
    if dispute.withdrawal:
        assert (taken.gross_minor, taken.fee_minor) == (-dispute.amount_minor, -fee_minor)
        assert taken.tax_minor == -dispute.fee.tax_minor
    if dispute.reinstatement:
        assert back.gross_minor == dispute.amount_minor
        assert back.fee_minor == (fee_minor if dispute.fee_returned else 0)
    assert bool(dispute.reinstatement) == (dispute.status is DisputeStatus.WON)
