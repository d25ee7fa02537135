"""What merchants ask of a dispute."""

from collections.abc import Sequence
from datetime import datetime

from attrs import field, frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.disputes.asking import DisputeAsking, DisputeRefusal
from fintech.application.disputes.evidence import KeepEvidence
from fintech.application.disputes.resolving import ResolveDispute
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.repeats import replied
from fintech.domain.disputes.dispute import Dispute, SealedEvidence
from fintech.domain.disputes.news import NotTaken
from fintech.domain.disputes.responses import (
    NotAccepted,
    accepting,
    evidence_refused,
    submitting,
    updated,
)
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


@frozen
class _Said:
    """A dispute as it is after a change, what the acquirer is told of it, and what was sealed before."""

    dispute: Dispute
    texts: Metadata = field(default=(), repr=False)
    replaced: SealedEvidence | None = None


@frozen(kw_only=True)
class UpdateDispute:
    """Gather evidence and hang metadata on a dispute; submit the evidence, once."""

    store: Store
    commits: Commits
    evidence: KeepEvidence
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
        """Refused as `updated` and `submitting` refuse, as `NotAccepted` when the acquirer turns it down, and where the
        merchant's keys are not to be had for the evidence."""
        if submit and not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))
        unused: list[SealedEvidence] = []

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[_Said], DisputeRefusal]:
            dispute = await self.store.dispute(scope, id)
            if dispute is None:
                return Failure(NotFound("dispute", id))
            telling = await self._texts(scope, dispute, evidence, changeset, submit=submit)
            if isinstance(telling, Failure):
                return telling
            texts, sealed = telling.unwrap()
            unused.extend([] if sealed is None else [sealed])
            changed = updated(dispute, evidence=sealed, metadata=metadata)
            if submit and isinstance(changed, Success):
                changed = submitting(changed.unwrap(), now)
            if isinstance(changed, Failure):
                return changed
            after = changed.unwrap()
            return Success(
                Decision(
                    value=_Said(saved(after), texts, dispute.sealed_evidence if sealed else None),
                    changes=((after, EventType.DISPUTE_UPDATED),),
                    claim=request.claim(id, now) if submit else request.claim_and_answer(id, now),
                )
            )

        landed: Outcome[_Said, DisputeRefusal] = await self.commits.land(scope, request.actor, decide)
        await self._tidied(scope, unused, landed)
        if isinstance(landed, Failure):
            return await self.repeats.reply(request, scope, landed)
        said = landed.unwrap()
        outcome: Outcome[Dispute, DisputeRefusal] = Success(said.dispute)
        if submit:
            outcome = await self.asking.send(request, scope, said.dispute, said.texts)
        return await self.repeats.reply(request, scope, outcome)

    async def _tidied(
        self, scope: Scope, sealed: Sequence[SealedEvidence], landed: Outcome[_Said, DisputeRefusal]
    ) -> None:
        """Remove what was sealed and no commit speaks of, or does any more."""
        said = landed.unwrap() if isinstance(landed, Success) else None
        kept = said.dispute.sealed_evidence if said else None
        for each in (*sealed, said.replaced if said else None):
            if each is not None and each != kept:
                await self.evidence.forget(scope, each)

    async def _texts(
        self,
        scope: Scope,
        dispute: Dispute,
        changes: Metadata | None,
        changeset: ChangesetId,
        *,
        submit: bool,
    ) -> Outcome[tuple[Metadata, SealedEvidence | None], DisputeRefusal]:
        """The evidence as it is to be, and where it is sealed if it changes: before anybody is told of it."""
        if changes is None:
            told = (await self.evidence.of(scope, (dispute,)))[dispute.id] if submit else Success(())
            return told if isinstance(told, Failure) else Success((told.unwrap(), None))
        if (refused := evidence_refused(dispute)) is not None:
            return Failure(refused)
        gathering = await self.evidence.gathered(scope, dispute, changes, changeset)
        if isinstance(gathering, Failure):
            return gathering
        gathered = gathering.unwrap()
        return Success((gathered.texts, gathered.sealed))


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
