"""Planting honeytokens: a ring of keys with some cards, as a merchant's would look; or cards among a merchant's own."""

from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.keys.honeytokens import Honeytokens
from fintech.application.protection import Protection
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.keys.columns import BILLING_EMAIL, BILLING_NAME, CARD_NUMBER, Column
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.id_source import IdSource

CARDS_MAX: Final = 10
#: What is sealed: a number that every issuer knows for a test, so that nobody is harmed by it.
_BAIT: Final[dict[Column, bytes]] = {
    CARD_NUMBER: b"4242424242424242",
    BILLING_NAME: b"Jo Citizen",
    BILLING_EMAIL: b"jo@shop.example",
}


@frozen(kw_only=True)
class Planted:
    """Where honeytokens are: in whose ring, and the records."""

    scope: Scope
    records: tuple[PaymentMethodId, ...]


PlantRefused: TypeAlias = CustodyRefused


@frozen(kw_only=True)
class PlantHoneytokens:
    """Plant some cards. ``protection`` is on a vault that is not watched, so that planting raises no alarm."""

    protection: Protection
    ids: IdSource
    honeytokens: Honeytokens
    audited: Audited

    async def __call__(
        self, actor: Actor, *, livemode: bool, merchant: MerchantId | None = None, cards: int = 3
    ) -> Outcome[Planted, CustodyRefused]:
        """In a ring of their own, which is made and looks like any other, or among the cards of a merchant. In the audit
        trail it looks as if a card was admitted. Raises `LeaseEnded` where the keys are taken back meanwhile."""
        assert 1 <= cards <= CARDS_MAX, f"1 to {CARDS_MAX} cards"
        scope = Scope(merchant or self.honeytokens.id_like(self.ids, MerchantId), livemode)
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return leased
        records = tuple(self.honeytokens.id_like(self.ids, PaymentMethodId) for _ in range(cards))
        for record in records:
            deed = Deed(actor=actor, action=AuditAction.CARD_ADMITTED, subject=record, scope=scope)
            await self.audited.write(deed, AuditResult.DONE)
            await self.protection.keep(leased.unwrap(), record, _BAIT)
        return Success(Planted(scope=scope, records=records))
