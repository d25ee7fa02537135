"""Keys of the simulated KMS, what they are made of and what they do."""

import hmac
import json
import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from attrs import define, field
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fintech.adapters.simulator.kms.grants import GrantBook
from fintech.adapters.simulator.kms.refusals import KmsRefused, invalid

MATERIAL_BYTES: Final = 32
_VERSION: Final = b"\x01"
_HEAD_BYTES: Final = 17
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


class KeyState(StrEnum):
    """Of the states that KMS knows, those of a key of its own making."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"


class Usage(StrEnum):
    """What a key is for."""

    ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
    GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
    SIGN_VERIFY = "SIGN_VERIFY"


#: The kinds of keys that there are here, and what each is for.
SPECS: Final = {
    "SYMMETRIC_DEFAULT": Usage.ENCRYPT_DECRYPT,
    "HMAC_256": Usage.GENERATE_VERIFY_MAC,
    "ECC_NIST_EDWARDS25519": Usage.SIGN_VERIFY,
    "ECC_NIST_P256": Usage.SIGN_VERIFY,
}
ALGORITHMS: Final = {
    "SYMMETRIC_DEFAULT": "SYMMETRIC_DEFAULT",
    "HMAC_256": "HMAC_SHA_256",
    "ECC_NIST_EDWARDS25519": "ED25519_SHA_512",
    "ECC_NIST_P256": "ECDSA_SHA_256",
}


@define(kw_only=True)
class KmsKey:
    """One key. ``deletion_at`` (seconds since 1970) is when it is gone for good."""

    id: str
    arn: str
    spec: str
    created_at: float
    material: bytes = field(repr=False)
    description: str = ""
    state: KeyState = KeyState.ENABLED
    deletion_at: float | None = None
    grants: GrantBook = field(factory=GrantBook, repr=False)

    @property
    def usage(self) -> Usage:
        """What it is for."""
        return SPECS[self.spec]

    def require(self, usage: Usage) -> None:
        """Raise unless it can do that, and can do it now."""
        if self.usage is not usage:
            raise KmsRefused("InvalidKeyUsageException", f"{self.arn} is for {self.usage}")
        self.require_enabled()

    def require_enabled(self) -> None:
        """Raise unless it can do anything now."""
        if self.state is KeyState.DISABLED:
            raise KmsRefused("DisabledException", f"{self.arn} is disabled.")
        if self.state is not KeyState.ENABLED:
            raise KmsRefused("KMSInvalidStateException", f"{self.arn} is pending deletion.")

    def encrypt(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        """A blob: version, the key's id, nonce, ciphertext and tag, bound to the context."""
        head, nonce = _VERSION + UUID(self.id).bytes, os.urandom(_NONCE_BYTES)
        return head + nonce + AESGCM(self.material).encrypt(nonce, plaintext, head + _spelt(context))

    def decrypt(self, blob: bytes, context: Mapping[str, str]) -> bytes:
        """What a blob of this key's was made of."""
        if key_id_in(blob) != self.id:
            raise KmsRefused("IncorrectKeyException", "The key ID in the request does not identify a CMK")
        head, nonce = blob[:_HEAD_BYTES], blob[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        try:
            body = blob[_HEAD_BYTES + _NONCE_BYTES :]
            return AESGCM(self.material).decrypt(nonce, body, head + _spelt(context))
        except InvalidTag:
            raise KmsRefused("InvalidCiphertextException") from None

    def mac(self, message: bytes) -> bytes:
        """HMAC-SHA-256."""
        return hmac.digest(self.material, message, "sha256")

    def sign(self, message: bytes, *, digest: bool) -> bytes:
        """A signature over a message, or over its SHA-256 digest where the algorithm knows such."""
        if self.spec == "ECC_NIST_EDWARDS25519":
            if digest:
                raise invalid("MessageType", "is RAW for ED25519_SHA_512")
            return Ed25519PrivateKey.from_private_bytes(self.material).sign(message)
        return self._elliptic().sign(message, _ecdsa(digest=digest))

    def verify(self, message: bytes, signature: bytes, *, digest: bool) -> bool:
        """Whether the signature is over the message."""
        try:
            if self.spec == "ECC_NIST_EDWARDS25519":
                public = Ed25519PrivateKey.from_private_bytes(self.material).public_key()
                public.verify(signature, message)
            else:
                self._elliptic().public_key().verify(signature, message, _ecdsa(digest=digest))
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> bytes:
        """As DER (SubjectPublicKeyInfo, RFC 5280)."""
        if self.spec == "ECC_NIST_EDWARDS25519":
            edwards = Ed25519PrivateKey.from_private_bytes(self.material).public_key()
            return edwards.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        return (
            self._elliptic()
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )

    def _elliptic(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.material, "big"), ec.SECP256R1())


def new_key(spec: str, arn_head: str, description: str, now: float) -> KmsKey:
    """A key of random material."""
    id = str(uuid4())
    material = os.urandom(MATERIAL_BYTES)
    if spec == "ECC_NIST_P256":
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        material = number.to_bytes(MATERIAL_BYTES, "big")
    return KmsKey(
        id=id, arn=arn_head + id, spec=spec, created_at=now, material=material, description=description
    )


def key_id_in(blob: bytes) -> str:
    """Whose key's a blob is."""
    if len(blob) < _HEAD_BYTES + _NONCE_BYTES + _TAG_BYTES or blob[:1] != _VERSION:
        raise KmsRefused("InvalidCiphertextException")
    return str(UUID(bytes=blob[1:_HEAD_BYTES]))


def _spelt(context: Mapping[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True, separators=(",", ":")).encode()


def _ecdsa(*, digest: bool) -> ec.ECDSA:
    return ec.ECDSA(Prehashed(hashes.SHA256()) if digest else hashes.SHA256())
