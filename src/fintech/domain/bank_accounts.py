"""Bank accounts: where a merchant is paid to."""

from datetime import datetime

from attrs import field, frozen

from fintech.domain.ids import BankAccountId
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency


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
