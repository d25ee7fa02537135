"""Asking the acquirer for a refund whose intent is committed, and committing what came of it."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import AcquirerMissing, books_of
from fintech.application.payments.repeats import load
from fintech.domain.cards import AuthorisationReply, Decline
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, RefundId
from fintech.domain.merchants import Merchant
from fintech.domain.metadata import TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.refusals import PaymentRefusal
from fintech.domain.refunds.lifecycle import fee_undone, refund_answered
from fintech.domain.refunds.refund import InsufficientFunds, Refund, RefundOver, RefundStatus
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import CardAcquirer, FollowUp
from fintech.ports.store import Store

#: Why a request about a refund is not done.
RefundRefusal: TypeAlias = (
    PaymentRefusal | TooManyKeys | InsufficientFunds | RefundOver | CommitRefused | NotFound | AcquirerMissing
)

_EVENTS = {
    RefundStatus.SENT: EventType.REFUND_CREATED,
    RefundStatus.UNKNOWN: EventType.REFUND_UPDATED,
    RefundStatus.SUCCEEDED: EventType.REFUND_UPDATED,
    RefundStatus.FAILED: EventType.REFUND_FAILED,
}


@frozen(kw_only=True)
class RefundAsking:
    """Asks the acquirer for a refund whose intent is committed, and commits what came of it."""

    store: Store
    acquirer: CardAcquirer
    commits: Commits

    async def send(self, request: Request, scope: Scope, refund: Refund) -> Outcome[Refund, RefundRefusal]:
        """Ask; asking again about the same refund is answered as the first time."""
        question = FollowUp(
            request=refund.id,
            reference=refund.original_reference,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
        )
        return await self.land(request, scope, refund.id, await self.acquirer.refund(scope, question))

    async def land(
        self, request: Request, scope: Scope, id: RefundId, reply: AuthorisationReply
    ) -> Outcome[Refund, RefundRefusal]:
        """Commit a reply, on the refund as it is by then; a late one changes nothing."""

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Refund], RefundRefusal]:
            loaded = await load_refund(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment, refund = loaded.unwrap()
            answered = refund_answered(refund, merchant, books_of(merchant), reply, now, changeset)
            if isinstance(answered, Failure):
                return answered
            booked = answered.unwrap()
            after = booked.refund
            changes = changes_of(after, payment)
            return Success(
                Decision(
                    value=saved(after),
                    changes=changes,
                    transfers=booked.transfers,
                    claim=request.answer("declined" if isinstance(reply, Decline) else None),
                )
            )

        outcome = await self.commits.land(scope, request.actor, decide, tries_max=OUTCOME_TRIES_MAX)
        if isinstance(outcome, Failure) and isinstance(outcome.failure(), RefundOver):
            fresh = await self.store.refund(scope, id)
            if fresh is not None:
                return Success(fresh)
        return outcome


def changes_of(refund: Refund, payment: Payment) -> tuple[tuple[Refund | Payment, EventType], ...]:
    """The refund, and the payment too when the refund came to nothing and its amount is free again."""
    change = (refund, _EVENTS[refund.status])
    if refund.status is not RefundStatus.FAILED:
        return (change,)
    undone = payment.refund_undone(refund.amount_minor, fee_undone(refund))
    return (change, (undone, EventType.CHARGE_UPDATED))


async def load_refund(
    store: Store, scope: Scope, id: RefundId
) -> Outcome[tuple[Merchant, Payment, Refund], NotFound]:
    """A refund, its payment and their merchant."""
    refund = await store.refund(scope, id)
    if refund is None:
        return Failure(NotFound("refund", id))
    loaded = await load(store, scope, refund.payment)
    if isinstance(loaded, Failure):
        return loaded
    merchant, payment = loaded.unwrap()
    return Success((merchant, payment, refund))
