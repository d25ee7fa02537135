"""Everything that may happen to a merchant's money, committed for contract suites and remembered."""

from datetime import datetime
from typing import Any, Final, TypeVar

from attrs import Factory, define

from fintech.domain.business_days import sydney_day
from fintech.domain.cards import Approved, AuthorisationReply, Decline, DeclineCode, Unknown
from fintech.domain.changeset import Changeset
from fintech.domain.chart import Limit
from fintech.domain.events import Aggregate, EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, EventId, MerchantId, MovementId, PaymentId, RefundId, SettlementId
from fintech.domain.ledger import Transfer
from fintech.domain.lines import touches_balance
from fintech.domain.merchants import FeePlan, Limits, Merchant, SchemeFee, Standing
from fintech.domain.money import Currency
from fintech.domain.payments.increments import increment_answered, increment_sent
from fintech.domain.payments.lifecycle import answered, canceled, captured
from fintech.domain.payments.payment import CancelReason, CaptureMethod, Payment, new_payment
from fintech.domain.refunds.lifecycle import (
    fee_returned,
    fee_undone,
    refund_accounts,
    refund_answered,
    refund_returned,
    refund_sent,
)
from fintech.domain.refunds.refund import REFUNDS_MAX, Refund, RefundFailure
from fintech.domain.scope import Scope
from fintech.domain.settlement import settle
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import METHOD, Story
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

A = TypeVar("A", bound=Aggregate)

YES: Final = Approved(reference="ref", auth_code="123456")
NO: Final = Decline(code=DeclineCode.GENERIC_DECLINE, scheme_code="05")
NOBODY_KNOWS: Final = Unknown("no answer")


@define
class Season:
    """Trades through changesets that the domain makes, and remembers what was committed, in that order."""

    story: Story
    events: list[tuple[EventId, datetime, EventType]] = Factory(list)
    movements: dict[MovementId, list[Transfer]] = Factory(dict)
    aggregates: dict[str, Any] = Factory(dict)

    @classmethod
    async def begin(
        cls,
        store: Store,
        ids: IdSource,
        clock: Clock,
        *,
        livemode: bool = False,
        id: MerchantId | None = None,
    ) -> "Season":
        """A merchant opens who may owe us a little for refunds, and gets the fee of what it refunds back."""
        merchant = Merchant(
            id=id or ids.new(MerchantId),
            version=0,
            name="Season & Daughters",
            standing=Standing.ACTIVE,
            currency=Currency.AUD,
            fees=FeePlan(
                standard=SchemeFee(rate_bps=175, fixed_minor=10),
                returned_on_refund=True,
                dispute_fee_minor=2_500,
                dispute_fee_returned_on_win=True,
            ),
            limits=Limits(refund_debt_max_minor=5_000),
            created_at=clock.now(),
        )
        season = cls(Story(store, ids, clock, evolve(merchant, version=1), Scope(merchant.id, livemode)))
        await season.commit((merchant, EventType.ACCOUNT_CREATED))
        return season

    def copied(self, store: Store, ids: IdSource, clock: Clock) -> "Season":
        """The same season on a copy of what is stored. ``clock`` is where the other one's was."""
        story = Story(store, ids, clock, self.story.merchant, self.story.scope)
        movements = {id: [*legs] for id, legs in self.movements.items()}
        return Season(story, [*self.events], movements, {**self.aggregates})

    @property
    def now(self) -> datetime:
        """The store's time."""
        return self.story.clock.now()

    @property
    def lines(self) -> dict[MovementId, list[Transfer]]:
        """The movements that changed what we owe the merchant."""
        return {id: legs for id, legs in self.movements.items() if touches_balance(tuple(legs))}

    def all(self, kind: type[A]) -> list[A]:
        """The aggregates of a kind as they are now, the smallest id first."""
        found = [aggregate for aggregate in self.aggregates.values() if isinstance(aggregate, kind)]
        return sorted(found, key=lambda aggregate: aggregate.id)

    async def commit(
        self,
        *changes: tuple[Aggregate, EventType],
        transfers: tuple[Transfer, ...] = (),
        id: ChangesetId | None = None,
    ) -> Changeset:
        """Commit, and remember."""
        committed = await self.story.committed(self.story.changes(*changes, transfers=transfers, id=id))
        for position, change in enumerate(committed.changes):
            self.events.append((EventId.of(committed.id, position), committed.at, change.event))
            kept = evolve(change.aggregate, version=change.aggregate.version + 1)
            self.aggregates[kept.id] = kept
        for transfer in transfers:
            self.movements.setdefault(transfer.id.movement_id, []).append(transfer)
        return committed

    async def pay(
        self, amount_minor: int, reply: AuthorisationReply = YES, *, manual: bool = False
    ) -> Payment:
        """A new payment, its intent and the answer to it."""
        made = new_payment(
            self.story.merchant,
            id=self.story.ids.new(PaymentId),
            amount_minor=amount_minor,
            currency=Currency.AUD,
            at=self.now,
            capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
        ).unwrap()
        await self.commit((made, EventType.PAYMENT_CREATED))
        return await self.try_card(made.id, reply)

    async def try_card(self, id: PaymentId, reply: AuthorisationReply = YES) -> Payment:
        """Another attempt at a payment."""
        sent = self.payment(id).confirmed(self.story.merchant, self.now, METHOD).unwrap()
        await self.commit((sent, EventType.PAYMENT_PROCESSING))
        changeset = self._changeset()
        booked = answered(
            self.payment(id), self.story.merchant, self.story.books, reply, self.now, changeset
        ).unwrap()
        await self.commit(
            (booked.payment, EventType.PAYMENT_UPDATED), transfers=booked.transfers, id=changeset
        )
        return self.payment(id)

    async def increment(self, id: PaymentId, total_minor: int) -> Payment:
        """A higher authorisation, granted."""
        sent = increment_sent(self.payment(id), self.story.merchant, total_minor, self.now).unwrap()
        await self.commit((sent, EventType.PAYMENT_UPDATED))
        changeset = self._changeset()
        booked = increment_answered(self.payment(id), self.story.books, YES, self.now, changeset).unwrap()
        await self.commit(
            (booked.payment, EventType.PAYMENT_CAPTURABLE_UPDATED), transfers=booked.transfers, id=changeset
        )
        return self.payment(id)

    async def capture(self, id: PaymentId, amount_minor: int, *, final: bool = True) -> Payment:
        """Take some of what is held."""
        changeset = self._changeset()
        booked = captured(
            self.payment(id),
            self.story.merchant,
            self.story.books,
            self.now,
            changeset,
            amount_minor=amount_minor,
            final=final,
        ).unwrap()
        await self.commit(
            (booked.payment, EventType.PAYMENT_SUCCEEDED), transfers=booked.transfers, id=changeset
        )
        return self.payment(id)

    async def cancel(self, id: PaymentId) -> Payment:
        """Let a payment go."""
        changeset = self._changeset()
        reason = CancelReason.REQUESTED_BY_CUSTOMER
        booked = canceled(self.payment(id), self.story.books, reason, self.now, changeset).unwrap()
        await self.commit(
            (booked.payment, EventType.PAYMENT_CANCELED), transfers=booked.transfers, id=changeset
        )
        return self.payment(id)

    async def refund(self, id: PaymentId, amount_minor: int, reply: AuthorisationReply = YES) -> Refund:
        """Give some of a payment back; `NOBODY_KNOWS` leaves it open."""
        payment, books, merchant = self.payment(id), self.story.books, self.story.merchant
        accounts = refund_accounts(books, payment.attempts[-1])
        balances = await self.story.store.balances(self.story.scope, accounts)
        changeset = self._changeset()
        reserved = payment.refunding(amount_minor, REFUNDS_MAX).unwrap()
        fee = fee_returned(merchant, reserved)
        sent = refund_sent(
            books,
            payment.attempts[-1],
            {account: balances[account].spendable(Limit.DEBITS_WITHIN_CREDITS) for account in accounts},
            merchant.limits.refund_debt_max_minor - balances[accounts[-1]].owed,
            id=self.story.ids.new(RefundId),
            payment=id,
            amount_minor=amount_minor,
            fee=fee,
            at=self.now,
            changeset=changeset,
        ).unwrap()
        await self.commit(
            (sent.refund, EventType.REFUND_CREATED),
            (reserved.returning(fee), EventType.CHARGE_REFUNDED),
            transfers=sent.transfers,
            id=changeset,
        )
        return await self._refund_answered(sent.refund.id, reply)

    async def refund_comes_back(self, id: RefundId) -> Refund:
        """The issuer returns a refund that had succeeded."""
        changeset = self._changeset()
        failure = RefundFailure.LOST_OR_STOLEN_CARD
        booked = refund_returned(self.aggregates[id], self.story.books, failure, self.now, changeset).unwrap()
        await self._refund_failed(booked.refund, booked.transfers, changeset)
        refund: Refund = self.aggregates[id]
        return refund

    async def settle(self) -> None:
        """The bank pays for everything up to today."""
        changeset = self._changeset()
        booked = settle(
            self.story.books,
            await self.story.store.books(self.story.scope),
            id=self.story.ids.new(SettlementId),
            through=sydney_day(self.now),
            at=self.now,
            changeset=changeset,
        )
        if booked is not None:
            await self.commit(
                (booked.settlement, EventType.SETTLEMENT_CREATED), transfers=booked.transfers, id=changeset
            )

    async def present_card(self) -> None:
        """A payment method is kept."""
        await self.commit((self.story.method(), EventType.PAYMENT_METHOD_CREATED))

    async def cut_key(self, digest: bytes) -> None:
        """An API key is made."""
        await self.commit((self.story.key(digest), EventType.API_KEY_CREATED))

    def payment(self, id: PaymentId) -> Payment:
        """A payment as it is now."""
        payment: Payment = self.aggregates[id]
        return payment

    async def _refund_answered(self, id: RefundId, reply: AuthorisationReply) -> Refund:
        refund: Refund = self.aggregates[id]
        merchant, books, changeset = self.story.merchant, self.story.books, self._changeset()
        booked = refund_answered(refund, merchant, books, reply, self.now, changeset).unwrap()
        if reply is NO:
            await self._refund_failed(booked.refund, booked.transfers, changeset)
        else:
            await self.commit(
                (booked.refund, EventType.REFUND_UPDATED), transfers=booked.transfers, id=changeset
            )
        after: Refund = self.aggregates[id]
        return after

    async def _refund_failed(
        self, refund: Refund, transfers: tuple[Transfer, ...], changeset: ChangesetId
    ) -> None:
        freed = self.payment(refund.payment).refund_undone(refund.amount_minor, fee_undone(refund))
        await self.commit(
            (refund, EventType.REFUND_FAILED),
            (freed, EventType.CHARGE_UPDATED),
            transfers=transfers,
            id=changeset,
        )

    def _changeset(self) -> ChangesetId:
        return self.story.ids.new(ChangesetId)
