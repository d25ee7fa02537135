"""Requests about refunds that were made before."""

from attrs import frozen

from fintech.application.commits import Commits, Reply, Request
from fintech.application.refunds.asking import RefundRefusal
from fintech.application.refunds.resolving import ResolveRefund
from fintech.domain.changeset import KeyAnswered, KeyInFlight
from fintech.domain.ids import RefundId
from fintech.domain.outcome import Failure, Outcome, Success
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
        """The reply to a first request, or what it came to when this is a repeat of it.

        A repeat of an abandoned request (its lease is over, nobody answered) is continued from the refund's state.
        """
        if isinstance(outcome, Success):
            return Success(Reply(outcome.unwrap()))
        refused = await self.commits.key_first(scope, request, outcome.failure())
        if isinstance(refused, KeyAnswered):
            snapshot = await self.commits.answered(scope, refused)
            assert isinstance(snapshot, Refund)
            return Success(Reply(snapshot, replayed=True))
        if isinstance(refused, KeyInFlight) and refused.lease_until <= self.commits.clock.now():
            refund = await self.resolve(scope, RefundId(refused.resource), request.actor)
            if refund is not None:
                return Success(Reply(refund, replayed=True))
        return Failure(refused)
