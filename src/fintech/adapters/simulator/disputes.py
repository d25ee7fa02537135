"""The simulated acquirer's cases: cards that dispute what they have paid, and evidence that decides.

As in Stripe's sandbox, the text ``winning_evidence`` or ``losing_evidence`` in ``uncategorized_text`` is the verdict,
``escalate_inquiry_evidence`` makes a chargeback of an inquiry, and anything else stays under review.
"""

from enum import StrEnum
from typing import Any, Final

from attrs import asdict, evolve, frozen

from fintech.domain.disputes.news import (
    CaseNews,
    CaseReply,
    DisputeClosed,
    DisputeEscalated,
    DisputeOpened,
    DisputeReason,
    NotTaken,
    Taken,
    TurnedDown,
    Verdict,
)
from fintech.domain.ids import MerchantId
from fintech.domain.metadata import Metadata
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import DisputeNotice


class DisputeBehaviour(StrEnum):
    """What a cardholder says of what the card has paid."""

    FRAUDULENT = "fraudulent"
    PRODUCT_NOT_RECEIVED = "product_not_received"
    INQUIRY = "inquiry"


#: Visa's reason codes (Dispute Resolution, 10.4 and 13.1); an inquiry has the condition only.
_OPENS: Final = {
    DisputeBehaviour.FRAUDULENT: (DisputeReason.FRAUDULENT, "10.4", False),
    DisputeBehaviour.PRODUCT_NOT_RECEIVED: (DisputeReason.PRODUCT_NOT_RECEIVED, "13.1", False),
    DisputeBehaviour.INQUIRY: (DisputeReason.FRAUDULENT, "10", True),
}
_ESCALATED_CODE: Final = "10.4"
_SAYS: Final = "uncategorized_text"
_ESCALATES: Final = "escalate_inquiry_evidence"
_VERDICTS: Final = {"winning_evidence": Verdict.WON, "losing_evidence": Verdict.LOST}
_KINDS: Final = {kind.__name__: kind for kind in (DisputeOpened, DisputeEscalated, DisputeClosed)}


@frozen(kw_only=True)
class Case:
    """A case as the acquirer keeps it: how far it has come, and whether it is over."""

    charge_request: str
    amount_minor: int
    inquiry: bool
    number: int = 1
    over: bool = False


def case_of(charge_request: str) -> str:
    """The name of a charge's case."""
    return f"case_{charge_request}"


def opening(
    behaviour: DisputeBehaviour, scope: Scope, charge_request: str, amount_minor: int
) -> tuple[Case, DisputeNotice]:
    """The case that a card makes of what it has paid."""
    reason, code, inquiry = _OPENS[behaviour]
    case = Case(charge_request=charge_request, amount_minor=amount_minor, inquiry=inquiry)
    what = DisputeOpened(amount_minor=amount_minor, reason=reason, inquiry=inquiry, reason_code=code)
    return case, _notice(scope, case, what)


def heard_evidence(
    case: Case | None, scope: Scope, texts: Metadata
) -> tuple[CaseReply, Case | None, DisputeNotice | None]:
    """What becomes of a case by evidence: the answer, the case after it, and what there is to tell."""
    if case is None or case.over:
        return TurnedDown(NotTaken.CASE_CLOSED), case, None
    text = dict(texts).get(_SAYS, "").strip()
    after = evolve(case, number=case.number + 1)
    if case.inquiry and text == _ESCALATES:
        after = evolve(after, inquiry=False)
        escalated = DisputeEscalated(amount_minor=case.amount_minor, reason_code=_ESCALATED_CODE)
        return Taken(), after, _notice(scope, after, escalated)
    verdict = _VERDICTS.get(text)
    if verdict is None:
        return Taken(), case, None
    # An inquiry ends without a chargeback, whatever was thought of the answer to it.
    closed = DisputeClosed(verdict=Verdict.WITHDRAWN if case.inquiry else verdict)
    after = evolve(after, over=True)
    return Taken(), after, _notice(scope, after, closed)


def heard_acceptance(case: Case | None) -> tuple[CaseReply, Case | None]:
    """A case that its merchant accepts is over."""
    if case is None or case.over:
        return TurnedDown(NotTaken.CASE_CLOSED), case
    return Taken(), evolve(case, number=case.number + 1, over=True)


def notice_entry(notice: DisputeNotice) -> dict[str, Any]:
    """A notice as a line of the journal."""
    news = notice.news
    return {
        "notice": notice.notice,
        "merchant": notice.scope.merchant,
        "charge": notice.charge_request,
        "number": news.number,
        "what": type(news.what).__name__,
        "says": asdict(news.what),
    }


def notice_from(entry: dict[str, Any]) -> DisputeNotice:
    """The notice of a line of the journal."""
    says = dict(entry["says"])
    if "reason" in says:
        says["reason"] = DisputeReason(says["reason"])
    if "verdict" in says:
        says["verdict"] = Verdict(says["verdict"])
    charge = entry["charge"]
    news = CaseNews(case=case_of(charge), number=entry["number"], what=_KINDS[entry["what"]](**says))
    scope = Scope(MerchantId(entry["merchant"]), livemode=False)
    return DisputeNotice(entry["notice"], scope, charge, news)


def reply_entry(reply: CaseReply) -> str | None:
    """An answer as the journal has it: why not, or nothing."""
    return reply.why.value if isinstance(reply, TurnedDown) else None


def reply_from(why: str | None) -> CaseReply:
    """The answer that the journal has."""
    return Taken() if why is None else TurnedDown(NotTaken(why))


def _notice(
    scope: Scope, case: Case, what: DisputeOpened | DisputeEscalated | DisputeClosed
) -> DisputeNotice:
    name = case_of(case.charge_request)
    news = CaseNews(case=name, number=case.number, what=what)
    return DisputeNotice(f"{name}.{case.number}", scope, case.charge_request, news)
