"""Refunds: what merchants ask for, what the acquirer reports, and what the clock resolves."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.payments.asking import AcquirerMissing, books_of
from fintech.application.payments.repeats import load
from fintech.domain.cards import AuthorisationReply, Decline
from fintech.domain.cards import NotFound as NeverSeen
from fintech.domain.changeset import Ceiling, CommitRefused, KeyAnswered, KeyInFlight
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PaymentId, RefundId
from fintech.domain.ledger import Bucket, Limit
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Metadata
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.refusals import PaymentRefusal
from fintech.domain.refunds.lifecycle import (
    BookedRefund,
    fee_returned,
    fee_undone,
    refund_accounts,
    refund_answered,
    refund_returned,
    refund_sent,
)
from fintech.domain.refunds.refund import (
    REFUNDS_MAX,
    InsufficientFunds,
    Refund,
    RefundFailure,
    RefundOver,
    RefundReason,
    RefundStatus,
)
from fintech.domain.scope import Actor, Scope
from fintech.ports.card_acquirer import CardAcquirer, FollowUp
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

RefundRefusal: TypeAlias = (
    PaymentRefusal | InsufficientFunds | RefundOver | CommitRefused | NotFound | AcquirerMissing
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
            loaded = await _load(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment, refund = loaded.unwrap()
            answered = refund_answered(refund, merchant, books_of(merchant), reply, now, changeset)
            if isinstance(answered, Failure):
                return answered
            booked = answered.unwrap()
            after = booked.refund
            changes = _changes(after, payment)
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


@frozen(kw_only=True)
class ResolveRefund:
    """Do what is due for a refund: ask what became of it, or send it again if it never arrived."""

    store: Store
    acquirer: CardAcquirer
    commits: Commits
    asking: RefundAsking

    async def __call__(self, scope: Scope, id: RefundId, actor: Actor) -> Refund | None:
        """The refund as it is afterwards, or None if there is none."""
        refund = await self.store.refund(scope, id)
        if refund is None or refund.due_at is None or refund.due_at > self.commits.clock.now():
            return refund
        request = Request(actor=actor)
        reply = await self.acquirer.enquire(scope, refund.id)
        if isinstance(reply, NeverSeen):
            await self.asking.send(request, scope, refund)
        else:
            await self.asking.land(request, scope, refund.id, reply)
        return await self.store.refund(scope, id)


@frozen(kw_only=True)
class CreateRefund:
    """Give some or all of a captured payment back."""

    store: Store
    ids: IdSource
    commits: Commits
    asking: RefundAsking
    resolve: ResolveRefund

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        payment: PaymentId,
        *,
        amount_minor: int | None = None,
        reason: RefundReason | None = None,
        metadata: Metadata = (),
    ) -> Outcome[Reply[Refund], RefundRefusal]:
        """Refused as `Payment.refunding` and `refund_sent` refuse; without an amount, all that is left."""
        if not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Refund], RefundRefusal]:
            loaded = await load(self.store, scope, payment)
            if isinstance(loaded, Failure):
                return loaded
            merchant, paid = loaded.unwrap()
            amount = paid.captured_minor - paid.refunded_minor if amount_minor is None else amount_minor
            reserving = paid.refunding(amount, REFUNDS_MAX)
            if isinstance(reserving, Failure):
                return reserving
            reserved = reserving.unwrap()
            sent = await self._sent(scope, merchant, reserved, amount, now, changeset, reason, metadata)
            if isinstance(sent, Failure):
                return sent
            booked = sent.unwrap()
            refund, books = booked.refund, books_of(merchant)
            owed = books.account(Bucket.RECEIVABLE.value)
            ceiling = Ceiling(owed, merchant.limits.refund_debt_max_minor)
            return Success(
                Decision(
                    value=saved(refund),
                    changes=(
                        (refund, EventType.REFUND_CREATED),
                        (reserved.returning(refund.fee), EventType.CHARGE_REFUNDED),
                    ),
                    transfers=booked.transfers,
                    ceilings=(ceiling,) if booked.indebted else (),
                    claim=request.claim(refund.id, now),
                )
            )

        outcome: Outcome[Refund, RefundRefusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Success):
            outcome = await self.asking.send(request, scope, outcome.unwrap())
        return await self._reply(request, scope, outcome)

    async def _sent(
        self,
        scope: Scope,
        merchant: Merchant,
        reserved: Payment,
        amount_minor: int,
        now: datetime,
        changeset: ChangesetId,
        reason: RefundReason | None,
        metadata: Metadata,
    ) -> Outcome[BookedRefund, InsufficientFunds]:
        """Reserve the money where it is now; the commit judges again."""
        books, attempt = books_of(merchant), reserved.attempts[-1]
        accounts = refund_accounts(books, attempt)
        balances = await self.store.balances(scope, accounts)
        *funds, debt = accounts
        return refund_sent(
            books,
            attempt,
            {account: balances[account].spendable(Limit.DEBITS_WITHIN_CREDITS) for account in funds},
            merchant.limits.refund_debt_max_minor - balances[debt].owed,
            id=self.ids.new(RefundId),
            payment=reserved.id,
            amount_minor=amount_minor,
            fee=fee_returned(merchant, reserved),
            at=now,
            changeset=changeset,
            reason=reason,
            metadata=metadata,
        )

    async def _reply(
        self, request: Request, scope: Scope, outcome: Outcome[Refund, RefundRefusal]
    ) -> Outcome[Reply[Refund], RefundRefusal]:
        if isinstance(outcome, Success):
            return Success(Reply(outcome.unwrap()))
        refused = await self.commits.key_first(scope, request, outcome.failure())
        if isinstance(refused, KeyAnswered):
            snapshot = await self.commits.answered(scope, refused)
            assert isinstance(snapshot, Refund)
            return Success(Reply(snapshot, replayed=True))
        if isinstance(refused, KeyInFlight) and refused.lease_until <= self.commits.clock.now():
            refund = await self.resolve(scope, RefundId(refused.resource), request.actor)
            if refund is not None:
                return Success(Reply(refund, replayed=True))
        return Failure(refused)


@frozen(kw_only=True)
class ReturnRefund:
    """A fact from the acquirer: a refund that had succeeded came back."""

    store: Store
    commits: Commits

    async def __call__(
        self, scope: Scope, id: RefundId, failure: RefundFailure, actor: Actor
    ) -> Outcome[Refund, RefundRefusal]:
        """Refused as `RefundOver` when it was known already."""

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Refund], RefundRefusal]:
            loaded = await _load(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment, refund = loaded.unwrap()
            returned = refund_returned(refund, books_of(merchant), failure, now, changeset)
            if isinstance(returned, Failure):
                return returned
            booked = returned.unwrap()
            return Success(
                Decision(
                    value=saved(booked.refund),
                    changes=_changes(booked.refund, payment),
                    transfers=booked.transfers,
                )
            )

        return await self.commits.land(scope, actor, decide)


def _changes(refund: Refund, payment: Payment) -> tuple[tuple[Refund | Payment, EventType], ...]:
    """The refund, and the payment too when the refund came to nothing and its amount is free again."""
    change = (refund, _EVENTS[refund.status])
    if refund.status is not RefundStatus.FAILED:
        return (change,)
    undone = payment.refund_undone(refund.amount_minor, fee_undone(refund))
    return (change, (undone, EventType.CHARGE_REFUND_UPDATED))


async def _load(
    store: Store, scope: Scope, id: RefundId
) -> Outcome[tuple[Merchant, Payment, Refund], NotFound]:
    refund = await store.refund(scope, id)
    if refund is None:
        return Failure(NotFound("refund", id))
    loaded = await load(store, scope, refund.payment)
    if isinstance(loaded, Failure):
        return loaded
    merchant, payment = loaded.unwrap()
    return Success((merchant, payment, refund))
