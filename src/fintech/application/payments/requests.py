"""What merchants ask of a payment."""

from datetime import datetime

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import AcquirerMissing, Asking, Refusal, books_of, event_of
from fintech.application.payments.repeats import Answered, Repeats, load
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentId
from fintech.domain.metadata import Metadata, merged
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.increments import increment_sent
from fintech.domain.payments.lifecycle import canceled, captured
from fintech.domain.payments.payment import CancelReason, CaptureMethod, Payment, new_payment
from fintech.domain.payments.presentation import Presentation
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store


@frozen(kw_only=True)
class CreatePayment:
    """Create a payment and, if ``confirm``, ask the acquirer at once."""

    store: Store
    ids: IdSource
    commits: Commits
    asking: Asking
    repeats: Repeats

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        amount_minor: int,
        currency: Currency,
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
        method: Method | None = None,
        description: str | None = None,
        metadata: Metadata = (),
        confirm: bool = False,
        presented: Presentation | None = None,
        id: PaymentId | None = None,
    ) -> Answered:
        """Refused as the domain's `new_payment` and `Payment.confirmed` refuse, and as any request under a key."""
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        if confirm and not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            made = new_payment(
                merchant,
                id=id or self.ids.new(PaymentId),
                amount_minor=amount_minor,
                currency=currency,
                at=now,
                capture_method=capture_method,
                method=method,
                description=description,
                metadata=metadata,
                presented=presented,
            )
            if isinstance(made, Success) and confirm:
                made = made.unwrap().confirmed(merchant, now)
            if isinstance(made, Failure):
                return made
            payment = made.unwrap()
            event = EventType.PAYMENT_PROCESSING if confirm else EventType.PAYMENT_CREATED
            claim = request.claim if confirm else request.claim_and_answer
            return Success(
                Decision(value=saved(payment), changes=((payment, event),), claim=claim(payment.id, now))
            )

        outcome: Outcome[Payment, Refusal] = await self.commits.land(scope, request.actor, decide)
        if confirm and isinstance(outcome, Success):
            outcome = await self.asking.authorise(request, scope, merchant, outcome.unwrap())
        return await self.repeats.reply(request, scope, outcome)


@frozen(kw_only=True)
class UpdatePayment:
    """Change what may still be changed."""

    store: Store
    commits: Commits
    repeats: Repeats

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: PaymentId,
        *,
        amount_minor: int | None = None,
        method: Method | None = None,
        capture_method: CaptureMethod | None = None,
        description: str | None = None,
        metadata: Metadata | None = None,
    ) -> Answered:
        """Refused as `Payment.updated` and `merged` refuse; ``metadata`` is merged into what is there by then."""

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            loaded = await load(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment = loaded.unwrap()
            merging = merged(payment.metadata, metadata)
            if isinstance(merging, Failure):
                return merging
            updated = payment.updated(
                merchant,
                amount_minor=amount_minor,
                method=method,
                capture_method=capture_method,
                description=description,
                metadata=merging.unwrap(),
            )
            if isinstance(updated, Failure):
                return updated
            after = updated.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.PAYMENT_UPDATED),),
                    claim=request.claim_and_answer(id, now),
                )
            )

        return await self.repeats.reply(request, scope, await self.commits.land(scope, request.actor, decide))


@frozen(kw_only=True)
class ConfirmPayment:
    """Ask the acquirer for a payment that was created before."""

    store: Store
    commits: Commits
    asking: Asking
    repeats: Repeats

    async def __call__(
        self, request: Request, scope: Scope, id: PaymentId, method: Method | None = None
    ) -> Answered:
        """Refused as `Payment.confirmed` refuses."""
        if not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            payment = await self.store.payment(scope, id)
            if payment is None:
                return Failure(NotFound("payment", id))
            confirmed = payment.confirmed(merchant, now, method)
            if isinstance(confirmed, Failure):
                return confirmed
            after = confirmed.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.PAYMENT_PROCESSING),),
                    claim=request.claim(id, now),
                )
            )

        outcome: Outcome[Payment, Refusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Success):
            outcome = await self.asking.authorise(request, scope, merchant, outcome.unwrap())
        return await self.repeats.reply(request, scope, outcome)


@frozen(kw_only=True)
class CapturePayment:
    """Take some or all of what is authorised."""

    store: Store
    commits: Commits
    repeats: Repeats

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: PaymentId,
        *,
        amount_minor: int | None = None,
        final: bool = True,
    ) -> Answered:
        """Refused as the domain's `captured` refuses."""

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            loaded = await load(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment = loaded.unwrap()
            taken = captured(
                payment, merchant, books_of(merchant), now, changeset, amount_minor=amount_minor, final=final
            )
            if isinstance(taken, Failure):
                return taken
            booked = taken.unwrap()
            return Success(
                Decision(
                    value=saved(booked.payment),
                    changes=((booked.payment, event_of(booked.payment)),),
                    transfers=booked.transfers,
                    claim=request.claim_and_answer(id, now),
                )
            )

        return await self.repeats.reply(request, scope, await self.commits.land(scope, request.actor, decide))


@frozen(kw_only=True)
class CancelPayment:
    """Give a payment up; the acquirer is told by the sweeper until it has acknowledged."""

    store: Store
    commits: Commits
    repeats: Repeats

    async def __call__(
        self, request: Request, scope: Scope, id: PaymentId, reason: CancelReason | None = None
    ) -> Answered:
        """Refused as the domain's `canceled` refuses."""

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            loaded = await load(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment = loaded.unwrap()
            given_up = canceled(payment, books_of(merchant), reason, now, changeset)
            if isinstance(given_up, Failure):
                return given_up
            booked = given_up.unwrap()
            return Success(
                Decision(
                    value=saved(booked.payment),
                    changes=((booked.payment, event_of(booked.payment)),),
                    transfers=booked.transfers,
                    claim=request.claim_and_answer(id, now),
                )
            )

        return await self.repeats.reply(request, scope, await self.commits.land(scope, request.actor, decide))


@frozen(kw_only=True)
class IncrementAuthorisation:
    """Ask for a higher total on an open authorisation."""

    store: Store
    commits: Commits
    asking: Asking
    repeats: Repeats

    async def __call__(self, request: Request, scope: Scope, id: PaymentId, amount_minor: int) -> Answered:
        """Refused as the domain's `increment_sent` refuses; a decline leaves the payment as it was."""
        if not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            payment = await self.store.payment(scope, id)
            if payment is None:
                return Failure(NotFound("payment", id))
            sent = increment_sent(payment, merchant, amount_minor, now)
            if isinstance(sent, Failure):
                return sent
            after = sent.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.PAYMENT_UPDATED),),
                    claim=request.claim(id, now),
                )
            )

        outcome: Outcome[Payment, Refusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Success):
            outcome = await self.asking.increment(request, scope, merchant, outcome.unwrap())
        return await self.repeats.reply(request, scope, outcome)
