"""Requests about payouts that were made before."""

from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Reply, Request
from fintech.application.payouts.asking import PayoutRefusal
from fintech.application.payouts.resolving import ResolvePayout
from fintech.application.repeats import replied
from fintech.domain.ids import PayoutId
from fintech.domain.outcome import Outcome
from fintech.domain.payouts.payout import Payout
from fintech.domain.scope import Scope

PayoutAnswered: TypeAlias = Outcome[Reply[Payout], PayoutRefusal]


@frozen(kw_only=True)
class PayoutRepeats:
    """Answers requests whose idempotency key was used before."""

    commits: Commits
    resolve: ResolvePayout

    async def reply(
        self, request: Request, scope: Scope, outcome: Outcome[Payout, PayoutRefusal]
    ) -> PayoutAnswered:
        """What the outcome of a first request, or of a repeat of it, is answered with (`replied`)."""

        async def resume(id: str) -> Payout | None:
            return await self.resolve(scope, PayoutId(id), request.actor)

        return await replied(self.commits, request, scope, Payout, outcome, resume=resume)
