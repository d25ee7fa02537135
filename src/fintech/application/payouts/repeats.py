"""Requests about payouts that were made before."""

from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Reply, Request
from fintech.application.payouts.asking import PayoutRefusal
from fintech.application.payouts.resolving import ResolvePayout
from fintech.domain.changeset import KeyAnswered, KeyInFlight
from fintech.domain.ids import PayoutId
from fintech.domain.outcome import Failure, Outcome, Success
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
        """The reply to a first request, or what it came to when this is a repeat of it.

        A repeat of an abandoned request (its lease is over, nobody answered) is continued from the payout's state.
        """
        if isinstance(outcome, Success):
            return Success(Reply(outcome.unwrap()))
        refused = await self.commits.key_first(scope, request, outcome.failure())
        if isinstance(refused, KeyAnswered):
            snapshot = await self.commits.answered(scope, refused)
            assert isinstance(snapshot, Payout)
            return Success(Reply(snapshot, replayed=True))
        if isinstance(refused, KeyInFlight) and refused.lease_until <= self.commits.clock.now():
            payout = await self.resolve(scope, PayoutId(refused.resource), request.actor)
            if payout is not None:
                return Success(Reply(payout, replayed=True))
        return Failure(refused)
