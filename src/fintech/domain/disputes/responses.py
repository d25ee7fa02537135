"""What a merchant does about a dispute: gathers evidence, submits it once, or accepts the loss.

What the acquirer has to be told is an errand: its intent is committed, then it is told until it answers. Telling it
again under the same name is answered as the first time, so nobody has to ask what became of it.
"""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.domain.cards import Unknown
from fintech.domain.disputes.dispute import (
    AWAITING,
    Dispute,
    DisputeStatus,
    Errand,
    ErrandKind,
    SealedEvidence,
)
from fintech.domain.disputes.evidence import EvidenceTooLong
from fintech.domain.disputes.news import CaseReply, NotTaken, Taken, TurnedDown
from fintech.domain.evolving import evolve
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import delay

#: How long to wait before the acquirer is told again; the last delay repeats until it answers.
ERRAND_DELAYS_S = (1, 2, 5, 15, 60, 300, 900, 3600)


@frozen
class WrongDisputeStatus:
    """The dispute's status does not allow it. ``wanted`` is the verb."""

    status: DisputeStatus
    wanted: str


@frozen
class ErrandOpen:
    """The acquirer is being told something already, and nobody knows yet what it says to it."""

    kind: ErrandKind


@frozen
class EvidenceMissing:
    """There is nothing to submit."""


@frozen
class InquiryTakesNothing:
    """An inquiry cannot be lost: whoever gives in to it gives the charge back."""


@frozen
class ErrandOver:
    """The errand has its answer, or the dispute was decided meanwhile; a late answer changes nothing."""


@frozen
class NotAccepted:
    """The acquirer does not take it."""

    why: NotTaken


ResponseRefusal: TypeAlias = (
    WrongDisputeStatus
    | ErrandOpen
    | EvidenceMissing
    | EvidenceTooLong
    | InquiryTakesNothing
    | NotAccepted
    | TooManyKeys
)


def updated(
    dispute: Dispute, *, evidence: SealedEvidence | None = None, metadata: Metadata | None = None
) -> Outcome[Dispute, ResponseRefusal]:
    """Change what is given: metadata at any time, evidence until it is submitted."""
    merging = merged(dispute.metadata, metadata)
    if isinstance(merging, Failure):
        return merging
    if evidence is None:
        return Success(evolve(dispute, metadata=merging.unwrap()))
    if (refused := evidence_refused(dispute)) is not None:
        return Failure(refused)
    return Success(evolve(dispute, metadata=merging.unwrap(), evidence=(), sealed_evidence=evidence))


def evidence_refused(dispute: Dispute) -> WrongDisputeStatus | ErrandOpen | None:
    """Why a dispute's evidence cannot be changed now, or None."""
    return _busy(dispute, "change the evidence of")


def submitting(dispute: Dispute, at: datetime) -> Outcome[Dispute, ResponseRefusal]:
    """The intent to submit what evidence there is: once for an inquiry and once for a chargeback."""
    if (refused := _busy(dispute, "submit evidence for")) is not None:
        return Failure(refused)
    if not dispute.has_evidence:
        return Failure(EvidenceMissing())
    # Named by its stage, too: what was on its way for an inquiry says nothing of the chargeback.
    request = f"{dispute.id}.evidence{dispute.heard}.{dispute.submissions + 1}"
    return Success(_sent(dispute, ErrandKind.EVIDENCE, request, at))


def accepting(dispute: Dispute, at: datetime) -> Outcome[Dispute, ResponseRefusal]:
    """The intent to accept that the money is lost."""
    if dispute.inquiry:
        return Failure(InquiryTakesNothing())
    if (refused := _busy(dispute, "close")) is not None:
        return Failure(refused)
    return Success(_sent(dispute, ErrandKind.ACCEPTANCE, f"{dispute.id}.acceptance", at))


def answered(dispute: Dispute, request: str, reply: CaseReply, at: datetime) -> Outcome[Dispute, ErrandOver]:
    """What the acquirer said to an errand; without an answer it is told again later."""
    errand = dispute.errand
    if errand is None or errand.request != request:
        return Failure(ErrandOver())
    match reply:
        case Unknown():
            next_try_at = at + delay(ERRAND_DELAYS_S, errand.tries)
            return Success(
                evolve(dispute, errand=evolve(errand, tries=errand.tries + 1, next_try_at=next_try_at))
            )
        case TurnedDown():
            return Success(evolve(dispute, errand=None))
        case Taken():
            return Success(_taken(dispute, errand))


def _taken(dispute: Dispute, errand: Errand) -> Dispute:
    if errand.kind is ErrandKind.ACCEPTANCE:
        return evolve(dispute, status=dispute.moved_to(DisputeStatus.LOST), errand=None)
    review = DisputeStatus.WARNING_UNDER_REVIEW if dispute.inquiry else DisputeStatus.UNDER_REVIEW
    return evolve(
        dispute,
        status=dispute.moved_to(review),
        submissions=dispute.submissions + 1,
        submitted_at=errand.sent_at,
        errand=None,
    )


def _sent(dispute: Dispute, kind: ErrandKind, request: str, at: datetime) -> Dispute:
    return evolve(dispute, errand=Errand(kind=kind, request=request, sent_at=at))


def _busy(dispute: Dispute, wanted: str) -> WrongDisputeStatus | ErrandOpen | None:
    """Why the merchant cannot respond now, or None."""
    if dispute.status not in AWAITING:
        return WrongDisputeStatus(dispute.status, wanted)
    return ErrandOpen(dispute.errand.kind) if dispute.errand else None
