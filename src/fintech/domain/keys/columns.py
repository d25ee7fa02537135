"""What is sealed: every field that has a sealed place, under which purpose, and by what it can be looked for.

What is not here cannot be sealed, and so cannot be kept. There is no column for a card verification code, for track
data or for a PIN: they are not kept after authorisation, not even sealed (PCI DSS 3.3.1).
"""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose


def _itself(value: bytes) -> bytes:
    return value


def _folded(value: bytes) -> bytes:
    """Who looks for an address need not know how its owner spells it."""
    return value.decode().strip().casefold().encode()


@frozen
class Column:
    """A field of the records of a table. ``alike`` is what of a value its blind index is made of; without it, nobody can
    look for one. ``schema`` is the version of what is inside."""

    table: str
    name: str
    purpose: KeyPurpose
    alike: Callable[[bytes], bytes] | None = None
    schema: int = 1

    def at(self, record: str) -> Place:
        """The place of a record's value."""
        return Place(self.table, self.name, record, self.schema)

    def indexed(self, value: bytes) -> bytes:
        """What is alike in values that count as the same. Raises ``ValueError`` where nobody can look for one."""
        if self.alike is None:
            message = f"{self.table}.{self.name} has no index"
            raise ValueError(message)
        return self.alike(value)

    @property
    def index_name(self) -> str:
        """What keeps its indexes apart from those of other columns."""
        return f"{self.table}.{self.name}"


CARD_NUMBER: Final = Column("payment_methods", "number", KeyPurpose.PAN, _itself)
BILLING_NAME: Final = Column("payment_methods", "name", KeyPurpose.PII)
BILLING_EMAIL: Final = Column("payment_methods", "email", KeyPurpose.PII, _folded)
BILLING_PHONE: Final = Column("payment_methods", "phone", KeyPurpose.PII)
BILLING_ADDRESS: Final = Column("payment_methods", "address", KeyPurpose.PII)
#: BSB and number in one, so that the index is of both: the same number at another branch is another account.
ACCOUNT_NUMBER: Final = Column("bank_accounts", "number", KeyPurpose.PII, _itself)
ACCOUNT_HOLDER: Final = Column("bank_accounts", "holder", KeyPurpose.PII)
EVIDENCE: Final = Column("disputes", "evidence", KeyPurpose.PII)
WEBHOOK_SECRET: Final = Column("webhook_endpoints", "secret", KeyPurpose.WEBHOOK)

#: By table and name: for whoever seals anew what is there.
COLUMNS: Final = {
    (column.table, column.name): column
    for column in (
        CARD_NUMBER,
        BILLING_NAME,
        BILLING_EMAIL,
        BILLING_PHONE,
        BILLING_ADDRESS,
        ACCOUNT_NUMBER,
        ACCOUNT_HOLDER,
        EVIDENCE,
        WEBHOOK_SECRET,
    )
}
