"""Fingerprints: by which a merchant's cards, and its bank accounts, are told from each other without their numbers."""

from typing import Final

from attrs import frozen

from fintech.application.protection import Protection, index_of
from fintech.domain.cards import fingerprint_of
from fintech.domain.ids import BankAccountId, PaymentMethodId
from fintech.domain.keys.columns import ACCOUNT_NUMBER, CARD_NUMBER, Column
from fintech.ports.key_vault import Lease
from fintech.ports.store import Store

#: As long as the first version of a merchant's keys seals, every fingerprint is of that version.
_FIRST: Final = 1


@frozen(kw_only=True)
class Fingerprints:
    """The same for the same number and merchant, and only then, whatever becomes of the merchant's keys: after a rotation
    the index is another one, so a number that is kept already goes on having the fingerprint that it has."""

    store: Store
    protection: Protection

    async def of_card(self, lease: Lease, number: str, index: bytes | None = None) -> str:
        """The fingerprint of a card's number, whose index may be known."""
        for record in await self._known(lease, CARD_NUMBER, number.encode()):
            kept = await self.store.payment_method(lease.scope, PaymentMethodId(record))
            if kept is not None and kept.card.fingerprint is not None:
                return kept.card.fingerprint
        return fingerprint_of(index or index_of(lease, CARD_NUMBER, number.encode()))

    async def of_account(self, lease: Lease, sealed: bytes) -> str:
        """The fingerprint of what is sealed of a bank account's number."""
        for record in await self._known(lease, ACCOUNT_NUMBER, sealed):
            kept = await self.store.bank_account(lease.scope, BankAccountId(record))
            if kept is not None:
                return kept.fingerprint
        return fingerprint_of(index_of(lease, ACCOUNT_NUMBER, sealed))

    async def _known(self, lease: Lease, column: Column, value: bytes) -> tuple[str, ...]:
        if lease.number == _FIRST:
            return ()
        return tuple(await self.protection.find(lease, column, value))
