"""What becomes of payouts later: the bank's window comes, it answers after all, money arrives or comes back."""

from datetime import datetime
from typing import assert_never

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Request, saved
from fintech.application.payouts.asking import PayoutAsking, PayoutRefusal, for_good
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PayoutId
from fintech.domain.ledger import Books
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payouts.lifecycle import payout_returned, payout_sent
from fintech.domain.payouts.making import BookedPayout
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.payouts.refusals import PayoutWrongStatus
from fintech.domain.payouts.replies import NeverSeen, Paid
from fintech.domain.scope import Actor, Scope
from fintech.ports.payout_bank import ArrivalNotice, PayoutBank, PayoutNotice, ReturnNotice
from fintech.ports.store import Store

#: A payout that is there to be asked about.
_ASKED = (PayoutStatus.SENT, PayoutStatus.UNKNOWN)


@frozen(kw_only=True)
class ResolvePayout:
    """Do what is due for a payout: send it when its window has come, ask what became of it, send again what never
    arrived."""

    store: Store
    bank: PayoutBank
    commits: Commits
    asking: PayoutAsking

    async def __call__(self, scope: Scope, id: PayoutId, actor: Actor) -> Payout | None:
        """The payout as it is afterwards, or None if there is none."""
        payout = await self.store.payout(scope, id)
        if payout is None or payout.due_at is None or payout.due_at > self.commits.clock.now():
            return payout
        request = Request(actor=actor)
        if payout.status is PayoutStatus.PENDING:
            await self._due(request, scope, payout)
            return await self.store.payout(scope, id)
        reply = await self.bank.enquire(scope, id)
        if isinstance(reply, NeverSeen) and payout.status in _ASKED:
            await self._again(request, scope, payout)
        else:
            await self.asking.land(request, scope, id, reply)
        return await self.store.payout(scope, id)

    async def _due(self, request: Request, scope: Scope, payout: Payout) -> None:
        """Send one whose window has come: where it goes is opened first, and where it can be opened later, it waits."""
        addressed = await self.asking.addressed(scope, payout)
        if isinstance(addressed, Failure) and not for_good(addressed.failure()):
            await self.asking.held_up(request, scope, payout, addressed.failure())
            return
        sent = await self._sent(scope, payout.id, request.actor)
        if isinstance(sent, Failure):
            return
        if isinstance(addressed, Failure):
            await self.asking.held_up(request, scope, sent.unwrap(), addressed.failure())
        else:
            await self.asking.send(request, scope, sent.unwrap(), addressed.unwrap())

    async def _again(self, request: Request, scope: Scope, payout: Payout) -> None:
        """Send one again that never arrived."""
        addressed = await self.asking.addressed(scope, payout)
        if isinstance(addressed, Failure):
            await self.asking.held_up(request, scope, payout, addressed.failure())
        else:
            await self.asking.send(request, scope, payout, addressed.unwrap())

    async def _sent(self, scope: Scope, id: PayoutId, actor: Actor) -> Outcome[Payout, PayoutRefusal]:
        """The intent to ask the bank; a merchant that may not be paid now waits, and may still cancel."""

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payout], PayoutRefusal]:
            payout = await self.store.payout(scope, id)
            if payout is None:
                return Failure(NotFound("payout", id))
            sending = payout_sent(payout, now)
            if isinstance(sending, Failure):
                return sending
            after = sending.unwrap()
            return Success(Decision(value=saved(after), changes=((after, EventType.PAYOUT_UPDATED),)))

        merchant = await self.store.merchant(scope)
        if merchant is None or merchant.standing is not Standing.ACTIVE:
            await self.asking.postpone(actor, scope, id)
            return Failure(PayoutWrongStatus(PayoutStatus.PENDING, "send"))
        return await self.commits.land(scope, actor, decide)


@frozen(kw_only=True)
class HeedPayoutNotice:
    """A fact from the bank: money has arrived, or came back."""

    asking: PayoutAsking

    async def __call__(self, notice: PayoutNotice, actor: Actor) -> Outcome[Payout, PayoutRefusal]:
        """Refused as `PayoutWrongStatus` when it was known already."""
        request, id = Request(actor=actor), PayoutId(notice.request)
        match notice:
            case ArrivalNotice(scope=scope, reference=reference):
                return await self.asking.land(request, scope, id, Paid(reference=reference))
            case ReturnNotice(scope=scope, failure=failure):

                def returned(
                    payout: Payout,
                    books: Books,
                    advanced_minor: int,
                    changeset: ChangesetId,
                    now: datetime,
                ) -> Outcome[BookedPayout, PayoutWrongStatus]:
                    return payout_returned(payout, books, advanced_minor, failure, now, changeset)

                return await self.asking.step(request, scope, id, returned)
            case _:
                assert_never(notice)
