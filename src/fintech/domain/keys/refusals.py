"""Why something sealed cannot be had, in the words that callers are told."""

from enum import StrEnum

from attrs import frozen


class CustodyReason(StrEnum):
    """Each has its answer at every door."""

    REVOKED = "merchant_key_revoked"  #: the bank has suspended or revoked this merchant's keys: not to be tried again
    SUSPENDED = "custody_suspended"  #: a root key of the bank is disabled, for all whose keys hang from it
    UNREACHABLE = (
        "custody_unreachable"  #: whoever keeps the root cannot be asked, and what was lent has run out
    )
    DESTROYED = "merchant_data_destroyed"  #: the keys are shredded, and with them what they sealed
    INTEGRITY = "data_integrity"  #: it is not what was sealed here, or not all of it


@frozen
class CustodyRefused:
    """A sealed value cannot be had, or nothing can be sealed."""

    reason: CustodyReason
