"""Refunds at a terminal: of a purchase that it names by the reference on its receipt."""

from attrs import frozen

from fintech.application.commits import NotFound, Request
from fintech.application.refunds.repeats import RefundAnswered
from fintech.application.refunds.requests import CreateRefund
from fintech.application.terminals.sales import patiently
from fintech.domain.ids import PaymentId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.ports.store import Store


@frozen(kw_only=True)
class RefundPurchase:
    """Give some or all of a terminal's purchase back."""

    store: Store
    create_refund: CreateRefund

    async def __call__(
        self, request: Request, scope: Scope, purchase_key: str, amount_minor: int
    ) -> RefundAnswered:
        """``purchase_key`` is the key under which the purchase was made. Refused as `CreateRefund` refuses, and as
        `NotFound` where no purchase has that key."""
        claim = await self.store.claim(scope, purchase_key)
        payment = PaymentId.parse(claim.claim.resource) if claim else None
        if payment is None:
            return Failure(NotFound("purchase", purchase_key))
        id = payment

        async def ask() -> RefundAnswered:
            return await self.create_refund(request, scope, id, amount_minor=amount_minor)

        return await patiently(ask)
