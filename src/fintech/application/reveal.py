"""Revealing a card's number to somebody who has a reason: written down before it is shown, or not shown."""

from typing import TypeAlias

from attrs import field, frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import NotFound
from fintech.application.protection import Protection
from fintech.domain.audit import AuditAction
from fintech.domain.business_days import sydney_day
from fintech.domain.ids import PaymentMethodId
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.scope import Actor, Scope
from fintech.ports.store import Store


@frozen
class NumberNotKept:
    """The card has expired, so long ago that its number was removed (PCI DSS 3.2.1)."""

    id: PaymentMethodId
    exp_month: int
    exp_year: int


RevealRefusal: TypeAlias = NotFound | NumberNotKept | CustodyRefused


@frozen
class Revealed:
    """A payment method and its card's number."""

    method: PaymentMethod
    number: str = field(repr=False)


@frozen(kw_only=True)
class RevealCard:
    """Show the number of a card that is kept. No key of a merchant's may; whoever opens the core answers for it."""

    store: Store
    protection: Protection
    audited: Audited
    policy: KeyPolicy

    async def __call__(
        self, actor: Actor, scope: Scope, id: PaymentMethodId
    ) -> Outcome[Revealed, RevealRefusal]:
        """The number; ``actor.why`` is the reason. Raises `AuditUnavailable` where nothing can be written down: then
        nothing was opened. A refusal is written down too."""
        details = {"why": actor.why} if actor.why else {}
        deed = Deed(actor=actor, action=AuditAction.REVEALED, subject=id, scope=scope, details=dict(details))
        async with self.audited.deed(deed) as ending:
            revealed = await self._revealed(scope, id)
            ending.came_to(revealed)
        return revealed

    async def _revealed(self, scope: Scope, id: PaymentMethodId) -> Outcome[Revealed, RevealRefusal]:
        method, place = await self.store.payment_method(scope, id), CARD_NUMBER.at(id)
        sealed = await self.protection.sealed(scope, (place,))
        if method is None or CARD_NUMBER.name not in method.sealed:
            if sealed:
                # The books know nothing of it: what is planted is heard when it is opened, and shown to nobody.
                await self.protection.read_one(scope, place)
            return Failure(NotFound("payment_method", id))
        if not sealed and not self.policy.keeps_number(method.card, sydney_day(self.audited.clock.now())):
            return Failure(NumberNotKept(id, method.card.exp_month, method.card.exp_year))
        opened = await self.protection.read_one(scope, place)
        if isinstance(opened, Failure):
            return opened
        return Success(Revealed(method, opened.unwrap().decode()))
