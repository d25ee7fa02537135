"""What becomes of refunds later: the acquirer answers after all, or money that had arrived comes back."""

from datetime import datetime

from attrs import frozen

from fintech.application.commits import Commits, Decision, Request, saved
from fintech.application.payments.asking import books_of
from fintech.application.refunds.asking import RefundAsking, RefundRefusal, changes_of, load_refund
from fintech.domain.cards import NotFound as NeverSeen
from fintech.domain.ids import ChangesetId, RefundId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.refunds.lifecycle import refund_returned
from fintech.domain.refunds.refund import Refund, RefundFailure
from fintech.domain.scope import Actor, Scope
from fintech.ports.card_acquirer import CardAcquirer
from fintech.ports.store import Store


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
class ReturnRefund:
    """A fact from the acquirer: a refund that had succeeded came back."""

    store: Store
    commits: Commits

    async def __call__(
        self, scope: Scope, id: RefundId, failure: RefundFailure, actor: Actor
    ) -> Outcome[Refund, RefundRefusal]:
        """Refused as `RefundOver` when it was known already."""

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Refund], RefundRefusal]:
            loaded = await load_refund(self.store, scope, id)
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
                    changes=changes_of(booked.refund, payment),
                    transfers=booked.transfers,
                )
            )

        return await self.commits.land(scope, actor, decide)
