"""Telling the acquirer what a merchant says to a dispute, once its intent is committed, and what came of it."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import AcquirerMissing
from fintech.domain.cards import Unknown
from fintech.domain.changeset import CommitRefused
from fintech.domain.disputes.dispute import Dispute, DisputeStatus, ErrandKind
from fintech.domain.disputes.news import CaseReply, TurnedDown
from fintech.domain.disputes.responses import ErrandOver, NotAccepted, ResponseRefusal, answered
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, DisputeId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import CardAcquirer, CaseAcceptance, CaseEvidence
from fintech.ports.store import Store

#: Why a request about a dispute is not done.
DisputeRefusal: TypeAlias = ResponseRefusal | CommitRefused | CustodyRefused | NotFound | AcquirerMissing


@frozen(kw_only=True)
class DisputeAsking:
    """Runs a dispute's errand: tells the acquirer, and commits what it says to it."""

    store: Store
    acquirer: CardAcquirer
    commits: Commits

    async def send(
        self, request: Request, scope: Scope, dispute: Dispute, texts: Metadata = ()
    ) -> Outcome[Dispute, DisputeRefusal]:
        """Tell it, with the evidence where that is the errand; telling it again is answered as the first time."""
        errand = dispute.errand
        assert errand is not None
        reply: CaseReply
        if errand.kind is ErrandKind.EVIDENCE:
            evidence = CaseEvidence(request=errand.request, case=dispute.case, texts=texts)
            reply = await self.acquirer.submit_evidence(scope, evidence)
        else:
            acceptance = CaseAcceptance(request=errand.request, case=dispute.case)
            reply = await self.acquirer.accept_dispute(scope, acceptance)
        return await self._land(request, scope, dispute.id, errand.request, reply)

    async def held_up(self, request: Request, scope: Scope, dispute: Dispute) -> None:
        """The evidence cannot be opened: the acquirer is told later."""
        assert dispute.errand is not None
        await self._land(request, scope, dispute.id, dispute.errand.request, Unknown("it was not told"))

    async def _land(
        self, request: Request, scope: Scope, id: DisputeId, errand: str, reply: CaseReply
    ) -> Outcome[Dispute, DisputeRefusal]:
        """Commit a reply, on the dispute as it is by then; a late one changes nothing."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Dispute], ErrandOver | NotFound]:
            dispute = await self.store.dispute(scope, id)
            if dispute is None:
                return Failure(NotFound("dispute", id))
            outcome = answered(dispute, errand, reply, now)
            if isinstance(outcome, Failure):
                return outcome
            after = outcome.unwrap()
            lost = after.status is DisputeStatus.LOST
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.DISPUTE_CLOSED if lost else EventType.DISPUTE_UPDATED),),
                    claim=request.answer(reply.why.value if isinstance(reply, TurnedDown) else None),
                )
            )

        outcome = await self.commits.land(scope, request.actor, decide, tries_max=OUTCOME_TRIES_MAX)
        if isinstance(outcome, Failure):
            refused = outcome.failure()
            if not isinstance(refused, ErrandOver):
                return Failure(refused)
            fresh = await self.store.dispute(scope, id)
            return Success(fresh) if fresh else Failure(NotFound("dispute", id))
        return Failure(NotAccepted(reply.why)) if isinstance(reply, TurnedDown) else outcome
