"""An acquirer for long stories: every answer follows from the question, the script and nothing else."""

from collections.abc import Coroutine
from typing import Any

from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.domain.cards import AuthorisationReply, Decline, DeclineCode
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import Authorisation, FollowUp, Reversal

#: An increment by a multiple of this is declined; the simulator has no card for that.
UNLUCKY = 7
#: When a process may die: before the question went out, or after it was answered.
DEATHS = ("before", "after")


class LineDown(Exception):
    """The process dies in the middle of a call: what it had committed stays, what it would have committed does not."""


class StoryAcquirer(SimulatedAcquirer):
    """The simulator; ``dies`` says of each of the next calls whether it raises, before or after the question went out.

    ``told`` is what it was told to forget, each message once, as the port promises.
    """

    def __init__(self) -> None:
        super().__init__(answer_timeout_s=0)
        self.dies: list[str] = []
        self.told: dict[str, Reversal] = {}

    async def authorise(self, scope: Scope, authorisation: Authorisation) -> AuthorisationReply:
        return await self._maybe(super().authorise(scope, authorisation))

    async def increment(self, scope: Scope, increment: FollowUp) -> AuthorisationReply:
        if increment.amount_minor % UNLUCKY == 0:
            no = Decline(code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51")
            self._remember(increment.request, no, self._card_of(increment.reference))
        return await self._maybe(super().increment(scope, increment))

    async def refund(self, scope: Scope, refund: FollowUp) -> AuthorisationReply:
        return await self._maybe(super().refund(scope, refund))

    async def reverse(self, scope: Scope, reversal: Reversal) -> bool:
        if not (self.script and self.script[0] is Fault.QUESTION_LOST):
            self.told.setdefault(reversal.request, reversal)
        return await super().reverse(scope, reversal)

    async def _maybe(self, call: Coroutine[Any, Any, AuthorisationReply]) -> AuthorisationReply:
        dies = self.dies.pop(0) if self.dies else None
        if dies == "before":
            call.close()
            raise LineDown
        reply = await call
        if dies == "after":
            raise LineDown
        return reply
