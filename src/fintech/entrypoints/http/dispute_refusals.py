"""What the core refuses of disputes, as the wire says it."""

from typing import Final, TypeAlias, assert_never

from fintech.domain.disputes.evidence import EvidenceTooLong
from fintech.domain.disputes.news import NotTaken
from fintech.domain.disputes.responses import (
    ErrandOpen,
    EvidenceMissing,
    InquiryTakesNothing,
    NotAccepted,
    WrongDisputeStatus,
)
from fintech.domain.payments.refusals import ChargeDisputed
from fintech.entrypoints.http.errors import Problem

#: What only disputes are refused for.
OfDisputes: TypeAlias = (
    ChargeDisputed
    | WrongDisputeStatus
    | ErrandOpen
    | EvidenceMissing
    | EvidenceTooLong
    | InquiryTakesNothing
    | NotAccepted
)

#: Stripe's words and code for it.
_DISPUTED: Final = Problem(
    code="charge_disputed",
    message="The charge has been charged back: the cardholder has the money already, and cannot be given it again.",
    param="charge",
)
_NOT_TAKEN: Final = {
    NotTaken.CASE_CLOSED: "The cardholder's bank has closed this case.",
    NotTaken.TOO_LATE: "The cardholder's bank takes no evidence any more: it was due before.",
}


def dispute_problem(refused: OfDisputes) -> Problem:
    """The problem that a refusal is."""
    match refused:
        case ChargeDisputed():
            return _DISPUTED
        case WrongDisputeStatus(status=status, wanted=wanted):
            message = f"You cannot {wanted} this dispute because it has a status of {status.value}."
            return Problem(code="dispute_unexpected_state", message=message)
        case ErrandOpen():
            return _ON_ITS_WAY
        case EvidenceMissing():
            return _NOTHING_TO_SUBMIT
        case EvidenceTooLong(most=most, name=name):
            where = "evidence" if name is None else f"evidence[{name}]"
            message = f"{where} has at most {most} characters{' in all' if name is None else ''}."
            return Problem(code="parameter_invalid_string_too_long", message=message, param=where)
        case InquiryTakesNothing():
            return _INQUIRY
        case NotAccepted(why=why):
            return Problem(code=f"dispute_{why.value}", message=_NOT_TAKEN[why])
        case _:
            assert_never(refused)


_ON_ITS_WAY: Final = Problem(
    status=409,
    code="dispute_response_pending",
    message="The bank has not confirmed your last response to this dispute yet. Retrieve it to see what became of it.",
    retry=False,
)
_NOTHING_TO_SUBMIT: Final = Problem(
    code="dispute_evidence_missing", message="There is no evidence to submit.", param="evidence"
)
_INQUIRY: Final = Problem(
    code="dispute_unexpected_state",
    message="An inquiry takes no money, so there is nothing to lose. To give in to it, refund the charge.",
)
