"""Payment methods: a typed-in card becomes something to pay with, and its number is sealed before anything speaks of it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from attrs import evolve, field, frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import Commits, Decision, Reply, Request, saved
from fintech.application.fingerprints import Fingerprints
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.protection import Protection, index_of
from fintech.application.repeats import replied
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.billing import BILLING, NO_BILLING, BillingDetails, BillingFault, billing_of
from fintech.domain.cards import CardDetails, CardFault
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentMethodId
from fintech.domain.keys.columns import BILLING_EMAIL, CARD_NUMBER, Column
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method, PaymentMethod
from fintech.domain.scope import Scope
from fintech.ports.card_directory import CardDirectory
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

MethodRefusal: TypeAlias = CardFault | BillingFault | CustodyRefused | AcquirerMissing | CommitRefused

#: By payment method: whose card it is, or why nobody can say.
Billings: TypeAlias = Mapping[str, Outcome[BillingDetails, CustodyRefused]]


@frozen(kw_only=True)
class CreatePaymentMethod:
    """Keep a card: what may be read of it in the books, its number and its owner sealed."""

    ids: IdSource
    cards: CardDirectory
    protection: Protection
    fingerprints: Fingerprints
    audited: Audited
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        details: CardDetails,
        metadata: Metadata = (),
        billing: BillingDetails = NO_BILLING,
    ) -> Outcome[Reply[PaymentMethod], MethodRefusal]:
        """Refused with the first thing that is wrong with the card's details, and where the merchant's keys are not to be
        had. Raises `AuditUnavailable` where nothing can be written down: then no card is kept."""
        if not self.cards.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        recognised = await self.cards.recognise(scope, details)
        if isinstance(recognised, Failure):
            return recognised
        if (fault := billing.fault()) is not None:
            return Failure(fault)
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return await replied(self.commits, request, scope, PaymentMethod, leased)
        lease, id = leased.unwrap(), self.ids.new(PaymentMethodId)
        sealed = {CARD_NUMBER: details.number.encode(), **billing.sealable()}
        index = index_of(lease, CARD_NUMBER, sealed[CARD_NUMBER])
        fingerprint = await self.fingerprints.of_card(lease, details.number, index)
        card = evolve(recognised.unwrap(), fingerprint=fingerprint)
        deed = Deed(actor=request.actor, action=AuditAction.CARD_ADMITTED, subject=id, scope=scope)
        written = self.audited.write(deed, AuditResult.DONE)
        await asyncio.gather(self.protection.keep(lease, id, sealed, {CARD_NUMBER: index}), written)

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[PaymentMethod], CommitRefused]:
            names = tuple(column.name for column in sealed)
            method = PaymentMethod(
                id=id, version=0, card=card, created_at=now, metadata=metadata, sealed=names
            )
            return Success(
                Decision(
                    value=saved(method),
                    changes=((method, EventType.PAYMENT_METHOD_CREATED),),
                    claim=request.claim_and_answer(id, now),
                )
            )

        outcome = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Failure):
            await self.protection.forget(scope, CARD_NUMBER, id)
        return await replied(self.commits, request, scope, PaymentMethod, outcome)


@frozen(kw_only=True)
class FindMethod:
    """What a request means by a payment method: a stored one, or a well-known test card by its name."""

    store: Store
    cards: CardDirectory

    async def __call__(self, scope: Scope, name: str) -> Method | None:
        """The method, or None if there is no such."""
        id = PaymentMethodId.parse(name)
        if id is None:
            card = self.cards.named(scope, name)
            return Method(name, card) if card else None
        stored = await self.store.payment_method(scope, id)
        return Method(id, stored.card) if stored else None


@frozen(kw_only=True)
class ReadBilling:
    """Whose cards some payment methods are: a page of them takes one question to the store."""

    protection: Protection

    async def __call__(self, scope: Scope, methods: Sequence[PaymentMethod]) -> Billings:
        """The billing details of each; of those that have none, `NO_BILLING`. Refused one by one: no list fails because of
        a merchant's keys."""
        places = {method.id: method.billing_places() for method in methods}
        opened = await self.protection.read(scope, [place for each in places.values() for place in each])
        billings: dict[str, Outcome[BillingDetails, CustodyRefused]] = {}
        for id, sealed in places.items():
            values: dict[Column, bytes] = {}
            for column in BILLING:
                value = opened.get(column.at(id)) if column.at(id) in sealed else None
                if isinstance(value, Failure):
                    billings[id] = value
                elif value is not None:
                    values[column] = value.unwrap()
            billings.setdefault(id, Success(billing_of(values)))
        return billings


@frozen(kw_only=True)
class SoughtMethod:
    """What a payment method is looked for by: its owner's e-mail address, or its card's number."""

    email: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class LookUpMethods:
    """Find payment methods by what is sealed of them, without opening any."""

    store: Store
    protection: Protection

    async def __call__(
        self, scope: Scope, sought: SoughtMethod
    ) -> Outcome[Sequence[PaymentMethod], CustodyRefused]:
        """The oldest 100 that have it, the newest of them first."""
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return leased
        column, text = (CARD_NUMBER, sought.number) if sought.number else (BILLING_EMAIL, sought.email or "")
        records = await self.protection.find(leased.unwrap(), column, text.encode())
        found = [await self.store.payment_method(scope, PaymentMethodId(record)) for record in records]
        return Success([method for method in reversed(found) if method is not None])
