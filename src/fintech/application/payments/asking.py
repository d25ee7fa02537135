"""Asking the acquirer: the intent is committed by the caller, the call is made, the outcome is committed."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.domain.business_days import sydney_day
from fintech.domain.cards import Advice, AuthorisationReply, Decline, DeclineCode
from fintech.domain.changeset import AccountClosed, CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentId
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.ledger import Books
from fintech.domain.merchants import Merchant
from fintech.domain.metadata import TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import OPEN, AttemptStatus
from fintech.domain.payments.increments import increment_answered, increment_given_up
from fintech.domain.payments.lifecycle import answered, given_up
from fintech.domain.payments.payment import Booked, CaptureMethod, Payment, PaymentStatus
from fintech.domain.payments.refusals import AlreadyAnswered, PaymentRefusal
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import Authorisation, CardAcquirer, FollowUp
from fintech.ports.store import Store


@frozen
class AcquirerMissing:
    """No acquirer serves this mode: simulators never serve live mode."""

    livemode: bool


#: Why a request about a payment is not done.
Refusal: TypeAlias = PaymentRefusal | TooManyKeys | CommitRefused | NotFound | AcquirerMissing

_EVENTS = {
    PaymentStatus.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
    PaymentStatus.REQUIRES_CAPTURE: EventType.PAYMENT_CAPTURABLE_UPDATED,
    PaymentStatus.REQUIRES_PAYMENT_METHOD: EventType.PAYMENT_FAILED,
    PaymentStatus.PROCESSING: EventType.PAYMENT_PROCESSING,
    PaymentStatus.CANCELED: EventType.PAYMENT_CANCELED,
}

_EXPIRED = Decline(code=DeclineCode.EXPIRED_CARD, scheme_code="54", advice=Advice.DO_NOT_TRY_AGAIN)


def event_of(payment: Payment) -> EventType:
    """The event that says where a payment has come to."""
    return _EVENTS.get(payment.status, EventType.PAYMENT_UPDATED)


def books_of(merchant: Merchant) -> Books:
    """A merchant's books."""
    return Books.of(merchant.id, merchant.currency)


@frozen(kw_only=True)
class Asking:
    """Makes the call for an intent that is committed, and commits what came of it."""

    store: Store
    acquirer: CardAcquirer
    commits: Commits
    policy: KeyPolicy

    async def authorise(
        self, request: Request, scope: Scope, merchant: Merchant, payment: Payment
    ) -> Outcome[Payment, Refusal]:
        """Ask about the latest attempt; the payment is the one just committed. Nobody is asked about a kept card that expired
        so long ago that its number is not kept any more: that is as good as the issuer's no."""
        attempt = payment.attempts[-1]
        today = sydney_day(self.commits.clock.now())
        if payment.presented is None and not self.policy.keeps_number(attempt.method.card, today):
            return await self.land(request, scope, merchant, payment, _EXPIRED)
        reply = await self.acquirer.authorise(
            scope,
            Authorisation(
                request=attempt.id,
                card_token=attempt.method.card.token,
                amount_minor=attempt.amount_minor,
                currency=payment.currency,
                capture=payment.capture_method is CaptureMethod.AUTOMATIC,
            ),
        )
        return await self.land(request, scope, merchant, payment, reply)

    async def increment(
        self, request: Request, scope: Scope, merchant: Merchant, payment: Payment
    ) -> Outcome[Payment, Refusal]:
        """Ask about the open increment; the payment is the one just committed."""
        attempt = payment.attempts[-1]
        reply = await self.acquirer.increment(
            scope,
            FollowUp(
                request=attempt.question_of(attempt.increments[-1]),
                reference=attempt.reference or "",
                amount_minor=attempt.increments[-1].amount_minor,
                currency=payment.currency,
            ),
        )
        return await self.land(request, scope, merchant, payment, reply)

    async def land(
        self,
        request: Request,
        scope: Scope,
        merchant: Merchant,
        payment: Payment,
        reply: AuthorisationReply,
    ) -> Outcome[Payment, Refusal]:
        """Commit a reply. When the payment has changed since, decide again on the fresh one; never call again.

        A reply that comes too late changes nothing and answers the payment as it is. One that cannot be booked since
        the books were closed meanwhile is given up.
        """
        asked = payment.attempts[-1].question
        current: Payment | None = payment

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            nonlocal current
            latest, current = current or await self._fresh(scope, payment.id), None
            decided = _decide(latest, merchant, reply, now, changeset, asked)
            if isinstance(decided, Failure):
                return decided
            booked = decided.unwrap()
            after = booked.payment
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, event_of(after)),),
                    transfers=booked.transfers,
                    claim=request.answer("declined" if isinstance(reply, Decline) else None),
                )
            )

        outcome = await self.commits.land(scope, request.actor, decide, tries_max=OUTCOME_TRIES_MAX)
        if isinstance(outcome, Failure) and isinstance(outcome.failure(), AccountClosed):
            outcome = await self.give_up(request, scope, payment)
        if isinstance(outcome, Failure) and isinstance(outcome.failure(), AlreadyAnswered):
            return Success(await self._fresh(scope, payment.id))
        return outcome

    async def give_up(self, request: Request, scope: Scope, payment: Payment) -> Outcome[Payment, Refusal]:
        """The payment's open question counts as never asked, and the acquirer will be told so until it hears."""
        asked = payment.attempts[-1].question

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], Refusal]:
            fresh = await self._fresh(scope, payment.id)
            attempt = fresh.attempts[-1]
            if asked is None or attempt.question != asked:
                return Failure(AlreadyAnswered())
            abandon = given_up if attempt.status in OPEN else increment_given_up
            abandoned = abandon(fresh, now)
            if isinstance(abandoned, Failure):
                return abandoned
            after = abandoned.unwrap().payment
            return Success(
                Decision(value=saved(after), changes=((after, event_of(after)),), claim=request.answer())
            )

        return await self.commits.land(scope, request.actor, decide, tries_max=OUTCOME_TRIES_MAX)

    async def _fresh(self, scope: Scope, id: PaymentId) -> Payment:
        payment = await self.store.payment(scope, id)
        if payment is None:
            message = f"{id} was committed and is not there"
            raise AssertionError(message)
        return payment


def _decide(
    payment: Payment,
    merchant: Merchant,
    reply: AuthorisationReply,
    now: datetime,
    changeset: ChangesetId,
    asked: str | None,
) -> Outcome[Booked, PaymentRefusal]:
    attempt = payment.attempts[-1]
    if asked is None or attempt.question != asked:
        return Failure(AlreadyAnswered())
    if attempt.status is AttemptStatus.AUTHORISED:
        return increment_answered(payment, books_of(merchant), reply, now, changeset)
    return answered(payment, merchant, books_of(merchant), reply, now, changeset)
