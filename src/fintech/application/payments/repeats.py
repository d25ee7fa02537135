"""Requests that were made before, and the things that a request is about."""

from attrs import frozen

from fintech.application.commits import Commits, NotFound, Reply, Request
from fintech.application.payments.asking import Refusal
from fintech.application.payments.resolving import ResolvePayment
from fintech.domain.changeset import KeyAnswered, KeyInFlight
from fintech.domain.ids import PaymentId
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.payment import Payment
from fintech.domain.scope import Scope
from fintech.ports.store import Store

Answered = Outcome[Reply[Payment], Refusal]


@frozen(kw_only=True)
class Repeats:
    """Answers requests whose idempotency key was used before."""

    commits: Commits
    resolve: ResolvePayment

    async def reply(self, request: Request, scope: Scope, outcome: Outcome[Payment, Refusal]) -> Answered:
        """The reply to a first request, or what it came to when this is a repeat of it.

        A repeat of an abandoned request (its lease is over, nobody answered) is continued from the payment's state.
        """
        if isinstance(outcome, Success):
            return Success(Reply(outcome.unwrap()))
        refused = await self.commits.key_first(scope, request, outcome.failure())
        if isinstance(refused, KeyAnswered):
            snapshot = await self.commits.answered(scope, refused)
            assert isinstance(snapshot, Payment)
            return Success(Reply(snapshot, replayed=True))
        if isinstance(refused, KeyInFlight) and refused.lease_until <= self.commits.clock.now():
            payment = await self.resolve(scope, PaymentId(refused.resource), request.actor)
            if payment is not None:
                return Success(Reply(payment, replayed=True))
        return Failure(refused)


async def load(store: Store, scope: Scope, id: PaymentId) -> Outcome[tuple[Merchant, Payment], NotFound]:
    """A payment and its merchant."""
    merchant = await store.merchant(scope)
    if merchant is None:
        return Failure(NotFound("merchant", scope.merchant))
    payment = await store.payment(scope, id)
    if payment is None:
        return Failure(NotFound("payment", id))
    return Success((merchant, payment))
