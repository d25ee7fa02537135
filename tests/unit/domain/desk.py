"""A merchant's books on a desk: every step of the domain is applied here as a store would, and can be looked at."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.apply import State, apply
from fintech.domain.cards import Approved, AuthorisationReply, Card, Decline, DeclineCode, Funding, Scheme
from fintech.domain.changeset import Ceiling, Change, Changeset
from fintech.domain.chart import Bucket, Limit, bucket_of, rule_of
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MerchantId, PaymentId, RefundId, SettlementId
from fintech.domain.ledger import AccountId, Balances, Books, Transfer
from fintech.domain.merchants import DEFAULT_FEES, FeePlan, Limits, Merchant, Standing
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.increments import increment_answered, increment_sent
from fintech.domain.payments.lifecycle import answered, canceled, captured
from fintech.domain.payments.payment import CancelReason, CaptureMethod, Payment, new_payment
from fintech.domain.refunds.lifecycle import (
    fee_returned,
    refund_accounts,
    refund_answered,
    refund_returned,
    refund_sent,
)
from fintech.domain.refunds.refund import Refund, RefundFailure
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.settlement import Settlement, settle

#: Monday noon in Sydney.
NOON = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
ACTOR = Actor("test", Face.EMBEDDED)
NO = Decline(code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51")


def card(scheme: Scheme = Scheme.VISA) -> Method:
    """A card of a scheme."""
    kept = Card(
        scheme=scheme,
        bin="424242",
        last4="4242",
        exp_month=12,
        exp_year=2034,
        funding=Funding.CREDIT,
        country="AU",
        fingerprint="f",
        token=f"tok_{scheme}",
    )
    return Method(f"pm_{scheme}", kept)


def merchant(**changes: Any) -> Merchant:
    """A merchant with the ordinary price list."""
    plain = Merchant(
        id=MerchantId("acct_" + "m" * 24),
        version=1,
        name="Kiosk",
        standing=Standing.ACTIVE,
        currency=Currency.AUD,
        fees=DEFAULT_FEES,
        limits=Limits(),
        created_at=NOON,
    )
    return evolve(plain, **changes)


class Desk:
    """Does what use cases do, without ports: decide, apply, and hand back the aggregate as it is stored."""

    def __init__(
        self, *, fees: FeePlan = DEFAULT_FEES, limits: Limits | None = None, at: datetime = NOON, **terms: Any
    ) -> None:
        self.merchant = merchant(fees=fees, limits=limits or Limits(), **terms)
        self.scope = Scope(self.merchant.id, livemode=False)
        self.books = Books.of(self.merchant.id, Currency.AUD)
        self.state = State()
        self.ids = CountingIdSource()
        self.at = at

    # -- looking

    def balance(self, code: str) -> Balances:
        """What is on an account."""
        known = self.state.accounts or {}
        return known.get((False, self.books.account(code)), Balances())

    def net(self, code: str) -> int:
        """What is posted on an account, on the side on which it grows."""
        balance = self.balance(code)
        credit = balance.credits_posted - balance.debits_posted
        return credit if rule_of(code).limit is Limit.DEBITS_WITHIN_CREDITS or _income(code) else -credit

    def accounts(self) -> dict[AccountId, Balances]:
        """Every account that was used."""
        return {account: balances for (_, account), balances in (self.state.accounts or {}).items()}

    def assert_sound(self) -> None:
        """Debits equal credits, no limit is passed, and cash at the bank covers what merchants may have."""
        total = Balances()
        for account, balances in self.accounts().items():
            assert balances.within(rule_of(account.code).limit), (account.code, balances)
            total = total.plus(balances)
        assert total.debits_posted == total.credits_posted
        assert total.debits_pending == total.credits_pending
        assert self.net("client_cash") >= self.net("available")

    # -- committing

    def changeset(self) -> ChangesetId:
        """A new one."""
        return self.ids.new(ChangesetId)

    def commit(
        self,
        id: ChangesetId,
        *aggregates: Any,
        transfers: tuple[Transfer, ...] = (),
        ceilings: tuple[Ceiling, ...] = (),
    ) -> Any:
        """Apply what must not be refused; the first aggregate as it is stored."""
        changes = Changeset(
            id=id,
            at=self.at,
            actor=ACTOR,
            changes=tuple(Change(aggregate, EventType.PAYMENT_UPDATED) for aggregate in aggregates),
            transfers=transfers,
            ceilings=ceilings,
        )
        outcome = apply(self.state, self.scope, changes, self.at)
        assert isinstance(outcome, Success), outcome
        return evolve(aggregates[0], version=aggregates[0].version + 1)

    def book(self, id: ChangesetId, outcome: Any) -> Payment:
        """Commit what a step of a payment answered."""
        booked = outcome.unwrap()
        stored: Payment = self.commit(id, booked.payment, transfers=booked.transfers)
        return stored

    # -- payments

    def new(self, amount_minor: int = 10_000, *, manual: bool = False, **more: Any) -> Payment:
        """A payment that nobody was asked about."""
        method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
        made = new_payment(
            self.merchant,
            id=self.ids.new(PaymentId),
            amount_minor=amount_minor,
            currency=Currency.AUD,
            at=self.at,
            capture_method=method,
            **more,
        )
        stored: Payment = self.commit(self.changeset(), made.unwrap())
        return stored

    def sent(
        self, amount_minor: int = 10_000, *, scheme: Scheme = Scheme.VISA, manual: bool = False
    ) -> Payment:
        """A payment whose acquirer has not answered."""
        payment = self.new(amount_minor, manual=manual)
        confirmed = payment.confirmed(self.merchant, self.at, card(scheme)).unwrap()
        stored: Payment = self.commit(self.changeset(), confirmed)
        return stored

    def answer(self, payment: Payment, reply: AuthorisationReply | None = None) -> Payment:
        """The acquirer answers: yes, if nothing else is said."""
        id = self.changeset()
        reply = reply or Approved(reference=f"ref_{payment.id}", auth_code="123456")
        return self.book(id, answered(payment, self.merchant, self.books, reply, self.at, id))

    def paid(self, amount_minor: int = 10_000, *, scheme: Scheme = Scheme.VISA) -> Payment:
        """A payment that was captured with the approval."""
        return self.answer(self.sent(amount_minor, scheme=scheme))

    def authorised(self, amount_minor: int = 10_000, *, scheme: Scheme = Scheme.VISA) -> Payment:
        """A payment that waits to be captured."""
        return self.answer(self.sent(amount_minor, scheme=scheme, manual=True))

    def capture(self, payment: Payment, amount_minor: int | None = None, *, final: bool = True) -> Payment:
        """Take some of it."""
        id = self.changeset()
        return self.book(
            id,
            captured(payment, self.merchant, self.books, self.at, id, amount_minor=amount_minor, final=final),
        )

    def cancel(self, payment: Payment, reason: CancelReason | None = None) -> Payment:
        """Give it up."""
        id = self.changeset()
        return self.book(id, canceled(payment, self.books, reason, self.at, id))

    def increment(self, payment: Payment, amount_minor: int) -> Payment:
        """Ask for a higher total; not answered yet."""
        stored: Payment = self.commit(
            self.changeset(), increment_sent(payment, self.merchant, amount_minor, self.at).unwrap()
        )
        return stored

    def answer_increment(self, payment: Payment, reply: AuthorisationReply | None = None) -> Payment:
        """The acquirer answers: yes, if nothing else is said."""
        id = self.changeset()
        reply = reply or Approved(reference="ref_increment")
        return self.book(id, increment_answered(payment, self.books, reply, self.at, id))

    # -- refunds

    def refund(self, payment: Payment, amount_minor: int) -> tuple[Refund, Payment]:
        """Reserve a refund; both as they are stored."""
        outcome = self.try_refund(payment, amount_minor)
        assert not isinstance(outcome, Failure), outcome
        return outcome

    def try_refund(self, payment: Payment, amount_minor: int) -> Any:
        """Reserve a refund, or say why not."""
        *funds, debt = refund_accounts(self.books, payment.attempts[-1])
        spendable = {
            account: self.balance(account.code).spendable(Limit.DEBITS_WITHIN_CREDITS) for account in funds
        }
        room = self.merchant.limits.refund_debt_max_minor - self.balance(debt.code).owed
        id = self.changeset()
        reserved = payment.refunding(amount_minor, 100).unwrap()
        fee = fee_returned(self.merchant, reserved)
        reserved = reserved.returning(fee)
        sent = refund_sent(
            self.books,
            payment.attempts[-1],
            spendable,
            room,
            id=self.ids.new(RefundId),
            payment=payment.id,
            amount_minor=amount_minor,
            fee=fee,
            at=self.at,
            changeset=id,
        )
        if isinstance(sent, Failure):
            return sent
        booked = sent.unwrap()
        ceilings = (Ceiling(debt, self.merchant.limits.refund_debt_max_minor),) if booked.indebted else ()
        refund = self.commit(id, booked.refund, reserved, transfers=booked.transfers, ceilings=ceilings)
        return refund, evolve(reserved, version=reserved.version + 1)

    def answer_refund(self, refund: Refund, reply: AuthorisationReply | None = None) -> Refund:
        """The acquirer answers: yes, if nothing else is said."""
        id = self.changeset()
        reply = reply or Approved(reference=f"ref_{refund.id}")
        booked = refund_answered(refund, self.merchant, self.books, reply, self.at, id).unwrap()
        stored: Refund = self.commit(id, booked.refund, transfers=booked.transfers)
        return stored

    def return_refund(self, refund: Refund) -> Refund:
        """The issuer sends it back."""
        id = self.changeset()
        failure = RefundFailure.EXPIRED_OR_CANCELED_CARD
        booked = refund_returned(refund, self.books, failure, self.at, id).unwrap()
        stored: Refund = self.commit(id, booked.refund, transfers=booked.transfers)
        return stored

    # -- settlement and time

    def settle(self, through: date | None = None) -> Settlement | None:
        """The bank pays; None when there is nothing to settle."""
        id = self.changeset()
        booked = settle(
            self.books,
            self.accounts(),
            id=self.ids.new(SettlementId),
            through=through or date(2030, 1, 1),
            at=self.at,
            changeset=id,
        )
        if booked is None:
            return None
        stored: Settlement = self.commit(id, booked.settlement, transfers=booked.transfers)
        return stored

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)


def _income(code: str) -> bool:
    return bucket_of(code) in (Bucket.FEES, Bucket.GST_PAYABLE)
