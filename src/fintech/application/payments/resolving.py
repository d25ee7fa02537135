"""What the clock asks of a payment: unknown outcomes, lost calls, expired authorisations, reversals."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import Asking, Refusal, books_of, event_of
from fintech.domain.cards import NotFound as NeverSeen
from fintech.domain.cards import Unknown
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentId
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import Attempt, AttemptStatus
from fintech.domain.payments.attempt import Reversal as Owed
from fintech.domain.payments.increments import increment_exhausted
from fintech.domain.payments.lifecycle import canceled, enquiries_exhausted, reversal_answered
from fintech.domain.payments.payment import Booked, CancelReason, Payment
from fintech.domain.payments.refusals import AlreadyAnswered, PaymentRefusal
from fintech.domain.scope import Actor, Scope
from fintech.ports.card_acquirer import CardAcquirer, Reversal
from fintech.ports.store import Store

#: A payment has few things due at once: an outcome, a clock, a reversal for each attempt.
STEPS_MAX = 25

DecideOn: TypeAlias = Callable[[Payment, datetime, ChangesetId], Outcome[Booked, PaymentRefusal]]


@frozen(kw_only=True)
class ResolvePayment:
    """Do everything that is due for a payment; what cannot be done yet is due again later."""

    store: Store
    acquirer: CardAcquirer
    commits: Commits
    asking: Asking

    async def __call__(self, scope: Scope, id: PaymentId, actor: Actor) -> Payment | None:
        """The payment as it is afterwards, or None if there is none."""
        payment = None
        for _ in range(STEPS_MAX):
            payment = await self.store.payment(scope, id)
            if payment is None or payment.due_at is None or payment.due_at > self.commits.clock.now():
                return payment
            if not await self._step(scope, payment, actor):
                return await self.store.payment(scope, id)
        return payment

    async def _step(self, scope: Scope, payment: Payment, actor: Actor) -> bool:
        """One thing that is due; False when somebody else is at it."""
        merchant = await self.store.merchant(scope)
        attempt = payment.attempts[-1]
        now = self.commits.clock.now()
        if merchant is None:
            return False
        question, due = attempt.question, attempt.question_due_at
        if question is not None and due is not None and due <= now:
            return await self._outcome(scope, merchant, payment, question, actor)
        for each in payment.attempts:
            for owed in each.reversals:
                if owed.next_try_at is not None and owed.next_try_at <= now:
                    return await self._reverse(scope, payment, each, owed, actor)
        return await self._expire(scope, merchant, payment, actor)

    async def _outcome(
        self, scope: Scope, merchant: Merchant, payment: Payment, question: str, actor: Actor
    ) -> bool:
        """Ask what became of a question; when nobody knows for too long, give it up."""
        reply = await self.acquirer.enquire(scope, question)
        exhausted = enquiries_exhausted(payment) or increment_exhausted(payment)
        if not isinstance(reply, NeverSeen) and not (exhausted and isinstance(reply, Unknown)):
            landed = await self.asking.land(Request(actor=actor), scope, merchant, payment, reply)
            return isinstance(landed, Success)
        given_up = await self.asking.give_up(Request(actor=actor), scope, payment)
        return isinstance(given_up, Success)

    async def _expire(self, scope: Scope, merchant: Merchant, payment: Payment, actor: Actor) -> bool:
        def decide(fresh: Payment, now: datetime, changeset: ChangesetId) -> Outcome[Booked, PaymentRefusal]:
            attempt = fresh.attempts[-1]
            if attempt.status is not AttemptStatus.AUTHORISED or (attempt.capture_before or now) > now:
                return Failure(AlreadyAnswered())
            return canceled(fresh, books_of(merchant), CancelReason.AUTOMATIC, now, changeset)

        return await self._land(scope, payment, actor, decide)

    async def _reverse(
        self, scope: Scope, payment: Payment, attempt: Attempt, owed: Owed, actor: Actor
    ) -> bool:
        acknowledged = await self.acquirer.reverse(
            scope,
            Reversal(
                request=owed.request,
                original_request=owed.original,
                reference=attempt.reference if owed.original == attempt.id else None,
                amount_minor=owed.amount_minor,
                currency=payment.currency,
            ),
        )

        def decide(fresh: Payment, now: datetime, _changeset: ChangesetId) -> Outcome[Booked, PaymentRefusal]:
            return reversal_answered(fresh, owed.request, acknowledged=acknowledged, at=now)

        return await self._land(scope, payment, actor, decide, EventType.PAYMENT_REVERSAL_UPDATED)

    async def _land(
        self,
        scope: Scope,
        payment: Payment,
        actor: Actor,
        decide_on: DecideOn,
        event: EventType | None = None,
    ) -> bool:
        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            fresh = await self.store.payment(scope, payment.id)
            if fresh is None:
                return Failure(NotFound("payment", payment.id))
            decided = decide_on(fresh, now, changeset)
            if isinstance(decided, Failure):
                return decided
            booked = decided.unwrap()
            after = booked.payment
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, event or event_of(after)),),
                    transfers=booked.transfers,
                )
            )

        landed = await self.commits.land(scope, actor, decide, tries_max=OUTCOME_TRIES_MAX)
        return isinstance(landed, Success)
