"""Ed25519 (RFC 8032): public keys by name, and who of them signed."""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from fintech.ports.signatures import SignatureChecker

PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
#: How many keys a checker knows, and how long a document of them is, in bytes.
KEYS_MAX: Final = 100
DOCUMENT_MAX: Final = 64 * 1024

_NAME: Final = re.compile(r"[\w.:/@+-]{1,256}", re.ASCII)
_PEM: Final = b"-----BEGIN PUBLIC KEY-----"


class PublicKeyInvalid(ValueError):
    """What was given as a public key is none. The message says by name which."""


class Ed25519Checker(SignatureChecker):
    """Public keys as 32 bytes, or as PEM (SubjectPublicKeyInfo, RFC 8410). Raises `PublicKeyInvalid`."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if len(keys) > KEYS_MAX:
            raise PublicKeyInvalid(f"at most {KEYS_MAX} public keys are known")
        self._keys = {name: _public_key(name, key) for name, key in keys.items()}

    def check(self, key: str, message: bytes, signature: bytes) -> bool:
        known = self._keys.get(key)
        if known is None or len(signature) != SIGNATURE_BYTES:
            return False
        try:
            known.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._keys)


def read_public_keys(document: bytes) -> dict[str, bytes]:
    """Keys by name from a JSON object: each is a PEM text, or its 32 bytes in base64. Raises `PublicKeyInvalid`."""
    if len(document) > DOCUMENT_MAX:
        raise PublicKeyInvalid(f"a document of public keys has at most {DOCUMENT_MAX} bytes")
    try:
        members = json.loads(document, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, PublicKeyInvalid) else "public keys are a JSON object"
        raise PublicKeyInvalid(why) from None
    if not isinstance(members, dict):
        raise PublicKeyInvalid("public keys are a JSON object: a name and a key each")
    return {name: _spelt(name, text) for name, text in members.items()}


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Of two keys of one name, nobody could say which is meant."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise PublicKeyInvalid("a name has one public key")
    return members


def _spelt(name: str, text: object) -> bytes:
    if not isinstance(text, str):
        raise PublicKeyInvalid(f"{name[:64]!r}: is a text")
    if text.lstrip().startswith(_PEM.decode()):
        return text.encode("ascii", "replace")
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        raise PublicKeyInvalid(f"{name[:64]!r}: is PEM, or {PUBLIC_KEY_BYTES} bytes in base64") from None


def _public_key(name: str, key: bytes) -> Ed25519PublicKey:
    if _NAME.fullmatch(name) is None:
        raise PublicKeyInvalid(f"{name[:64]!r}: a name has 1 to 256 letters, digits and . : / @ + - _")
    if len(key) == PUBLIC_KEY_BYTES:
        return Ed25519PublicKey.from_public_bytes(key)
    try:
        loaded = load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, Ed25519PublicKey):
        raise PublicKeyInvalid(f"{name}: is an Ed25519 public key, as PEM or {PUBLIC_KEY_BYTES} bytes")
    return loaded
