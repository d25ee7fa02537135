"""Keyed digests with a key in this process's memory."""

import hmac

from fintech.ports.keyed_digest import KeyedDigest, Purpose

KEY_BYTES_MIN = 32


class HmacDigest(KeyedDigest):
    """HMAC-SHA-256 (RFC 2104), one derived key for each purpose. Raises ``ValueError`` for a key under 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES_MIN:
            message = f"the digest key has at least {KEY_BYTES_MIN} bytes"
            raise ValueError(message)
        self._keys = {purpose: hmac.digest(key, purpose.encode(), "sha256") for purpose in Purpose}

    def digest(self, purpose: Purpose, data: bytes) -> bytes:
        return hmac.digest(self._keys[purpose], data, "sha256")
