"""What merchants ask of a payout that was made."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Request, saved
from fintech.application.payouts.asking import BankMissing, PayoutAsking, PayoutRefusal
from fintech.application.payouts.repeats import PayoutAnswered, PayoutRepeats
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, PayoutId
from fintech.domain.ledger import Books
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payouts.lifecycle import payout_canceled, reversal_sent
from fintech.domain.payouts.making import BookedPayout
from fintech.domain.payouts.payout import Payout
from fintech.domain.payouts.refusals import PayoutWrongStatus
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

Decided: TypeAlias = Outcome[Decision[Payout], PayoutRefusal]


@frozen(kw_only=True)
class UpdatePayout:
    """Change what may be changed of a payout: what the merchant has hung on it."""

    store: Store
    commits: Commits
    repeats: PayoutRepeats

    async def __call__(
        self, request: Request, scope: Scope, id: PayoutId, *, metadata: Metadata | None = None
    ) -> PayoutAnswered:
        """Refused as `Payout.updated` refuses; ``metadata`` is merged into what is there by then."""

        async def decide(_changeset: ChangesetId, now: datetime) -> Decided:
            payout = await self.store.payout(scope, id)
            if payout is None:
                return Failure(NotFound("payout", id))
            updated = payout.updated(metadata)
            if isinstance(updated, Failure):
                return updated
            after = updated.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.PAYOUT_UPDATED),),
                    claim=request.claim_and_answer(id, now),
                )
            )

        return await self.repeats.reply(request, scope, await self.commits.land(scope, request.actor, decide))


@frozen(kw_only=True)
class CancelPayout:
    """Take back a payout that the bank was not asked for yet."""

    asking: PayoutAsking
    repeats: PayoutRepeats

    async def __call__(self, request: Request, scope: Scope, id: PayoutId) -> PayoutAnswered:
        """Refused as `payout_canceled` refuses."""

        def canceled(
            payout: Payout, books: Books, advanced_minor: int, changeset: ChangesetId, now: datetime
        ) -> Outcome[BookedPayout, PayoutWrongStatus]:
            return payout_canceled(payout, books, advanced_minor, now, changeset)

        outcome = await self.asking.step(request, scope, id, canceled, in_one=True)
        return await self.repeats.reply(request, scope, outcome)


@frozen(kw_only=True)
class ReversePayout:
    """Ask the bank to bring a paid payout back, all of it."""

    store: Store
    ids: IdSource
    commits: Commits
    asking: PayoutAsking
    repeats: PayoutRepeats

    async def __call__(
        self, request: Request, scope: Scope, id: PayoutId, *, metadata: Metadata = ()
    ) -> PayoutAnswered:
        """The payout that shall bring it back; refused as `reversal_sent` refuses."""
        if not self.asking.bank.serves(scope):
            return Failure(BankMissing(scope.livemode))

        async def decide(_changeset: ChangesetId, now: datetime) -> Decided:
            original = await self.store.payout(scope, id)
            if original is None:
                return Failure(NotFound("payout", id))
            reversing = reversal_sent(original, id=self.ids.new(PayoutId), at=now, metadata=metadata)
            if isinstance(reversing, Failure):
                return reversing
            sent = reversing.unwrap()
            return Success(
                Decision(
                    value=saved(sent.reversal),
                    changes=(
                        (sent.reversal, EventType.PAYOUT_CREATED),
                        (sent.original, EventType.PAYOUT_UPDATED),
                    ),
                    claim=request.claim(sent.reversal.id, now),
                )
            )

        outcome: Outcome[Payout, PayoutRefusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Success):
            outcome = await self.asking.send(request, scope, outcome.unwrap(), None)
        return await self.repeats.reply(request, scope, outcome)
