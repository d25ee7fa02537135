"""A desk where cardholders dispute what they have paid, and two people write off what merchants owe."""

from typing import Any

from fintech.domain.chart import Limit
from fintech.domain.disputes.booking import dispute_accounts
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.disputes.facts import Circumstances, Step, next_step, reserve_freed
from fintech.domain.disputes.news import (
    CaseNews,
    DisputeClosed,
    DisputeEscalated,
    DisputeOpened,
    DisputeReason,
    Verdict,
)
from fintech.domain.evolving import evolve
from fintech.domain.ids import DisputeId, WriteOffId
from fintech.domain.ledger import Balances
from fintech.domain.outcome import Failure
from fintech.domain.payments.payment import Payment
from fintech.domain.write_offs import WriteOff, decided, proposed
from tests.unit.domain.desk import Desk

CASE = "case_1"


def opened(amount_minor: int = 10_000, *, inquiry: bool = False, number: int = 1) -> CaseNews:
    """A bank takes money back, or asks."""
    what = DisputeOpened(
        amount_minor=amount_minor, reason=DisputeReason.FRAUDULENT, inquiry=inquiry, reason_code="10.4"
    )
    return CaseNews(case=CASE, number=number, what=what)


def escalated(amount_minor: int = 10_000, number: int = 2) -> CaseNews:
    """A bank takes what it asked about."""
    return CaseNews(case=CASE, number=number, what=DisputeEscalated(amount_minor=amount_minor))


def closed(verdict: Verdict, number: int = 3) -> CaseNews:
    """A case is over."""
    return CaseNews(case=CASE, number=number, what=DisputeClosed(verdict=verdict))


class DisputeDesk(Desk):
    """Keeps the disputes and the payments that the news is about."""

    def __init__(self, **terms: Any) -> None:
        super().__init__(**terms)
        self.disputes: dict[str, Dispute] = {}
        self.payments: dict[str, Payment] = {}

    def take(self, amount_minor: int = 10_000, **more: Any) -> Payment:
        """A payment that was captured, and can be disputed."""
        payment = self.paid(amount_minor, **more)
        self.payments[payment.id] = payment
        return payment

    def step(self, payment: Payment, news: CaseNews) -> Any:
        """The next step about some news, committed; or why there is none."""
        payment = self.payments[payment.id]
        attempt = payment.attempts[-1]
        known = [each for each in self.disputes.values() if each.case == news.case]
        accounts = dispute_accounts(self.books, attempt)
        changeset = self.changeset()
        circumstances = Circumstances(
            merchant=self.merchant,
            books=self.books,
            spendable={
                account: self.balance(account.code).spendable(Limit.DEBITS_WITHIN_CREDITS)
                for account in accounts
            },
            id=self.ids.new(DisputeId),
            at=self.at,
            changeset=changeset,
        )
        outcome = next_step(payment, attempt, known[0] if known else None, news, circumstances)
        if isinstance(outcome, Failure):
            return outcome.failure()
        stepped = outcome.unwrap()
        saves = [stepped.dispute] if stepped.payment is None else [stepped.dispute, stepped.payment]
        self.commit(changeset, *saves, transfers=stepped.transfers)
        self.keep(stepped.dispute)
        if stepped.payment is not None:
            self.payments[payment.id] = evolve(stepped.payment, version=stepped.payment.version + 1)
        return stepped.step

    def heed(self, payment: Payment, news: CaseNews) -> list[Step]:
        """Every step that some news asks for."""
        steps = []
        while isinstance(step := self.step(payment, news), Step):
            steps.append(step)
        return steps

    def keep(self, dispute: Dispute) -> Dispute:
        """The dispute as it is stored."""
        stored = evolve(dispute, version=dispute.version + 1)
        self.disputes[stored.id] = stored
        return stored

    def save(self, dispute: Dispute) -> Dispute:
        """Commit a change that moves no money."""
        self.commit(self.changeset(), dispute)
        return self.keep(dispute)

    @property
    def dispute(self) -> Dispute:
        """The only one there is."""
        (dispute,) = self.disputes.values()
        return dispute

    def give_back(self, payment: Payment, amount_minor: int) -> None:
        """Refund some of a payment about which its bank asks."""
        changeset = self.changeset()
        freed, legs = reserve_freed(self.books, self.dispute, amount_minor, self.at, changeset)
        self.commit(changeset, freed, transfers=legs)
        self.keep(freed)
        refund, kept = self.refund(self.payments[payment.id], amount_minor)
        self.payments[payment.id] = kept
        self.answer_refund(refund)

    def debt(self) -> Balances:
        """What is on the merchant's ``receivable``."""
        return self.balance("receivable")

    def propose(self, amount_minor: int, name: str = "ann") -> Any:
        """A write-off, stored, or why not."""
        outcome = proposed(
            self.ids.new(WriteOffId),
            self.debt(),
            amount_minor=amount_minor,
            currency=self.merchant.currency,
            reason="gone",
            name=name,
            at=self.at,
        )
        return (
            outcome.failure()
            if isinstance(outcome, Failure)
            else self.commit(self.changeset(), outcome.unwrap())
        )

    def decide(self, write_off: WriteOff, name: str = "ben", *, approve: bool = True) -> Any:
        """A write-off as it is stored after the other person's word, or why not."""
        changeset = self.changeset()
        outcome = decided(
            write_off, self.books, self.debt(), approve=approve, name=name, at=self.at, changeset=changeset
        )
        if isinstance(outcome, Failure):
            return outcome.failure()
        booked = outcome.unwrap()
        return self.commit(changeset, booked.write_off, transfers=booked.transfers)

    def assert_safe(self) -> None:
        """The books are sound, cash covers what merchants may have, and reserves are what disputes say."""
        self.assert_sound()
        owed = sum(self.net(code) for code in ("available", "reserved", "in_transit"))
        assert self.net("client_cash") >= owed
        assert self.net("reserved") == sum(each.reserved_minor for each in self.disputes.values())
