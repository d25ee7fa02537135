"""Requests about refunds that were made before."""

from attrs import frozen

from fintech.application.commits import Commits, Reply, Request
from fintech.application.refunds.asking import RefundRefusal
from fintech.application.refunds.resolving import ResolveRefund
from fintech.application.repeats import replied
from fintech.domain.ids import RefundId
from fintech.domain.outcome import Outcome
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Scope

RefundAnswered = Outcome[Reply[Refund], RefundRefusal]


@frozen(kw_only=True)
class RefundRepeats:
    """Answers requests whose idempotency key was used before."""

    commits: Commits
    resolve: ResolveRefund

    async def reply(
        self, request: Request, scope: Scope, outcome: Outcome[Refund, RefundRefusal]
    ) -> RefundAnswered:
        """What the outcome of a first request, or of a repeat of it, is answered with (`replied`)."""

        async def resume(id: str) -> Refund | None:
            return await self.resolve(scope, RefundId(id), request.actor)

        return await replied(self.commits, request, scope, Refund, outcome, resume=resume)
