"""Bank accounts: where a merchant is paid to."""

import re
from datetime import datetime
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success

#: How many accounts a merchant may have at once.
BANK_ACCOUNTS_MAX: Final = 20
HOLDER_MAX: Final = 140

_BSB: Final = re.compile("[0-9]{3}-?[0-9]{3}")
_NUMBER: Final = re.compile("[0-9]{1,9}")


@frozen(kw_only=True, slots=False)
class BankAccount:
    """An Australian bank account. ``bsb`` is six digits (bank, state, branch), ``number`` up to nine.

    Holder and number are personal data: no log, repr or list shows them, only ``last4``.
    """

    id: BankAccountId
    version: int
    holder: str = field(repr=False)
    bsb: str
    number: str = field(repr=False)
    currency: Currency
    created_at: datetime
    removed_at: datetime | None = None
    metadata: Metadata = field(default=())

    def updated(self, metadata: Metadata | None) -> "Outcome[BankAccount, TooManyKeys]":
        """What the merchant has hung on it, changed as `merged` says."""
        merging = merged(self.metadata, metadata)
        if isinstance(merging, Failure):
            return merging
        return Success(evolve(self, metadata=merging.unwrap()))

    @property
    def last4(self) -> str:
        """What may be shown of the number."""
        return self.number[-4:]


@frozen
class BankAccountFault:
    """What is wrong with the details of a bank account. ``field`` is the one that is wrong, ``rule`` what it has to be."""

    field: str
    rule: str


@frozen
class DefaultAccount:
    """It is the account that the merchant is paid to: make another one the default first."""


def new_bank_account(
    *,
    id: BankAccountId,
    holder: str,
    bsb: str,
    number: str,
    currency: Currency,
    at: datetime,
    metadata: Metadata = (),
) -> Outcome[BankAccount, BankAccountFault]:
    """An account of well-formed details: a BSB is six digits, also written ``062-000``, an account number one to nine
    (Australian Payments Network, BECS procedures). Whether there is such an account, only its bank can say."""
    if not (0 < len(holder.strip()) <= HOLDER_MAX and holder.isprintable()):
        return Failure(BankAccountFault("holder", f"is a name of 1 to {HOLDER_MAX} printable characters"))
    if not _BSB.fullmatch(bsb):
        return Failure(BankAccountFault("bsb", "is six digits, as in 062000 or 062-000"))
    if not _NUMBER.fullmatch(number):
        return Failure(BankAccountFault("number", "is one to nine digits"))
    return Success(
        BankAccount(
            id=id,
            version=0,
            holder=holder.strip(),
            bsb=bsb.replace("-", ""),
            number=number,
            currency=currency,
            created_at=at,
            metadata=metadata,
        )
    )
