"""Requests that were made before, and the things that a request is about."""

from attrs import frozen

from fintech.application.commits import Commits, NotFound, Reply, Request
from fintech.application.payments.asking import Refusal
from fintech.application.payments.resolving import ResolvePayment
from fintech.application.repeats import replied
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
        """What the outcome of a first request, or of a repeat of it, is answered with (`replied`)."""

        async def resume(id: str) -> Payment | None:
            return await self.resolve(scope, PaymentId(id), request.actor)

        return await replied(self.commits, request, scope, Payment, outcome, resume=resume)


async def load(store: Store, scope: Scope, id: PaymentId) -> Outcome[tuple[Merchant, Payment], NotFound]:
    """A payment and its merchant."""
    merchant = await store.merchant(scope)
    if merchant is None:
        return Failure(NotFound("merchant", scope.merchant))
    payment = await store.payment(scope, id)
    if payment is None:
        return Failure(NotFound("payment", id))
    return Success((merchant, payment))
