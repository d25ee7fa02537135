"""Purchases at a terminal: the cardholder waits, so there is a yes or a no at once, and nothing is left open."""

from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Request, RequestKey
from fintech.application.payments.asking import AcquirerMissing, Refusal
from fintech.application.payments.repeats import Answered
from fintech.application.payments.requests import CreatePayment
from fintech.application.terminals.reversals import ReverseTransaction
from fintech.application.terminals.sales import Sale, patiently
from fintech.domain.cards import Card, CardDetails, CardFault
from fintech.domain.changeset import KeyAnswered
from fintech.domain.ids import PaymentId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.payment import Payment, PaymentStatus
from fintech.domain.payments.presentation import presented_method_id
from fintech.domain.scope import Scope
from fintech.ports.card_vault import CardVault
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

PurchaseRefusal: TypeAlias = Refusal | CardFault


@frozen(kw_only=True)
class TakePurchase:
    """Ask a card's issuer for the amount of a purchase, and take it.

    When the issuer's answer does not come, the purchase is given up: the payment is cancelled before the terminal is
    told no, and the acquirer is told to reverse it until it acknowledges. Nobody at a till waits for an enquiry.
    """

    store: Store
    ids: IdSource
    vault: CardVault
    commits: Commits
    create_payment: CreatePayment
    reverse: ReverseTransaction

    async def __call__(
        self, request: Request, scope: Scope, sale: Sale, details: CardDetails
    ) -> Outcome[Payment, PurchaseRefusal]:
        """The payment, which has its outcome. A repeat is answered by what is true by then: what was reversed since is
        not approved any more. Refused as `CreatePayment` and `CardVault.admit` refuse."""
        if not self.vault.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        admitted = await self.vault.admit(scope, details)
        if isinstance(admitted, Failure):
            return await self._not_admitted(request, scope, admitted.failure())
        asked = await self._asked(request, scope, sale, admitted.unwrap())
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
        self, request: Request, scope: Scope, fault: CardFault
    ) -> Outcome[Payment, PurchaseRefusal]:
        """A card that has expired since was good enough when the message came for the first time."""
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
