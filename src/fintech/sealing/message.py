"""The sealed message, format v1, byte for byte. What is sealed today is opened by every later release.

| bytes  | what                                                                                   |
|--------|----------------------------------------------------------------------------------------|
| 1      | magic, ``0xF5``                                                                        |
| 1      | suite: 1 is AES-256-GCM with a key for each message by HKDF-SHA-512                    |
| 1      | purpose (`PurposeCode`)                                                                |
| 1      | flags, 0                                                                               |
| 4      | number of the version of the merchant's key, big-endian                                |
| 16     | the ring of keys that it is of: a zero byte and the 120 bits of its id                 |
| 32     | salt, random                                                                           |
| 32     | commitment to the message's key                                                        |
| n      | ciphertext, as long as the plaintext                                                   |
| 16     | tag (GCM)                                                                              |
"""

import struct
from enum import StrEnum
from typing import Final

from attrs import frozen

from fintech.domain.ids import ALPHABET
from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.purposes import PurposeCode
from fintech.domain.outcome import Failure, Outcome, Success

MAGIC: Final = 0xF5
SUITE: Final = 1
RING_BYTES: Final = 16
SALT_BYTES: Final = 32
COMMITMENT_BYTES: Final = 32
TAG_BYTES: Final = 16
HEADER_BYTES: Final = 8 + RING_BYTES
OVERHEAD_BYTES: Final = HEADER_BYTES + SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES
PLAINTEXT_MAX: Final = 1 << 20
MESSAGE_MAX: Final = OVERHEAD_BYTES + PLAINTEXT_MAX

#: Where a message has its parts; the body is ciphertext and tag.
HEADER: Final = slice(HEADER_BYTES)
SALT: Final = slice(HEADER_BYTES, HEADER_BYTES + SALT_BYTES)
COMMITMENT: Final = slice(SALT.stop, SALT.stop + COMMITMENT_BYTES)
BODY: Final = slice(COMMITMENT.stop, None)

_HEADER: Final = struct.Struct(">BBBBI16s")
#: The digits of ids as Python has them.
_DIGITS: Final = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PURPOSES: Final = {code.value: code for code in PurposeCode}


class MessageFault(StrEnum):
    """Why bytes are not a sealed message that this release can open."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_SEALED = "not_sealed"  #: it does not begin as a sealed message does
    UNKNOWN_SUITE = "unknown_suite"  #: a later release's, or a forgery; there is no falling back
    UNKNOWN_PURPOSE = "unknown_purpose"
    UNKNOWN_FLAGS = "unknown_flags"


@frozen
class Header:
    """What a message says of itself. Nothing of it is believed yet."""

    purpose: PurposeCode
    number: int
    ring: bytes


def header_of(purpose: PurposeCode, number: int, ring: bytes) -> bytes:
    """How a message begins."""
    return _HEADER.pack(MAGIC, SUITE, purpose, 0, number, ring)


def read_header(message: bytes) -> Outcome[Header, MessageFault]:
    """What a message says of itself, or why it is none."""
    if len(message) < OVERHEAD_BYTES:
        return Failure(MessageFault.TOO_SHORT)
    if len(message) > MESSAGE_MAX:
        return Failure(MessageFault.TOO_LONG)
    magic, suite, code, flags, number, ring = _HEADER.unpack_from(message)
    if magic != MAGIC:
        return Failure(MessageFault.NOT_SEALED)
    if suite != SUITE:
        return Failure(MessageFault.UNKNOWN_SUITE)
    purpose = _PURPOSES.get(code)
    if purpose is None:
        return Failure(MessageFault.UNKNOWN_PURPOSE)
    if flags:
        return Failure(MessageFault.UNKNOWN_FLAGS)
    return Success(Header(purpose, number, ring))


def ring_bytes(ring: KeyRingId) -> bytes:
    """A ring's id as 16 bytes."""
    return int(ring.body.translate(_DIGITS), 32).to_bytes(RING_BYTES, "big")
