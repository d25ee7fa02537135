"""What a merchant's key is used for: each purpose has a key of its own (NIST SP 800-57 part 1, 5.2)."""

from enum import IntEnum, StrEnum
from typing import Final


class KeyPurpose(StrEnum):
    """A purpose has one key, derived from the merchant's, and no key has two purposes."""

    PAN = "pan"  #: card numbers
    PII = "pii"  #: names, e-mail addresses, telephone numbers, bank account numbers
    MAC = "mac"  #: messages of terminals
    WEBHOOK = "webhook"  #: secrets that sign what merchants are told
    FINGERPRINT = "fingerprint"  #: blind indexes: what is equal can be found without being read


class PurposeCode(IntEnum):
    """The purpose as one byte of a sealed message. A number is never used again."""

    PAN = 1
    PII = 2
    MAC = 3
    WEBHOOK = 4
    FINGERPRINT = 5


CODES: Final = {purpose: PurposeCode[purpose.name] for purpose in KeyPurpose}
#: The purposes whose keys seal; the others only digest.
SEALING: Final = frozenset({KeyPurpose.PAN, KeyPurpose.PII, KeyPurpose.WEBHOOK})
