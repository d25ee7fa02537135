"""Small true stories for contract suites: changesets made by the domain itself, ready to be committed."""

from datetime import timedelta
from typing import Any

from attrs import frozen

from fintech.domain.api_keys import ApiKey
from fintech.domain.cards import Approved, Card, Funding, Scheme
from fintech.domain.changeset import Answer, Change, Changeset, Claim
from fintech.domain.chart import Limit
from fintech.domain.events import Aggregate, EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ApiKeyId, ChangesetId, MerchantId, PaymentId, PaymentMethodId, RefundId
from fintech.domain.ledger import Books, Transfer
from fintech.domain.merchants import DEFAULT_FEES, Limits, Merchant, Standing
from fintech.domain.money import Currency
from fintech.domain.outcome import Success
from fintech.domain.payment_methods import Method, PaymentMethod
from fintech.domain.payments.lifecycle import answered, captured
from fintech.domain.payments.payment import CaptureMethod, Payment, new_payment
from fintech.domain.refunds.lifecycle import refund_accounts, refund_sent
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

ACTOR = Actor("contract", Face.EMBEDDED, "to see the promise kept", "req_contract", "a key of the caller's")
CARD = Card(
    scheme=Scheme.VISA,
    bin="424242",
    last4="4242",
    exp_month=12,
    exp_year=2034,
    funding=Funding.CREDIT,
    country="AU",
    fingerprint="fingerprint",
    token="pm_card_visa",  # noqa: S106 - the name of a test card
)
METHOD = Method("pm_card_visa", CARD)


@frozen
class Story:
    """Tells what happens to one merchant, one changeset at a time."""

    store: Store
    ids: IdSource
    clock: Clock
    merchant: Merchant
    scope: Scope

    @classmethod
    async def begin(
        cls,
        store: Store,
        ids: IdSource,
        clock: Clock,
        *,
        livemode: bool = False,
        limits: Limits | None = None,
    ) -> "Story":
        """A merchant is onboarded."""
        merchant = Merchant(
            id=ids.new(MerchantId),
            version=0,
            name="Contract & Sons",
            standing=Standing.ACTIVE,
            currency=Currency.AUD,
            fees=DEFAULT_FEES,
            limits=limits or Limits(),
            created_at=clock.now(),
        )
        story = cls(store, ids, clock, merchant, Scope(merchant.id, livemode))
        await story.committed(story.changes((merchant, EventType.ACCOUNT_CREATED)))
        return evolve_story(story, merchant)

    @property
    def books(self) -> Books:
        """The merchant's books."""
        return Books.of(self.merchant.id, Currency.AUD)

    def changes(
        self,
        *changes: tuple[Aggregate, EventType],
        transfers: tuple[Transfer, ...] = (),
        claim: Claim | Answer | None = None,
        id: ChangesetId | None = None,
        **more: Any,
    ) -> Changeset:
        """A changeset of this merchant."""
        return Changeset(
            id=id or self.ids.new(ChangesetId),
            at=self.clock.now(),
            actor=ACTOR,
            changes=tuple(Change(*change) for change in changes),
            transfers=transfers,
            claim=claim,
            **more,
        )

    async def committed(self, changes: Changeset) -> Changeset:
        """Commit what must not be refused."""
        outcome = await self.store.commit(self.scope, changes)
        assert isinstance(outcome, Success), outcome
        return changes

    def paying(
        self, amount_minor: int = 10_000, *, manual: bool = False, claim: Claim | None = None
    ) -> Changeset:
        """A payment that is approved at once; ``manual``: authorised only."""
        now = self.clock.now()
        changeset = self.ids.new(ChangesetId)
        made = new_payment(
            self.merchant,
            id=self.ids.new(PaymentId),
            amount_minor=amount_minor,
            currency=Currency.AUD,
            at=now,
            capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
            method=METHOD,
        ).unwrap()
        sent = made.confirmed(self.merchant, now).unwrap()
        reply = Approved(reference=f"ref_{made.id}", auth_code="123456")
        booked = answered(sent, self.merchant, self.books, reply, now, changeset).unwrap()
        event = EventType.PAYMENT_CAPTURABLE_UPDATED if manual else EventType.PAYMENT_SUCCEEDED
        return self.changes((booked.payment, event), transfers=booked.transfers, claim=claim, id=changeset)

    async def paid(self, amount_minor: int = 10_000, *, manual: bool = False) -> Payment:
        """A committed payment, as it is stored."""
        changes = await self.committed(self.paying(amount_minor, manual=manual))
        payment: Payment = stored(changes)
        return payment

    def capturing(self, payment: Payment, amount_minor: int, *, final: bool = True) -> Changeset:
        """Take a part of what is authorised."""
        changeset = self.ids.new(ChangesetId)
        booked = captured(
            payment,
            self.merchant,
            self.books,
            self.clock.now(),
            changeset,
            amount_minor=amount_minor,
            final=final,
        ).unwrap()
        return self.changes(
            (booked.payment, EventType.PAYMENT_SUCCEEDED), transfers=booked.transfers, id=changeset
        )

    async def refunding(
        self, payment: Payment, amount_minor: int, *, funds_minor: int | None = None
    ) -> Changeset:
        """Reserve a refund; ``funds_minor`` is what the unsettled bucket is said to have, true or not."""
        changeset = self.ids.new(ChangesetId)
        accounts = refund_accounts(self.books, payment.attempts[-1])
        balances = await self.store.balances(self.scope, accounts)
        spendable = {
            account: balances[account].spendable(Limit.DEBITS_WITHIN_CREDITS) for account in accounts
        }
        if funds_minor is not None:
            spendable[accounts[0]] = funds_minor
        booked = refund_sent(
            self.books,
            payment.attempts[-1],
            spendable,
            0,
            id=self.ids.new(RefundId),
            payment=payment.id,
            amount_minor=amount_minor,
            at=self.clock.now(),
            changeset=changeset,
        ).unwrap()
        reserved = payment.refunding(amount_minor, 100).unwrap()
        return self.changes(
            (booked.refund, EventType.REFUND_CREATED),
            (reserved, EventType.CHARGE_REFUNDED),
            transfers=booked.transfers,
            id=changeset,
        )

    def claim(self, key: str, *, fingerprint: bytes = b"f" * 32, resource: str = "pi_x") -> Claim:
        """A claim of a key for a minute."""
        return Claim(
            key=key,
            operation="payment_intents.create",
            fingerprint=fingerprint,
            resource=resource,
            lease_until=self.clock.now() + timedelta(minutes=1),
        )

    def key(self, digest: bytes = b"d" * 32) -> ApiKey:
        """An API key that is not stored yet."""
        return ApiKey(
            id=self.ids.new(ApiKeyId),
            version=0,
            name="till",
            digest=digest,
            hint="beef",
            created_at=self.clock.now(),
        )

    def method(self) -> PaymentMethod:
        """A payment method that is not stored yet."""
        return PaymentMethod(
            id=self.ids.new(PaymentMethodId), version=0, card=CARD, created_at=self.clock.now()
        )


def evolve_story(story: Story, merchant: Merchant) -> Story:
    """The same story with the merchant as it is stored."""
    return Story(story.store, story.ids, story.clock, evolve(merchant, version=1), story.scope)


def stored(changes: Changeset) -> Any:
    """The first aggregate of a changeset as it is once committed."""
    aggregate = changes.changes[0].aggregate
    return evolve(aggregate, version=aggregate.version + 1)
