"""Asking the bank for a payout whose intent is committed, and committing what came of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.bank_accounts import OpenAccount
from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import books_of
from fintech.domain.bank_accounts import AccountDetails
from fintech.domain.changeset import AccountClosed, CommitRefused
from fintech.domain.events import Aggregate, EventType
from fintech.domain.ids import BankAccountId, ChangesetId, PayoutId
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
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
from fintech.domain.payouts.payout import Payout, PayoutFailure, PayoutMethod, PayoutStatus
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
    PayoutRuleRefusal
    | PayoutsTooFrequent
    | TooManyKeys
    | CommitRefused
    | CustodyRefused
    | NotFound
    | BankMissing
)

#: Says what a payout becomes: of what it is by then, what is owed on advances, the changeset and the time.
DecideOn: TypeAlias = Callable[
    [Payout, Books, int, ChangesetId, datetime], Outcome[BookedPayout, PayoutWrongStatus]
]

#: How long a payout rests that cannot be looked after now; and one whose account cannot be opened for a moment.
REST: Final = timedelta(hours=1)
SHORT_REST: Final = timedelta(minutes=1)
_RESTS: Final = {CustodyReason.SUSPENDED: SHORT_REST, CustodyReason.UNREACHABLE: SHORT_REST}
#: Why an account can never be opened again.
_FOR_GOOD: Final = frozenset({CustodyReason.DESTROYED, CustodyReason.INTEGRITY})

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
    open_account: OpenAccount
    commits: Commits

    async def sending(
        self, scope: Scope, method: PayoutMethod, account: BankAccountId, now: datetime
    ) -> Outcome[tuple[datetime, AccountDetails | None], CustodyRefused]:
        """When a payout is sent, and where if that is now. Where the bank's window is open and nobody can tell it where, an
        instant payout is refused, and a standard one waits."""
        send_at = self.bank.next_window(method, now)
        if send_at > now:
            return Success((send_at, None))
        opened = await self.open_account(scope, account)
        if isinstance(opened, Success):
            return Success((send_at, opened.unwrap()))
        return opened if method is PayoutMethod.INSTANT else Success((now + REST, None))

    async def addressed(self, scope: Scope, payout: Payout) -> Outcome[AccountDetails | None, CustodyRefused]:
        """Where a payout goes: asked before the intent to send it is committed, so that whoever has no keys is refused while
        there is nothing to undo. A reversal goes where its original went, and needs none."""
        if payout.reverses is not None:
            return Success(None)
        return await self.open_account(scope, payout.destination)

    async def send(
        self, request: Request, scope: Scope, payout: Payout, details: AccountDetails | None
    ) -> Outcome[Payout, PayoutRefusal]:
        """Ask; asking again about the same payout is answered as the first time. What comes of it is recorded whatever
        becomes of the merchant's keys meanwhile."""
        asked = await self._asked(scope, payout, details)
        if isinstance(asked, Failure):
            return asked
        return await self.land(request, scope, payout.id, asked.unwrap())

    async def held_up(self, request: Request, scope: Scope, payout: Payout, refused: CustodyRefused) -> None:
        """The bank cannot be told where a payout goes: it waits; where it never can be, the payout comes to nothing."""
        if for_good(refused):
            await self.land(request, scope, payout.id, Rejected(PayoutFailure.COULD_NOT_PROCESS))
        else:
            await self.postpone(request.actor, scope, payout.id, _RESTS.get(refused.reason, REST))

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

    async def postpone(
        self, actor: Actor, scope: Scope, id: PayoutId, rest: timedelta = REST
    ) -> Outcome[Payout, PayoutRefusal]:
        """Look at it again after a rest; nothing is booked."""

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payout], PayoutRefusal]:
            payout = await self.store.payout(scope, id)
            if payout is None:
                return Failure(NotFound("payout", id))
            if payout.due_at is None or payout.due_at > now:
                return Failure(PayoutWrongStatus(payout.status, "postpone"))
            after = payout_postponed(payout, now + rest)
            return Success(Decision(value=saved(after), changes=((after, EventType.PAYOUT_UPDATED),)))

        outcome: Outcome[Payout, PayoutRefusal] = await self.commits.land(scope, actor, decide)
        fresh = await self.store.payout(scope, id) if isinstance(outcome, Failure) else None
        return outcome if fresh is None else Success(fresh)

    async def _asked(
        self, scope: Scope, payout: Payout, details: AccountDetails | None
    ) -> Outcome[PayReply, NotFound]:
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
        assert details is not None, "nobody said where the payout goes"
        order = PayoutOrder(
            request=payout.id,
            method=payout.method,
            holder=details.holder,
            bsb=details.bsb,
            number=details.number,
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


def for_good(refused: CustodyRefused) -> bool:
    """Whether nobody will ever know again where a payout goes."""
    return refused.reason in _FOR_GOOD


def event_of(payout: Payout) -> EventType:
    """The event that says where a payout has come to."""
    return _EVENTS.get(payout.status, EventType.PAYOUT_UPDATED)
