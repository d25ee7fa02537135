"""An acquirer and its issuers, in process: it answers as the test card says, or as a test scripts the next calls.

It keeps the promises of a real one: the same request is done once however often it arrives, a reversal is
acknowledged even for what it never saw, and what was reversed before it arrived is declined when it does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from attrs import asdict

from fintech.adapters.simulator.cards import BY_NAME, Behaviour, RefundBehaviour
from fintech.adapters.simulator.disputes import (
    Case,
    case_of,
    heard_acceptance,
    heard_evidence,
    notice_entry,
    opening,
    reply_entry,
)
from fintech.adapters.simulator.journal import Answer, Journal, Memory
from fintech.domain.cards import (
    Approved,
    AuthorisationReply,
    Decline,
    DeclineCode,
    EnquiryReply,
    NotFound,
    Unknown,
)
from fintech.domain.disputes.news import CaseReply, NotTaken, TurnedDown
from fintech.domain.refunds.refund import RefundFailure
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import (
    Authorisation,
    CardAcquirer,
    CaseAcceptance,
    CaseEvidence,
    DisputeNotice,
    FollowUp,
    Notice,
    RefundReturned,
    Reversal,
)

#: How long a caller waits for an answer that does not come.
ANSWER_TIMEOUT_S: Final = 0.25
#: A reference is the request that it answers, so that the simulator needs no second index.
_REFERENCE: Final = "sim_"


class Fault(StrEnum):
    """What may happen to one call."""

    QUESTION_LOST = "question_lost"
    ANSWER_LOST = "answer_lost"
    ANSWER_LATE = "answer_late"  #: the answer arrives when nobody listens any more
    QUESTION_DOUBLED = "question_doubled"  #: the line delivers the question twice


_ANSWER_FAULTS: Final = (Fault.ANSWER_LOST, Fault.ANSWER_LATE)
_REFUND_DECLINED: Final = Decline(code=DeclineCode.GENERIC_DECLINE, scheme_code="05")
_NOT_SERVED: Final = Decline(code=DeclineCode.GENERIC_DECLINE, scheme_code="14")
_REVERSED_BEFORE: Final = Decline(code=DeclineCode.GENERIC_DECLINE, scheme_code="21")


class SimulatedAcquirer(CardAcquirer):
    """``script`` names the faults of the next calls, one each; ``journal`` keeps the memory across restarts
    and shares it among processes.

    ``late`` collects the answers that came when nobody listened any more.
    """

    def __init__(
        self,
        *,
        script: Iterable[Fault | None] = (),
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        latency_s: float = 0.0,
        journal: Path | None = None,
    ) -> None:
        self.script = deque(script)
        self.late: list[Answer] = []
        self.calls: list[str] = []
        self._timeout_s = answer_timeout_s
        self._latency_s = latency_s
        self._memory = Memory()
        self._journal = Journal(journal, self._memory) if journal else None

    def close(self) -> None:
        """Let the journal go."""
        if self._journal is not None:
            self._journal.close()

    def serves(self, scope: Scope) -> bool:
        return not scope.livemode

    async def authorise(self, scope: Scope, authorisation: Authorisation) -> AuthorisationReply:
        card = BY_NAME.get(authorisation.card_token)
        if card is None or scope.livemode:
            return _NOT_SERVED
        request = authorisation.request
        known = request in self._memory.answers
        reply = await self._deliver(card.behaviour, request, card.decline, card.name)
        approved = isinstance(self._memory.answers.get(request), Approved)
        if card.disputes is not None and approved and not known:
            case, notice = opening(card.disputes, scope, request, authorisation.amount_minor)
            self._keep_case(case, notice)
        return reply

    async def increment(self, scope: Scope, increment: FollowUp) -> AuthorisationReply:
        if scope.livemode:
            return _NOT_SERVED
        card = self._card_of(increment.reference)
        return await self._deliver(Behaviour.APPROVE, increment.request, None, card)

    async def refund(self, scope: Scope, refund: FollowUp) -> AuthorisationReply:
        if scope.livemode:
            return _NOT_SERVED
        card = self._card_of(refund.reference)
        behaviour = BY_NAME[card].refunds
        decline = _REFUND_DECLINED if behaviour is RefundBehaviour.DECLINE else None
        lost = behaviour is RefundBehaviour.LOSE_ANSWER
        known = refund.request in self._memory.answers
        reply = await self._deliver(
            Behaviour.APPROVE_AND_LOSE_ANSWER if lost else Behaviour.APPROVE, refund.request, decline, card
        )
        done = isinstance(self._memory.answers.get(refund.request), Approved)
        if behaviour is RefundBehaviour.APPROVE_AND_RETURN and done and not known:
            notice = f"{refund.request}.returned"
            self._memory.notices[notice] = RefundReturned(
                notice, scope, refund.request, RefundFailure.EXPIRED_OR_CANCELED_CARD
            )
            self._keep({"notice": notice, "merchant": scope.merchant, "refund": refund.request})
        return reply

    async def reverse(self, scope: Scope, reversal: Reversal) -> bool:
        del scope
        self.calls.append(reversal.request)
        fault = self.script.popleft() if self.script else None
        if fault is Fault.QUESTION_LOST:
            await asyncio.sleep(self._timeout_s)
            return False
        self._memory.forget_oldest()
        self._memory.reversed_requests[reversal.original_request] = None
        self._keep({"reversed": reversal.original_request})
        if fault in _ANSWER_FAULTS:
            await asyncio.sleep(self._timeout_s)
            return False
        return True

    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        del scope
        self._catch_up()
        self.calls.append(f"enquire {request}")
        fault = self.script.popleft() if self.script else None
        if fault is Fault.QUESTION_LOST or fault in _ANSWER_FAULTS:
            await asyncio.sleep(self._timeout_s)
            return Unknown("no answer to the enquiry")
        if request in self._memory.cards and self._silent(request):
            return Unknown("no answer to the enquiry")
        return self._memory.answers.get(request, NotFound())

    async def submit_evidence(self, scope: Scope, evidence: CaseEvidence) -> CaseReply:
        def hear(case: Case | None) -> tuple[CaseReply, Case | None, DisputeNotice | None]:
            return heard_evidence(case, scope, evidence.texts)

        return await self._tell(scope, evidence.request, evidence.case, hear)

    async def accept_dispute(self, scope: Scope, acceptance: CaseAcceptance) -> CaseReply:
        def hear(case: Case | None) -> tuple[CaseReply, Case | None, DisputeNotice | None]:
            return (*heard_acceptance(case), None)

        return await self._tell(scope, acceptance.request, acceptance.case, hear)

    async def notices(self, limit: int) -> tuple[Notice, ...]:
        self._catch_up()
        return tuple(self._memory.notices.values())[:limit]

    async def acknowledge(self, notice: str) -> None:
        self._memory.notices.pop(notice, None)
        self._keep({"acknowledged": notice})

    async def _tell(
        self,
        scope: Scope,
        request: str,
        case: str,
        hear: Callable[[Case | None], tuple[CaseReply, Case | None, DisputeNotice | None]],
    ) -> CaseReply:
        """Hear something about a case, once."""
        if scope.livemode:
            return TurnedDown(NotTaken.CASE_CLOSED)
        self.calls.append(request)
        fault = self.script.popleft() if self.script else None
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        if fault is Fault.QUESTION_LOST:
            await asyncio.sleep(self._timeout_s)
            return Unknown("the question was lost")
        self._catch_up()
        reply = self._memory.case_replies.get(request)
        if reply is None:
            reply, after, notice = hear(self._memory.cases.get(case))
            self._memory.forget_oldest()
            self._memory.case_replies[request] = reply
            if after is not None:
                self._keep_case(after, notice, request, reply)
        if fault in _ANSWER_FAULTS:
            await asyncio.sleep(self._timeout_s)
            return Unknown("the answer was lost")
        return reply

    def _keep_case(
        self,
        case: Case,
        notice: DisputeNotice | None,
        errand: str | None = None,
        reply: CaseReply | None = None,
    ) -> None:
        self._memory.cases[case_of(case.charge_request)] = case
        if notice is not None:
            self._memory.notices[notice.notice] = notice
            self._keep(notice_entry(notice))
        said = {"errand": errand, "not_taken": reply_entry(reply)} if reply else {}
        self._keep({"case": asdict(case), **said})

    def _card_of(self, reference: str) -> str:
        self._catch_up()
        return self._memory.cards.get(reference.removeprefix(_REFERENCE), "pm_card_visa")

    def _silent(self, request: str) -> bool:
        return BY_NAME[self._memory.cards[request]].behaviour is Behaviour.SILENT

    def _answer_to(self, request: str, decline: Decline | None) -> Answer:
        known = self._memory.answers.get(request)
        if known is not None:
            return known
        if request in self._memory.reversed_requests:
            return _REVERSED_BEFORE
        return decline or Approved(
            reference=_REFERENCE + request, auth_code=f"{crc32(request.encode()) % 10**6:06d}"
        )

    async def _deliver(
        self, behaviour: Behaviour, request: str, decline: Decline | None, card: str
    ) -> AuthorisationReply:
        self.calls.append(request)
        fault = self.script.popleft() if self.script else None
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        if behaviour is Behaviour.LOSE_QUESTION or fault is Fault.QUESTION_LOST:
            await asyncio.sleep(self._timeout_s)
            return Unknown("the question was lost")
        answer = self._hear(request, decline, card)
        if fault is Fault.QUESTION_DOUBLED:
            answer = self._hear(request, decline, card)
        if fault in _ANSWER_FAULTS or behaviour not in (Behaviour.APPROVE, Behaviour.DECLINE):
            await asyncio.sleep(self._timeout_s)
            if fault is Fault.ANSWER_LATE:
                self.late.append(answer)
            return Unknown("the answer was lost")
        return answer

    def _hear(self, request: str, decline: Decline | None, card: str) -> Answer:
        self._catch_up()
        answer = self._answer_to(request, decline)
        self._remember(request, answer, card)
        return answer

    def _remember(self, request: str, answer: Answer, card: str) -> None:
        if self._memory.remember(request, answer, card):
            self._keep({"request": request, "card": card, "answer": asdict(answer)})

    def _catch_up(self) -> None:
        if self._journal is not None:
            self._journal.catch_up()

    def _keep(self, entry: dict[str, Any]) -> None:
        if self._journal is not None:
            self._journal.write(entry)
