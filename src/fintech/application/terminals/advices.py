"""Advices: purchases that a terminal has approved itself, while it could not reach us."""

from datetime import datetime
from typing import TypeAlias

from attrs import evolve, frozen

from fintech.application.commits import Commits, Decision, NotFound, Request, saved
from fintech.application.fingerprints import Fingerprints
from fintech.application.payments.asking import Asking
from fintech.application.protection import Protection
from fintech.application.terminals.sales import Sale
from fintech.domain.cards import Card, CardDetails
from fintech.domain.changeset import CommitRefused, KeyAnswered, KeyInFlight
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.at_terminal import never_to_be, sold_offline
from fintech.domain.payments.payment import Payment
from fintech.domain.scope import Scope
from fintech.ports.card_directory import CardDirectory
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

AdviceRefusal: TypeAlias = CommitRefused | NotFound


@frozen
class Taken:
    """The advice is on record. ``payment`` is what became of it, where this message is the first to tell."""

    payment: Payment | None


@frozen(kw_only=True)
class TakeAdvice:
    """Put a purchase on record that has happened, then ask its issuer.

    It is taken whatever the merchant may do otherwise. An issuer's no, or a card that cannot be charged, is a loss that
    the payment tells; the terminal is told yes all the same, for there is nothing that it could do about it.
    """

    store: Store
    ids: IdSource
    cards: CardDirectory
    protection: Protection
    fingerprints: Fingerprints
    commits: Commits
    asking: Asking

    async def __call__(
        self, request: Request, scope: Scope, sale: Sale, details: CardDetails
    ) -> Outcome[Taken, AdviceRefusal]:
        """Refused only when nothing can be written: for another advice under the same key, or no such merchant."""
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        chargeable = self.cards.serves(scope) and sale.currency is merchant.currency
        card = await self._card(scope, details) if chargeable else None

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], CommitRefused]:
            payment = _payment(self.ids.new(PaymentId), sale, card, now)
            event = EventType.PAYMENT_PROCESSING if card else EventType.PAYMENT_CANCELED
            claim = request.claim if card else request.claim_and_answer
            return Success(
                Decision(value=saved(payment), changes=((payment, event),), claim=claim(payment.id, now))
            )

        outcome: Outcome[Payment, CommitRefused] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Failure):
            known = isinstance(outcome.failure(), KeyAnswered | KeyInFlight)
            return Success(Taken(None)) if known else outcome
        payment = outcome.unwrap()
        if card is not None:
            asked = await self.asking.authorise(request, scope, merchant, payment)
            payment = asked.unwrap() if isinstance(asked, Success) else payment
        return Success(Taken(payment))

    async def _card(self, scope: Scope, details: CardDetails) -> Card | None:
        """The card, if it can be charged. Whoever has its merchant's keys revoked has sold all the same: then it has no
        fingerprint."""
        recognised = await self.cards.recognise(scope, details)
        if isinstance(recognised, Failure):
            return None
        card, leased = recognised.unwrap(), await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return card
        return evolve(card, fingerprint=await self.fingerprints.of_card(leased.unwrap(), details.number))


def _payment(id: PaymentId, sale: Sale, card: Card | None, now: datetime) -> Payment:
    amount_minor, currency, presented = sale.amount_minor, sale.currency, sale.presented
    if card is None:
        return never_to_be(id=id, amount_minor=amount_minor, currency=currency, at=now, presented=presented)
    return sold_offline(
        id=id, amount_minor=amount_minor, currency=currency, at=now, card=card, presented=presented
    )
