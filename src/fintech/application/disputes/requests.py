"""What merchants ask of a dispute."""

from datetime import datetime

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.disputes.asking import DisputeAsking, DisputeRefusal
from fintech.application.disputes.resolving import ResolveDispute
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.repeats import replied
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.disputes.news import NotTaken
from fintech.domain.disputes.responses import NotAccepted, accepting, submitting, updated
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, DisputeId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.store import Store

DisputeAnswered = Outcome[Reply[Dispute], DisputeRefusal]


@frozen(kw_only=True)
class DisputeRepeats:
    """Answers requests whose idempotency key was used before."""

    commits: Commits
    resolve: ResolveDispute

    async def reply(
        self, request: Request, scope: Scope, outcome: Outcome[Dispute, DisputeRefusal]
    ) -> DisputeAnswered:
        """What the outcome of a first request, or of a repeat of it, is answered with (`replied`)."""

        async def resume(id: str) -> Dispute | None:
            return await self.resolve(scope, DisputeId(id), request.actor)

        def refusal(kept: str) -> NotAccepted:
            return NotAccepted(NotTaken(kept))

        return await replied(self.commits, request, scope, Dispute, outcome, resume=resume, refusal=refusal)


@frozen(kw_only=True)
class UpdateDispute:
    """Gather evidence and hang metadata on a dispute; submit the evidence, once."""

    store: Store
    commits: Commits
    asking: DisputeAsking
    repeats: DisputeRepeats

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: DisputeId,
        *,
        evidence: Metadata | None = None,
        metadata: Metadata | None = None,
        submit: bool = False,
    ) -> DisputeAnswered:
        """Refused as `updated` and `submitting` refuse, and as `NotAccepted` when the acquirer turns it down."""
        if submit and not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Dispute], DisputeRefusal]:
            dispute = await self.store.dispute(scope, id)
            if dispute is None:
                return Failure(NotFound("dispute", id))
            changed = updated(dispute, evidence=evidence, metadata=metadata)
            if submit and isinstance(changed, Success):
                changed = submitting(changed.unwrap(), now)
            if isinstance(changed, Failure):
                return changed
            after = changed.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.DISPUTE_UPDATED),),
                    claim=request.claim(id, now) if submit else request.claim_and_answer(id, now),
                )
            )

        outcome: Outcome[Dispute, DisputeRefusal] = await self.commits.land(scope, request.actor, decide)
        if submit and isinstance(outcome, Success):
            outcome = await self.asking.send(request, scope, outcome.unwrap())
        return await self.repeats.reply(request, scope, outcome)


@frozen(kw_only=True)
class CloseDispute:
    """Accept that the money of a dispute is lost."""

    store: Store
    commits: Commits
    asking: DisputeAsking
    repeats: DisputeRepeats

    async def __call__(self, request: Request, scope: Scope, id: DisputeId) -> DisputeAnswered:
        """Refused as `accepting` refuses, and as `NotAccepted` when the acquirer turns it down."""
        if not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Dispute], DisputeRefusal]:
            dispute = await self.store.dispute(scope, id)
            if dispute is None:
                return Failure(NotFound("dispute", id))
            closing = accepting(dispute, now)
            if isinstance(closing, Failure):
                return closing
            after = closing.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.DISPUTE_UPDATED),),
                    claim=request.claim(id, now),
                )
            )

        outcome: Outcome[Dispute, DisputeRefusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Success):
            outcome = await self.asking.send(request, scope, outcome.unwrap())
        return await self.repeats.reply(request, scope, outcome)
