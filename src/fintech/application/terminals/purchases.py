"""Purchases at a terminal: the cardholder waits, so there is a yes or a no at once, and nothing is left open."""

from typing import TypeAlias

from attrs import evolve, frozen

from fintech.application.commits import Commits, Request, RequestKey
from fintech.application.fingerprints import Fingerprints
from fintech.application.payments.asking import AcquirerMissing, Refusal
from fintech.application.payments.repeats import Answered
from fintech.application.payments.requests import CreatePayment
from fintech.application.protection import Protection
from fintech.application.terminals.reversals import ReverseTransaction
from fintech.application.terminals.sales import Sale, patiently
from fintech.domain.cards import Card, CardDetails, CardFault
from fintech.domain.changeset import KeyAnswered
from fintech.domain.ids import PaymentId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.payment import Payment, PaymentStatus
from fintech.domain.payments.presentation import presented_method_id
from fintech.domain.scope import Scope
from fintech.ports.card_directory import CardDirectory
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

PurchaseRefusal: TypeAlias = Refusal | CardFault | CustodyRefused


@frozen(kw_only=True)
class TakePurchase:
    """Ask a card's issuer for the amount of a purchase, and take it.

    When the issuer's answer does not come, the purchase is given up: the payment is cancelled before the terminal is
    told no, and the acquirer is told to reverse it until it acknowledges. Nobody at a till waits for an enquiry.
    """

    store: Store
    ids: IdSource
    cards: CardDirectory
    protection: Protection
    fingerprints: Fingerprints
    commits: Commits
    create_payment: CreatePayment
    reverse: ReverseTransaction

    async def __call__(
        self, request: Request, scope: Scope, sale: Sale, details: CardDetails
    ) -> Outcome[Payment, PurchaseRefusal]:
        """The payment, which has its outcome. A repeat is answered by what is true by then: what was reversed since is
        not approved any more. Refused as `CreatePayment` and `CardDirectory.recognise` refuse, and where the merchant's keys
        are not to be had: of a card that is presented, nothing is sealed, but it has its fingerprint."""
        if not self.cards.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        recognised = await self.cards.recognise(scope, details)
        if isinstance(recognised, Failure):
            return await self._not_admitted(request, scope, recognised.failure())
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return await self._not_admitted(request, scope, leased.failure())
        fingerprint = await self.fingerprints.of_card(leased.unwrap(), details.number)
        card = evolve(recognised.unwrap(), fingerprint=fingerprint)
        asked = await self._asked(request, scope, sale, card)
        if isinstance(asked, Failure):
            return asked
        reply = asked.unwrap()
        payment = reply.value
        if reply.replayed:
            payment = await self.store.payment(scope, payment.id) or payment
        return await self._settled(request, scope, payment)

    async def begun(self, scope: Scope, key: RequestKey) -> bool:
        """Whether a message under a key has come before. Then it is answered, whoever may begin nothing any more: its
        sender may have to know that it was done."""
        return await self.store.claim(scope, key.key) is not None

    async def _asked(self, request: Request, scope: Scope, sale: Sale, card: Card) -> Answered:
        id = self.ids.new(PaymentId)  # beforehand, for the card that is presented is called after it

        async def ask() -> Answered:
            return await self.create_payment(
                request,
                scope,
                amount_minor=sale.amount_minor,
                currency=sale.currency,
                method=Method(presented_method_id(id), card),
                confirm=True,
                presented=sale.presented,
                id=id,
            )

        return await patiently(ask)

    async def _not_admitted(
        self, request: Request, scope: Scope, fault: CardFault | CustodyRefused
    ) -> Outcome[Payment, PurchaseRefusal]:
        """A card that has expired since, or a merchant whose keys have been revoked, was good enough when the message came
        for the first time."""
        refused = await self.commits.key_first(scope, request, fault)
        if not isinstance(refused, KeyAnswered):
            return Failure(refused)
        snapshot = await self.commits.answered(scope, refused)
        assert isinstance(snapshot, Payment)
        return await self._settled(request, scope, await self.store.payment(scope, snapshot.id) or snapshot)

    async def _settled(
        self, request: Request, scope: Scope, payment: Payment
    ) -> Outcome[Payment, PurchaseRefusal]:
        if payment.status is not PaymentStatus.PROCESSING:
            return Success(payment)
        return await self.reverse.payment(request, scope, payment.id)
