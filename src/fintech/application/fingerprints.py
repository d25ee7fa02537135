"""Fingerprints: by which a merchant's cards are told from each other without their numbers."""

from typing import Final

from attrs import frozen

from fintech.application.protection import Protection, index_of
from fintech.domain.cards import fingerprint_of
from fintech.domain.ids import PaymentMethodId
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.ports.key_vault import Lease
from fintech.ports.store import Store

#: As long as the first version of a merchant's keys seals, every fingerprint is of that version.
_FIRST: Final = 1


@frozen(kw_only=True)
class Fingerprints:
    """The same for the same number and merchant, and only then, whatever becomes of the merchant's keys."""

    store: Store
    protection: Protection

    async def __call__(self, lease: Lease, number: str) -> str:
        """The fingerprint of a card's number. After a rotation the index is another one: so a card that is kept already
        goes on having the fingerprint that it has."""
        value = number.encode()
        known = await self.protection.find(lease, CARD_NUMBER, value) if lease.number > _FIRST else ()
        for record in known:
            kept = await self.store.payment_method(lease.scope, PaymentMethodId(record))
            if kept is not None and kept.card.fingerprint is not None:
                return kept.card.fingerprint
        return fingerprint_of(index_of(lease, CARD_NUMBER, value))
