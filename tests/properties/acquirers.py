"""An acquirer for long stories: every answer follows from the question, the script and nothing else."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.domain.cards import AuthorisationReply, Decline, DeclineCode
from fintech.domain.disputes.news import CaseReply
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import Authorisation, CaseAcceptance, CaseEvidence, FollowUp, Reversal

T = TypeVar("T")

#: An increment by a multiple of this is declined; the simulator has no card for that.
UNLUCKY = 7
#: When a process may die: before the question went out, or after it was answered.
DEATHS = ("before", "after")


class LineDown(Exception):
    """The process dies in the middle of a call: what it had committed stays, what it would have committed does not."""


async def answered(dies: list[str], call: Coroutine[Any, Any, T]) -> T:
    """What a call comes to, unless the first of ``dies`` says that the process dies before or after it."""
    when = dies.pop(0) if dies else None
    if when == "before":
        call.close()
        raise LineDown
    reply = await call
    if when == "after":
        raise LineDown
    return reply


class StoryAcquirer(SimulatedAcquirer):
    """The simulator; ``dies`` says of each of the next calls whether it raises, before or after the question went out.

    ``told`` is what it was told to forget, each message once, as the port promises.
    """

    def __init__(self) -> None:
        super().__init__(answer_timeout_s=0)
        self.dies: list[str] = []
        self.told: dict[str, Reversal] = {}

    async def authorise(self, scope: Scope, authorisation: Authorisation) -> AuthorisationReply:
        return await answered(self.dies, super().authorise(scope, authorisation))

    async def increment(self, scope: Scope, increment: FollowUp) -> AuthorisationReply:
        if increment.amount_minor % UNLUCKY == 0:
            no = Decline(code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51")
            self._remember(increment.request, no, self._card_of(increment.reference))
        return await answered(self.dies, super().increment(scope, increment))

    async def refund(self, scope: Scope, refund: FollowUp) -> AuthorisationReply:
        return await answered(self.dies, super().refund(scope, refund))

    async def reverse(self, scope: Scope, reversal: Reversal) -> bool:
        if not (self.script and self.script[0] is Fault.QUESTION_LOST):
            self.told.setdefault(reversal.request, reversal)
        return await super().reverse(scope, reversal)

    async def submit_evidence(self, scope: Scope, evidence: CaseEvidence) -> CaseReply:
        return await answered(self.dies, super().submit_evidence(scope, evidence))

    async def accept_dispute(self, scope: Scope, acceptance: CaseAcceptance) -> CaseReply:
        return await answered(self.dies, super().accept_dispute(scope, acceptance))
