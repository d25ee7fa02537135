"""Payment methods: a typed-in card becomes something to pay with."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, Reply, Request, saved
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.repeats import replied
from fintech.domain.cards import CardDetails, CardFault
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentMethodId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method, PaymentMethod
from fintech.domain.scope import Scope
from fintech.ports.card_vault import CardVault
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

MethodRefusal: TypeAlias = CardFault | AcquirerMissing | CommitRefused


@frozen(kw_only=True)
class CreatePaymentMethod:
    """Keep what may be kept of a card."""

    ids: IdSource
    vault: CardVault
    commits: Commits

    async def __call__(
        self, request: Request, scope: Scope, details: CardDetails, metadata: Metadata = ()
    ) -> Outcome[Reply[PaymentMethod], MethodRefusal]:
        """Refused with the first thing that is wrong with the card's details."""
        if not self.vault.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        admitted = await self.vault.admit(scope, details)
        if isinstance(admitted, Failure):
            return admitted
        card = admitted.unwrap()

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[PaymentMethod], CommitRefused]:
            method = PaymentMethod(
                id=self.ids.new(PaymentMethodId), version=0, card=card, created_at=now, metadata=metadata
            )
            return Success(
                Decision(
                    value=saved(method),
                    changes=((method, EventType.PAYMENT_METHOD_CREATED),),
                    claim=request.claim_and_answer(method.id, now),
                )
            )

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, PaymentMethod, outcome)


@frozen(kw_only=True)
class FindMethod:
    """What a request means by a payment method: a stored one, or a well-known test card by its name."""

    store: Store
    vault: CardVault

    async def __call__(self, scope: Scope, name: str) -> Method | None:
        """The method, or None if there is no such."""
        id = PaymentMethodId.parse(name)
        if id is None:
            card = self.vault.named(scope, name)
            return Method(name, card) if card else None
        stored = await self.store.payment_method(scope, id)
        return Method(id, stored.card) if stored else None
