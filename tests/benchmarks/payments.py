"""The payment that every write path of this folder commits: domain objects built inside the timed loop."""

import random
from datetime import UTC, datetime

from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.cards import Approved, Card, Funding, Scheme
from fintech.domain.changeset import Answer, Change, Changeset, Claim
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MerchantId, PaymentId
from fintech.domain.ledger import PLATFORM, Books
from fintech.domain.merchants import DEFAULT_FEES, Limits, Merchant, Standing
from fintech.domain.money import Currency
from fintech.domain.payment_methods import Method
from fintech.domain.payments.lifecycle import answered
from fintech.domain.payments.payment import new_payment
from fintech.domain.scope import Actor, Face, Scope

MERCHANTS = 1_000
ACTOR = Actor("bench", Face.EMBEDDED)
CARD = Card(
    scheme=Scheme.VISA,
    bin="424242",
    last4="4242",
    exp_month=12,
    exp_year=2034,
    funding=Funding.CREDIT,
    country="AU",
    fingerprint="ABCDEFGHIJKLMNOP",
    token="pm_card_visa",
)
METHOD = Method("pm_card_visa", CARD)


def merchants(count: int = MERCHANTS) -> list[Merchant]:
    """The same merchants in every process: their ids are counted."""
    return [
        Merchant(
            id=MerchantId(f"acct_{number:024d}"),
            version=1,
            name=f"Shop {number}",
            standing=Standing.ACTIVE,
            currency=Currency.AUD,
            fees=DEFAULT_FEES,
            limits=Limits(),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for number in range(1, count + 1)
    ]


class Till:
    """Builds payments of the merchants from ``first`` on and before ``last``; ``refused`` is the share that will be
    refused by the store (a key used before)."""

    def __init__(
        self, *, shared_platform: bool = False, refused: float = 0.0, first: int = 0, last: int = MERCHANTS
    ) -> None:
        self._ids = RandomIdSource()
        self._merchants = merchants()[first:last]
        self._books = [
            Books(each.id, each.currency, PLATFORM if shared_platform else each.id)
            for each in self._merchants
        ]
        self._scopes = [Scope(each.id, livemode=False) for each in self._merchants]
        self._refused = refused
        self._used: dict[int, str] = {}

    def payment(self, number: int | None = None, at: datetime | None = None) -> tuple[Scope, Changeset]:
        """One approved card payment: claim, payment, capture with fee and GST, event; of any merchant, and now."""
        number = random.randrange(len(self._merchants)) if number is None else number
        merchant, books, scope = self._merchants[number], self._books[number], self._scopes[number]
        now = at or datetime.now(UTC)
        changeset = self._ids.new(ChangesetId)
        made = new_payment(
            merchant,
            id=self._ids.new(PaymentId),
            amount_minor=10_000,
            currency=Currency.AUD,
            at=now,
            method=METHOD,
        ).unwrap()
        sent = made.confirmed(merchant, now).unwrap()
        reply = Approved(reference=f"sim_{sent.attempts[-1].id}", auth_code="123456")
        booked = answered(sent, merchant, books, reply, now, changeset).unwrap()
        key = changeset.body
        if self._refused and random.random() < self._refused:
            key = self._used.get(number, key)
        elif self._refused:
            self._used[number] = key
        claim = Claim(
            key=key,
            operation="payment_intents.create",
            fingerprint=b"f" * 32,
            resource=made.id,
            lease_until=now,
        )
        changes = Changeset(
            id=changeset,
            at=now,
            actor=ACTOR,
            changes=(Change(booked.payment, EventType.PAYMENT_SUCCEEDED),),
            transfers=booked.transfers,
            claim=Answer(key=key, claim=claim),
        )
        return scope, changes


def onboarding(merchant: Merchant, ids: RandomIdSource) -> tuple[Scope, Changeset]:
    """The merchant's own changeset, so that its row is there."""
    new = evolve(merchant, version=0)
    changes = Changeset(
        id=ids.new(ChangesetId),
        at=merchant.created_at,
        actor=ACTOR,
        changes=(Change(new, EventType.ACCOUNT_CREATED),),
    )
    return Scope(merchant.id, livemode=False), changes
