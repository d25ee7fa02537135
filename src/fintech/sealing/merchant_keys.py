"""A merchant's keys in this process's memory: what seals, opens and indexes. It knows nothing of leases."""

import hmac
import os
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.places import Place, owner_of
from fintech.domain.keys.purposes import CODES, SEALING, KeyPurpose
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.sealing.message import (
    BODY,
    COMMITMENT,
    HEADER,
    MESSAGE_MAX,
    OVERHEAD_BYTES,
    PLAINTEXT_MAX,
    SALT,
    SALT_BYTES,
    Header,
    MessageFault,
    header_of,
    read_header,
    ring_bytes,
)
from fintech.sealing.schedule import (
    OFFSETS,
    PURPOSE_KEY_BYTES,
    VERSION_BYTES,
    expander,
    message_keys,
    purpose_keys,
    wipe,
)

#: How many keys a process has ready for use, of all merchants together: about 1.4 kB each. What is above it is made ready
#: again when it is next used, which takes as long as one message.
READY_MAX: Final = 4_096

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


class ReadyKey(NamedTuple):
    """The key of one purpose and version, ready for use, and how the messages begin that are sealed with it."""

    purpose: KeyPurpose
    header: bytes
    expander: HMAC


#: By how the messages begin; and by the purpose, the one that seals.
Ready: TypeAlias = dict[bytes | KeyPurpose, ReadyKey]

#: Where keys are ready, the longest so first.
_READY: Final[deque[Ready]] = deque()


class MerchantKeys:
    """The purposes' keys of some versions of one ring; ``active`` is the one that seals. `wipe` ends it."""

    __slots__ = ("_active", "_keys", "_numbers", "_owner", "_ready", "_ring")

    def __init__(
        self, scope: Scope, ring: KeyRingId, keys: Mapping[int, bytes | bytearray], active: int
    ) -> None:
        self._owner = owner_of(scope)
        self._ring = ring_bytes(ring)
        self._active = active
        self._numbers = tuple(sorted(keys, reverse=True))
        self._keys = bytearray(
            VERSION_BYTES * len(keys)
        )  # one piece, for there are tens of thousands of them
        for place, number in enumerate(self._numbers):
            purposes = purpose_keys(keys[number])
            self._keys[place * VERSION_BYTES : (place + 1) * VERSION_BYTES] = purposes
            wipe(purposes)
        self._ready: Ready = {}

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
        return self._sealed(purpose, place, plaintext, os.urandom(SALT_BYTES))

    def _sealed(self, purpose: KeyPurpose, place: Place, plaintext: bytes, salt: bytes) -> bytes:
        """With the salt given, so that vectors can be told. A salt is used once."""
        if len(plaintext) > PLAINTEXT_MAX:
            message = f"at most {PLAINTEXT_MAX} bytes are sealed at once"
            raise ValueError(message)
        ready = self._ready.get(purpose) or self._made_ready(purpose, self._active)
        keys = message_keys(ready.expander, salt)
        bound = ready.header + place.bound_to(self._owner)
        body = AESGCM(keys[:_KEY_END]).encrypt(_NONCE, plaintext, bound)
        return b"".join((ready.header, salt, keys[_KEY_END:], body))

    def open(
        self, purpose: KeyPurpose, place: Place, message: bytes
    ) -> Outcome[bytes, MessageFault | OpenFault]:
        """What was sealed here for this purpose. Raises ``ValueError`` for a purpose that does not seal."""
        ready = self._ready.get(message[HEADER])
        if ready is None or ready.purpose is not purpose or not OVERHEAD_BYTES <= len(message) <= MESSAGE_MAX:
            read = self._read(purpose, message)
            if isinstance(read, Failure):
                return read
            ready = self._made_ready(purpose, read.unwrap().number)
        keys = message_keys(ready.expander, message[SALT])
        if not hmac.compare_digest(keys[_KEY_END:], message[COMMITMENT]):
            return Failure(OpenFault.OTHER_KEY)
        bound = ready.header + place.bound_to(self._owner)
        try:
            return Success(AESGCM(keys[:_KEY_END]).decrypt(_NONCE, message[BODY], bound))
        except InvalidTag:
            return Failure(OpenFault.CHANGED)

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        """A blind index: HMAC-SHA-256 of a column's value (PCI DSS 3.5.1.1: keyed, over the whole of it)."""
        name = column.encode()
        key = self._key(self._active if number is None else number, KeyPurpose.FINGERPRINT)
        return hmac.digest(key, len(name).to_bytes(2, "big") + name + value, "sha256")

    def digest(self, purpose: KeyPurpose, data: bytes, number: int) -> bytes:
        """HMAC-SHA-256 under a purpose that digests. Raises ``ValueError`` for any other: its key has its own use."""
        if purpose is not KeyPurpose.MAC:
            message = f"keys of the purpose {purpose} do not digest"
            raise ValueError(message)
        return hmac.digest(self._key(number, purpose), data, "sha256")

    def wipe(self) -> None:
        """Overwrite the keys; it can do nothing any more."""
        wipe(self._keys)
        self._numbers = ()
        self._ready.clear()

    def _read(self, purpose: KeyPurpose, message: bytes) -> Outcome[Header, MessageFault | OpenFault]:
        """The header of a message that may have been sealed with these keys."""
        read = read_header(message)
        if isinstance(read, Failure):
            return read
        header = read.unwrap()
        if header.ring != self._ring:
            return Failure(OpenFault.OTHER_RING)
        if header.purpose is not CODES[purpose]:
            return Failure(OpenFault.OTHER_PURPOSE)
        if header.number not in self._numbers:
            return Failure(OpenFault.NO_SUCH_VERSION)
        return Success(header)

    def _made_ready(self, purpose: KeyPurpose, number: int) -> ReadyKey:
        if purpose not in SEALING:
            message = f"keys of the purpose {purpose} do not seal"
            raise ValueError(message)
        header = header_of(CODES[purpose], number, self._ring)
        ready = ReadyKey(purpose, header, expander(self._key(number, purpose), header))
        self._ready[header] = ready
        if number == self._active:
            self._ready[purpose] = ready
        _READY.append(self._ready)
        if len(_READY) > READY_MAX:
            _READY.popleft().clear()
        return ready

    def _key(self, number: int, purpose: KeyPurpose) -> memoryview:
        if number not in self._numbers:
            message = f"there is no version {number} of the keys, or not any more"
            raise ValueError(message)
        offset = self._numbers.index(number) * VERSION_BYTES + OFFSETS[purpose]
        return memoryview(self._keys)[offset : offset + PURPOSE_KEY_BYTES]
