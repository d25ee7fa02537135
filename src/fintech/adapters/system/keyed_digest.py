"""Keyed digests with a key in this process's memory."""

import hashlib
import hmac
import secrets
from typing import Final

from fintech.ports.keyed_digest import KeyedDigest, Purpose

KEY_BYTES_MIN: Final = 32
#: How many digests are remembered of what is presented again and again; beyond that all are forgotten.
REMEMBERED_MAX: Final = 10_000


class HmacDigest(KeyedDigest):
    """HMAC-SHA-256 (RFC 2104), one derived key for each purpose. Raises ``ValueError`` for a key under 32 bytes.

    An API key comes with every request, and OpenSSL's one-shot HMAC costs a busy server 12 us of each (measured;
    1.4 us in an empty loop). So digests of API keys are remembered, not under the keys themselves but under what a key
    of this process's own (BLAKE2b, RFC 7693) makes of them.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES_MIN:
            message = f"the digest key has at least {KEY_BYTES_MIN} bytes"
            raise ValueError(message)
        self._keys = {purpose: hmac.digest(key, purpose.encode(), "sha256") for purpose in Purpose}
        self._own_key = secrets.token_bytes(32)
        self._remembered: dict[bytes, bytes] = {}

    def digest(self, purpose: Purpose, data: bytes) -> bytes:
        if purpose is not Purpose.API_KEY:
            return hmac.digest(self._keys[purpose], data, "sha256")
        name = hashlib.blake2b(data, key=self._own_key, digest_size=32).digest()
        digest = self._remembered.get(name)
        if digest is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            digest = self._remembered[name] = hmac.digest(self._keys[purpose], data, "sha256")
        return digest
