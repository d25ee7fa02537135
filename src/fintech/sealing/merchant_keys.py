"""A merchant's keys in this process's memory: what seals, opens and indexes. It knows nothing of leases."""

import hmac
import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import CODES, SEALING, KeyPurpose
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.sealing.message import (
    PLAINTEXT_MAX,
    SALT_BYTES,
    MessageFault,
    header_of,
    ring_bytes,
    take_apart,
)
from fintech.sealing.schedule import (
    OFFSETS,
    PURPOSE_KEY_BYTES,
    VERSION_BYTES,
    message_keys,
    purpose_keys,
    wipe,
)

#: Every message has a key of its own, so its nonce may be the same (NIST SP 800-38D, 8.2.1: never twice under one key).
_NONCE: Final = bytes(12)
_KEY_END: Final = 32


class OpenFault(StrEnum):
    """Why a message that is one was not opened. Not told to callers: they hear that it is not what was sealed here."""

    OTHER_RING = "other_ring"  #: another merchant's, or the other mode's
    OTHER_PURPOSE = "other_purpose"
    NO_SUCH_VERSION = "no_such_version"  #: retired, or never there
    OTHER_KEY = "other_key"  #: the commitment is to another key
    CHANGED = "changed"  #: other bytes, or sealed for another place


class MerchantKeys:
    """The purposes' keys of some versions of one ring; ``active`` is the one that seals. `wipe` ends it."""

    __slots__ = ("_active", "_keys", "_numbers", "_ring", "_scope")

    def __init__(
        self, scope: Scope, ring: KeyRingId, keys: Mapping[int, bytes | bytearray], active: int
    ) -> None:
        self._scope = scope
        self._ring = ring_bytes(ring)
        self._active = active
        self._numbers = tuple(sorted(keys, reverse=True))
        self._keys = bytearray(
            VERSION_BYTES * len(keys)
        )  # one piece: fifty thousand merchants' are in memory
        for place, number in enumerate(self._numbers):
            purposes = purpose_keys(keys[number])
            self._keys[place * VERSION_BYTES : (place + 1) * VERSION_BYTES] = purposes
            wipe(purposes)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The versions, newest first."""
        return self._numbers

    @property
    def active(self) -> int:
        """The version that seals."""
        return self._active

    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        """A sealed message. Raises ``ValueError`` for a purpose that does not seal, or more than 1 MiB."""
        if purpose not in SEALING:
            message = f"keys of the purpose {purpose} do not seal"
            raise ValueError(message)
        if len(plaintext) > PLAINTEXT_MAX:
            message = f"at most {PLAINTEXT_MAX} bytes are sealed at once"
            raise ValueError(message)
        header = header_of(CODES[purpose], self._active, self._ring)
        salt = os.urandom(SALT_BYTES)
        keys = message_keys(self._key(self._active, purpose), header, salt)
        body = AESGCM(keys[:_KEY_END]).encrypt(_NONCE, plaintext, header + place.bound_to(self._scope))
        return b"".join((header, salt, keys[_KEY_END:], body))

    def open(
        self, purpose: KeyPurpose, place: Place, message: bytes
    ) -> Outcome[bytes, MessageFault | OpenFault]:
        """What was sealed here for this purpose."""
        taken = take_apart(message)
        if isinstance(taken, Failure):
            return taken
        parts = taken.unwrap()
        if parts.ring != self._ring:
            return Failure(OpenFault.OTHER_RING)
        if parts.purpose is not CODES[purpose]:
            return Failure(OpenFault.OTHER_PURPOSE)
        if parts.number not in self._numbers:
            return Failure(OpenFault.NO_SUCH_VERSION)
        keys = message_keys(self._key(parts.number, purpose), parts.header, parts.salt)
        if not hmac.compare_digest(keys[_KEY_END:], parts.commitment):
            return Failure(OpenFault.OTHER_KEY)
        try:
            bound = parts.header + place.bound_to(self._scope)
            return Success(AESGCM(keys[:_KEY_END]).decrypt(_NONCE, parts.body, bound))
        except InvalidTag:
            return Failure(OpenFault.CHANGED)

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        """A blind index: HMAC-SHA-256 of a column's value (PCI DSS 3.5.1.1: keyed, over the whole of it)."""
        name = column.encode()
        key = self._key(self._active if number is None else number, KeyPurpose.FINGERPRINT)
        return hmac.digest(key, len(name).to_bytes(2, "big") + name + value, "sha256")

    def digest(self, purpose: KeyPurpose, data: bytes, number: int) -> bytes:
        """HMAC-SHA-256 under a purpose that digests."""
        return hmac.digest(self._key(number, purpose), data, "sha256")

    def wipe(self) -> None:
        """Overwrite the keys; it can do nothing any more."""
        wipe(self._keys)
        self._numbers = ()

    def _key(self, number: int, purpose: KeyPurpose) -> memoryview:
        if number not in self._numbers:
            message = f"there is no version {number} of the keys, or not any more"
            raise ValueError(message)
        offset = self._numbers.index(number) * VERSION_BYTES + OFFSETS[purpose]
        return memoryview(self._keys)[offset : offset + PURPOSE_KEY_BYTES]
