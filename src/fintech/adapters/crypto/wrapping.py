"""How a root that wraps by itself does it (`LocalRoot`, `Pkcs11Root`): AES-256-GCM over a merchant's key, with whose key it
is as additional data. KMS has a format of its own.

| bytes | what                                                    |
|-------|---------------------------------------------------------|
| 1     | version of this format, 1                               |
| 12    | nonce, random (NIST SP 800-38D, 8.2.2: 2^32 keys a root) |
| 32    | ciphertext                                              |
| 16    | tag                                                     |
"""

from typing import Final

from fintech.domain.keys.custody import KEY_BYTES
from fintech.ports.key_root import WrapContext

FORMAT: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
BLOB_BYTES: Final = 1 + NONCE_BYTES + KEY_BYTES + TAG_BYTES
#: The longest message that a root MACs, in bytes (AWS KMS, GenerateMac).
MESSAGE_MAX: Final = 4_096


def bound_to(context: WrapContext) -> bytes:
    """What a wrapped key is authenticated with: the format, then name and value of each pair in the order of the names,
    each with its length before it, so that no two contexts are the same bytes."""
    parts = bytearray([FORMAT])
    for name, value in sorted(context.pairs().items()):
        for text in (name, value):
            encoded = text.encode()
            parts += len(encoded).to_bytes(2, "big") + encoded
    return bytes(parts)


def blob_of(nonce: bytes, sealed: bytes) -> bytes:
    """What is kept."""
    return bytes([FORMAT]) + nonce + sealed


def taken_apart(blob: bytes) -> tuple[bytes, bytes] | None:
    """Nonce, and ciphertext with tag; None for what is no wrapped key of this format."""
    if len(blob) != BLOB_BYTES or blob[0] != FORMAT:
        return None
    return blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :]


def require_macable(message: bytes) -> None:
    """Raises ``ValueError`` for a message that is too long for a root."""
    if len(message) > MESSAGE_MAX:
        problem = f"a message of at most {MESSAGE_MAX} bytes is MACed"
        raise ValueError(problem)
