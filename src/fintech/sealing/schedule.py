"""From a merchant's key to the key of one purpose, and from that to the key of one message. HKDF (RFC 5869) with SHA-512
throughout, so that every key that is expanded is as long as the hash (RFC 5869, 2.3).

```
merchant's key (32)  --HKDF, salt "fintech/v1"--> purpose's key (64), info "purpose/" and its name
purpose's key  --HKDF-Expand, info: header and salt of the message--> key (32) and commitment (32)
```
"""

import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from fintech.domain.keys.custody import KEY_BYTES
from fintech.domain.keys.purposes import KeyPurpose

PURPOSE_KEY_BYTES: Final = 64
#: Where a purpose's key is in what `purpose_keys` gives back.
OFFSETS: Final = {purpose: place * PURPOSE_KEY_BYTES for place, purpose in enumerate(KeyPurpose)}
#: How long the keys of all purposes are.
VERSION_BYTES: Final = PURPOSE_KEY_BYTES * len(KeyPurpose)

_SALT: Final = b"fintech/v1"
_DERIVED: Final = b"derived/"


def purpose_keys(merchant_key: bytes | bytearray) -> bytearray:
    """The keys of all purposes, one after the other (`OFFSETS`), in memory that can be wiped."""
    if len(merchant_key) != KEY_BYTES:
        message = f"a merchant's key has {KEY_BYTES} bytes"
        raise ValueError(message)
    extracted = hmac.digest(_SALT, merchant_key, "sha512")
    keys = bytearray(
        PURPOSE_KEY_BYTES * len(OFFSETS)
    )  # of its size from the start: one that grows leaves copies behind
    for purpose, at in OFFSETS.items():
        key = hmac.digest(extracted, b"purpose/" + purpose.encode() + b"\x01", "sha512")
        keys[at : at + PURPOSE_KEY_BYTES] = key
    return keys


def expander(purpose_key: bytes | bytearray | memoryview, header: bytes) -> HMAC:
    """HKDF-Expand for messages that begin with a header, ready for `message_keys`: twice as fast as from the key on. It is
    1 kB of OpenSSL's, who overwrites it when it is let go."""
    expanding = HMAC(purpose_key, SHA512())
    expanding.update(header)
    return expanding


def message_keys(expander: HMAC, salt: bytes) -> bytes:
    """A message's key (32 bytes), then the commitment to it (32 bytes)."""
    expanding = expander.copy()
    expanding.update(salt + b"\x01")
    return expanding.finalize()


def derived_key(mac: bytes | bytearray, unwrapped: bytes | bytearray, context: bytes) -> bytearray:
    """A merchant's key for `Derivation.DERIVED`: HKDF of the root's MAC, salted with what was unwrapped, so that it takes
    both, and either one's loss or refusal ends it."""
    if len(mac) != KEY_BYTES or len(unwrapped) != KEY_BYTES:
        message = f"a MAC and what is unwrapped have {KEY_BYTES} bytes each"
        raise ValueError(message)
    extracted = hmac.digest(unwrapped, mac, "sha512")
    return bytearray(hmac.digest(extracted, _DERIVED + context + b"\x01", "sha512")[:KEY_BYTES])


def wipe(secret: bytearray) -> None:
    """Overwrite. What Python copied on the way is beyond reach (docs/operations/threat-model.md)."""
    secret[:] = bytes(len(secret))
