"""Bank accounts: where a merchant is paid to."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId
from fintech.domain.keys.columns import ACCOUNT_HOLDER, ACCOUNT_NUMBER, Column
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success

#: How many accounts a merchant may have at once.
BANK_ACCOUNTS_MAX: Final = 20
HOLDER_MAX: Final = 140
BSB_DIGITS: Final = 6

_BSB: Final = re.compile("[0-9]{3}-?[0-9]{3}")
_NUMBER: Final = re.compile("[0-9]{1,9}")


@frozen(kw_only=True)
class AccountDetails:
    """Whose account it is, and its BSB (bank, state, branch: six digits) and number (up to nine). They are kept sealed: no
    table, log, repr or event has them."""

    holder: str = field(repr=False)
    bsb: str = field(repr=False)
    number: str = field(repr=False)

    def sealable(self) -> Mapping[Column, bytes]:
        """What is sealed, by its column."""
        return {ACCOUNT_HOLDER: self.holder.encode(), ACCOUNT_NUMBER: f"{self.bsb}{self.number}".encode()}

    @property
    def last4(self) -> str:
        """What may be shown of the number: its last four digits, and of a short one not more than half."""
        shown = min(4, len(self.number) // 2)
        return self.number[len(self.number) - shown :]


@frozen(kw_only=True, slots=False)
class BankAccount:
    """An Australian bank account, without what is sealed under its id.

    ``fingerprint`` is the merchant's blind index of BSB and number: accounts that are the same have the same one.
    """

    id: BankAccountId
    version: int
    bsb: str
    last4: str
    fingerprint: str
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


@frozen
class BankAccountFault:
    """What is wrong with the details of a bank account. ``field`` is the one that is wrong, ``rule`` what it has to be."""

    field: str
    rule: str


@frozen
class DefaultAccount:
    """It is the account that the merchant is paid to: make another one the default first."""


def account_details(*, holder: str, bsb: str, number: str) -> Outcome[AccountDetails, BankAccountFault]:
    """Well-formed details: a BSB is six digits, also written ``062-000``, an account number one to nine (Australian
    Payments Network, BECS procedures). Whether there is such an account, only its bank can say."""
    if not (0 < len(holder.strip()) <= HOLDER_MAX and holder.isprintable()):
        return Failure(BankAccountFault("holder", f"is a name of 1 to {HOLDER_MAX} printable characters"))
    if not _BSB.fullmatch(bsb):
        return Failure(BankAccountFault("bsb", "is six digits, as in 062000 or 062-000"))
    if not _NUMBER.fullmatch(number):
        return Failure(BankAccountFault("number", "is one to nine digits"))
    return Success(AccountDetails(holder=holder.strip(), bsb=bsb.replace("-", ""), number=number))


def details_of(holder: bytes, number: bytes) -> AccountDetails:
    """The details that were sealed."""
    digits = number.decode()
    return AccountDetails(holder=holder.decode(), bsb=digits[:BSB_DIGITS], number=digits[BSB_DIGITS:])


def new_bank_account(
    *,
    id: BankAccountId,
    details: AccountDetails,
    fingerprint: str,
    currency: Currency,
    at: datetime,
    metadata: Metadata = (),
) -> BankAccount:
    """What is kept of an account in the books."""
    return BankAccount(
        id=id,
        version=0,
        bsb=details.bsb,
        last4=details.last4,
        fingerprint=fingerprint,
        currency=currency,
        created_at=at,
        metadata=metadata,
    )
