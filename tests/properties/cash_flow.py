"""A merchant's whole life by chance, with everything that its money can do: be paid out, come back and be disputed."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.domain.balance_settings import Schedule
from fintech.domain.payouts.payout import PayoutMethod
from tests.properties import cash_flow_deeds, deeds
from tests.properties.chances import (
    DESTINATIONS,
    DISPUTED,
    EVIDENCE,
    HOW,
    PAYMENTS_MAX,
    PERCENTS,
    WHICH,
    WHO,
    How,
)
from tests.properties.machine import MoneyMachine
from tests.properties.world import NUMBERS, TERMS

T = TypeVar("T")


class CashFlowMachine(MoneyMachine):
    """Beside the rules of payments, those of payouts, bank accounts, disputes, debts and terminals."""

    @initialize()
    def open(self) -> None:
        """Each merchant's first payment is settled, and another one is not."""
        super().open()
        for who in range(len(TERMS)):
            self._everywhere(deeds.settle(who, 0), None)
            deed = deeds.create(who, 20_000, "pm_card_visa", manual=False, confirm=True)
            self._do(deed, How(keyed=True, line=None))

    # -- payouts

    @rule(
        who=WHO,
        method=st.sampled_from(PayoutMethod),
        percent=PERCENTS,
        number=DESTINATIONS,
        how=HOW,
    )
    def pay_out(
        self, who: int, method: PayoutMethod, percent: int | None, number: str | None, how: How
    ) -> None:
        self._do(cash_flow_deeds.pay_out(who, method, percent, number), how, bank=True)

    @rule(who=WHO, percent=st.none() | st.integers(1, 60), how=HOW)
    def pay_out_at_once(self, who: int, percent: int | None, how: How) -> None:
        self._do(cash_flow_deeds.pay_out(who, PayoutMethod.INSTANT, percent, None), how, bank=True)

    @precondition(lambda self: self.of(self.payouts, cash_flow_deeds.fits_cancel))
    @rule(which=WHICH, how=HOW)
    def cancel_payout(self, which: int, how: How) -> None:
        payout = self.one_of(self.payouts, cash_flow_deeds.fits_cancel, which)
        self._do(cash_flow_deeds.cancel_payout(*payout), how, bank=True)

    @precondition(lambda self: self.of(self.payouts, cash_flow_deeds.fits_reverse))
    @rule(which=WHICH, how=HOW)
    def reverse_payout(self, which: int, how: How) -> None:
        payout = self.one_of(self.payouts, cash_flow_deeds.fits_reverse, which)
        self._do(cash_flow_deeds.reverse_payout(*payout), how, bank=True)

    @precondition(lambda self: self.payouts)
    @rule(which=WHICH, verb=st.integers(0, 2), how=HOW)
    def do_to_a_payout_what_may_not_fit(self, which: int, verb: int, how: How) -> None:
        make = (
            cash_flow_deeds.cancel_payout,
            cash_flow_deeds.reverse_payout,
            cash_flow_deeds.note_on_payout,
        )[verb]
        self._do(make(*self.one_of(self.payouts, _any, which)), how, bank=True)

    @rule(who=WHO, number=st.sampled_from(NUMBERS), how=HOW)
    def choose_account(self, who: int, number: str, how: How) -> None:
        self._do(cash_flow_deeds.choose_account(who, number), how, bank=True)

    @rule(who=WHO, number=st.sampled_from(NUMBERS))
    def exchange_account(self, who: int, number: str) -> None:
        self._everywhere(cash_flow_deeds.exchange_account(who, number), None)

    @rule(
        who=WHO,
        schedule=st.sampled_from(cash_flow_deeds.SCHEDULES),
        minimum_minor=st.sampled_from([0, 0, 5_000]),
        how=HOW,
    )
    def pay_on_schedule(self, who: int, schedule: Schedule, minimum_minor: int, how: How) -> None:
        self._do(cash_flow_deeds.pay_on_schedule(who, schedule, minimum_minor), how, bank=True)

    @precondition(lambda self: self.payouts)
    @rule(faults=st.lists(st.none() | st.sampled_from(Fault), max_size=5))
    def spoil_the_line_to_the_bank(self, faults: list[Fault | None]) -> None:
        for world in self.worlds:
            world.bank.script.clear()
            world.bank.script.extend(faults)

    # -- disputes, debts and terminals

    @precondition(lambda self: len(self.payments) < PAYMENTS_MAX)
    @rule(who=WHO, amount=st.integers(50, 20_000), card=st.sampled_from(DISPUTED), how=HOW)
    def create_what_will_be_disputed(self, who: int, amount: int, card: str, how: How) -> None:
        self._do(deeds.create(who, amount, card, manual=False, confirm=True), how)

    @precondition(lambda self: self.of(self.disputes, cash_flow_deeds.fits_response))
    @rule(which=WHICH, text=st.sampled_from(EVIDENCE), submit=st.sampled_from([True, True, False]), how=HOW)
    def respond(self, which: int, text: str, submit: bool, how: How) -> None:
        dispute = self.one_of(self.disputes, cash_flow_deeds.fits_response, which)
        self._do(cash_flow_deeds.respond(*dispute, text, submit=submit), how)

    @precondition(lambda self: self.disputes)
    @rule(which=WHICH, how=HOW)
    def give_in(self, which: int, how: How) -> None:
        self._do(cash_flow_deeds.give_in(*self.one_of(self.disputes, _any, which)), how)

    @precondition(lambda self: self.disputes)
    @rule(who=WHO, percent=st.sampled_from([1, 50, 100, 100, 101]))
    def propose_write_off(self, who: int, percent: int) -> None:
        self._everywhere(cash_flow_deeds.propose_write_off(who, percent), None)

    @precondition(lambda self: self.write_offs)
    @rule(which=WHICH, approve=st.booleans(), alone=st.sampled_from([False, False, True]))
    def decide_write_off(self, which: int, approve: bool, alone: bool) -> None:
        fits = (
            cash_flow_deeds.fits_decision if self.of(self.write_offs, cash_flow_deeds.fits_decision) else _any
        )
        write_off = self.one_of(self.write_offs, fits, which)
        self._everywhere(cash_flow_deeds.decide_write_off(*write_off, approve=approve, alone=alone), None)

    @rule(which=WHICH)
    def reverse_at_terminal(self, which: int) -> None:
        payment = self.chosen(deeds.fits_any, which)
        self._everywhere(cash_flow_deeds.reverse_at_terminal(*payment), None)

    @precondition(lambda self: len(self.worlds) == 1)
    @rule(which=WHICH, others=st.lists(st.integers(0, 6), min_size=2, max_size=6))
    def all_money_at_once(self, which: int, others: list[int]) -> None:
        """On one core only: who wins a race is for nobody to say."""
        who, number = self.chosen(deeds.fits_any, which)
        rush = (
            cash_flow_deeds.pay_out(who, PayoutMethod.INSTANT, None, None),
            cash_flow_deeds.pay_out(who, PayoutMethod.STANDARD, None, None),
            deeds.refund(who, number, None),
            deeds.settle(who, 0),
            cash_flow_deeds.reverse_at_terminal(who, number),
            cash_flow_deeds.cancel_payout(who, which),
            deeds.sweep(),
        )
        with patch("random.uniform", lambda low, _high: low):  # no jitter: the same race in every run
            self._everywhere(deeds.together([rush[other] for other in others]), None)

    # -- how

    def of(self, things: Sequence[tuple[int, int, T]], fits: Callable[[T], bool]) -> list[tuple[int, int]]:
        """Those that a verb fits, each by its merchant and its number."""
        return [(who, number) for who, number, thing in things if fits(thing)]

    def one_of(
        self, things: Sequence[tuple[int, int, T]], fits: Callable[[T], bool], which: int
    ) -> tuple[int, int]:
        """One of them."""
        fitting = self.of(things, fits)
        return fitting[which % len(fitting)]


def _any(_thing: object) -> bool:
    return True
