"""Asking the bank for a payout whose intent is committed, and committing what came of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import books_of
from fintech.domain.changeset import AccountClosed, CommitRefused
from fintech.domain.events import Aggregate, EventType
from fintech.domain.ids import ChangesetId, PayoutId
from fintech.domain.ledger import Books
from fintech.domain.metadata import TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payouts.lifecycle import (
    advance_account,
    payout_answered,
    payout_postponed,
    reversal_failed,
)
from fintech.domain.payouts.making import BookedPayout
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.payouts.refusals import PayoutRuleRefusal, PayoutWrongStatus
from fintech.domain.payouts.replies import EnquiryReply, PayReply, Rejected
from fintech.domain.remittances import PayoutsTooFrequent
from fintech.domain.scope import Actor, Scope
from fintech.ports.payout_bank import PayoutBank, PayoutOrder, RecallOrder
from fintech.ports.store import Store


@frozen
class BankMissing:
    """No bank serves this mode: simulators never serve live mode."""

    livemode: bool


#: Why a request about a payout is not done.
PayoutRefusal: TypeAlias = (
    PayoutRuleRefusal | PayoutsTooFrequent | TooManyKeys | CommitRefused | NotFound | BankMissing
)

#: Says what a payout becomes: of what it is by then, what is owed on advances, the changeset and the time.
DecideOn: TypeAlias = Callable[
    [Payout, Books, int, ChangesetId, datetime], Outcome[BookedPayout, PayoutWrongStatus]
]

#: How long a payout rests that cannot be looked after now.
REST: Final = timedelta(hours=1)

_EVENTS: Final = {
    PayoutStatus.PAID: EventType.PAYOUT_PAID,
    PayoutStatus.FAILED: EventType.PAYOUT_FAILED,
    PayoutStatus.CANCELED: EventType.PAYOUT_CANCELED,
}


@frozen(kw_only=True)
class PayoutAsking:
    """Asks the bank for a payout whose intent is committed, and commits what came of it."""

    store: Store
    bank: PayoutBank
    commits: Commits

    async def send(self, request: Request, scope: Scope, payout: Payout) -> Outcome[Payout, PayoutRefusal]:
        """Ask; asking again about the same payout is answered as the first time."""
        asked = await self._asked(scope, payout)
        if isinstance(asked, Failure):
            return asked
        return await self.land(request, scope, payout.id, asked.unwrap())

    async def land(
        self, request: Request, scope: Scope, id: PayoutId, reply: EnquiryReply
    ) -> Outcome[Payout, PayoutRefusal]:
        """Commit a reply, on the payout as it is by then; a late one changes nothing.

        Books that were closed meanwhile take no outcome: the payout rests as it is.
        """
        refusal = "rejected" if isinstance(reply, Rejected) else None

        def answered(
            payout: Payout, books: Books, advanced_minor: int, changeset: ChangesetId, now: datetime
        ) -> Outcome[BookedPayout, PayoutWrongStatus]:
            return payout_answered(payout, books, advanced_minor, reply, now, changeset)

        outcome = await self.step(request, scope, id, answered, refusal=refusal)
        if isinstance(outcome, Success):
            return outcome
        refused = outcome.failure()
        if isinstance(refused, AccountClosed):
            return await self.postpone(request.actor, scope, id)
        fresh = await self.store.payout(scope, id) if isinstance(refused, PayoutWrongStatus) else None
        return outcome if fresh is None else Success(fresh)

    async def step(
        self,
        request: Request,
        scope: Scope,
        id: PayoutId,
        decide_on: DecideOn,
        *,
        refusal: str | None = None,
        in_one: bool = False,
    ) -> Outcome[Payout, PayoutRefusal]:
        """Commit one step of a payout, again and again on what is true by then.

        It answers the request's claim; ``in_one`` says that it makes the claim as well.
        """

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payout], PayoutRefusal]:
            merchant = await self.store.merchant(scope)
            payout = await self.store.payout(scope, id)
            if merchant is None or payout is None:
                return Failure(NotFound("payout", id))
            books = books_of(merchant)
            advance = advance_account(books)
            owed = (await self.store.balances(scope, (advance,)))[advance].owed
            decided = decide_on(payout, books, owed, changeset, now)
            if isinstance(decided, Failure):
                return decided
            booked = decided.unwrap()
            after = booked.payout
            original = await self._original(scope, after)
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, event_of(after)), *original),
                    transfers=booked.transfers,
                    claim=request.claim_and_answer(id, now) if in_one else request.answer(refusal),
                )
            )

        return await self.commits.land(scope, request.actor, decide, tries_max=OUTCOME_TRIES_MAX)

    async def postpone(self, actor: Actor, scope: Scope, id: PayoutId) -> Outcome[Payout, PayoutRefusal]:
        """Look at it again in `REST`; nothing is booked."""

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payout], PayoutRefusal]:
            payout = await self.store.payout(scope, id)
            if payout is None:
                return Failure(NotFound("payout", id))
            if payout.due_at is None or payout.due_at > now:
                return Failure(PayoutWrongStatus(payout.status, "postpone"))
            after = payout_postponed(payout, now + REST)
            return Success(Decision(value=saved(after), changes=((after, EventType.PAYOUT_UPDATED),)))

        outcome: Outcome[Payout, PayoutRefusal] = await self.commits.land(scope, actor, decide)
        fresh = await self.store.payout(scope, id) if isinstance(outcome, Failure) else None
        return outcome if fresh is None else Success(fresh)

    async def _asked(self, scope: Scope, payout: Payout) -> Outcome[PayReply, NotFound]:
        if payout.reverses is not None:
            original = await self.store.payout(scope, payout.reverses)
            if original is None:
                return Failure(NotFound("payout", payout.reverses))
            recall = RecallOrder(
                request=payout.id,
                original_request=original.id,
                reference=original.reference,
                amount_minor=payout.amount_minor,
                currency=payout.currency,
            )
            return Success(await self.bank.recall(scope, recall))
        account = await self.store.bank_account(scope, payout.destination)
        if account is None:
            return Failure(NotFound("bank_account", payout.destination))
        order = PayoutOrder(
            request=payout.id,
            method=payout.method,
            holder=account.holder,
            bsb=account.bsb,
            number=account.number,
            amount_minor=payout.amount_minor,
            currency=payout.currency,
            remark=payout.statement_descriptor,
        )
        return Success(await self.bank.pay(scope, order))

    async def _original(self, scope: Scope, payout: Payout) -> tuple[tuple[Aggregate, EventType], ...]:
        """The payout that a failed reversal leaves to be reversed again."""
        if payout.reverses is None or payout.status is not PayoutStatus.FAILED:
            return ()
        original = await self.store.payout(scope, payout.reverses)
        free = original and reversal_failed(original, payout.id)
        return ((free, EventType.PAYOUT_UPDATED),) if free else ()


def event_of(payout: Payout) -> EventType:
    """The event that says where a payout has come to."""
    return _EVENTS.get(payout.status, EventType.PAYOUT_UPDATED)
