"""Ed25519 keeps the promise of `SignatureChecker`, whichever way its keys are spelt."""

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fintech.adapters.crypto.signatures import Ed25519Checker, PublicKeyInvalid, read_public_keys
from fintech.ports.contracts.signatures import Sign, SignatureCheckerContract

SIGNERS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    for number, name in enumerate(("alice", "bob", "mallory"), start=1)
}
RAW = {name: key.public_key().public_bytes_raw() for name, key in SIGNERS.items()}
PEM = {
    name: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, key in SIGNERS.items()
}


@pytest.fixture(params=["raw", "pem", "a document"])
def checker(request: pytest.FixtureRequest) -> Ed25519Checker:
    if request.param == "a document":
        texts = {"alice": PEM["alice"].decode(), "bob": b64encode(RAW["bob"]).decode()}
        return Ed25519Checker(read_public_keys(json.dumps(texts).encode()))
    keys = RAW if request.param == "raw" else PEM
    return Ed25519Checker({name: keys[name] for name in ("alice", "bob")})


@pytest.fixture
def sign() -> Sign:
    return lambda name, message: SIGNERS[name].sign(message)


class TestEd25519Checker(SignatureCheckerContract):
    pass


def test_the_vector_of_rfc_8032() -> None:
    """RFC 8032, 7.1, test 2."""
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert Ed25519Checker({"rfc": public}).check("rfc", b"\x72", signature)


def test_without_keys_nobody_signs() -> None:
    assert not Ed25519Checker({}).check("alice", b"x", SIGNERS["alice"].sign(b"x"))


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"alice": b""}, "alice: is an Ed25519 public key"),
        ({"alice": bytes(31)}, "alice: is an Ed25519 public key"),
        ({"alice": PEM["alice"].replace(b"M", b"N", 1)}, "alice: is an Ed25519 public key"),
        (
            {
                "alice": generate_private_key(SECP256R1())
                .public_key()
                .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            },
            "alice: is an Ed25519 public key",
        ),
        ({"a\nb": RAW["alice"]}, r"'a\\nb': a name has"),
        ({"": RAW["alice"]}, "'': a name has"),
        ({str(number): RAW["alice"] for number in range(101)}, "at most 100"),
    ],
)
def test_what_is_no_public_key_is_named(keys: dict[str, bytes], reason: str) -> None:
    with pytest.raises(PublicKeyInvalid, match=reason):
        Ed25519Checker(keys)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "a JSON object"),
        (b"\xff", "a JSON object"),
        (b"[]", "a JSON object"),
        (b"[" * 50_000, "a JSON object"),
        (b'{"alice": 1}', "'alice': is a text"),
        (b'{"alice": "?"}', "'alice': is PEM, or 32 bytes in base64"),
        (b'{"alice": "a", "alice": "b"}', "a name has one public key"),
        (b" " * 65_537, "at most 65536 bytes"),
    ],
)
def test_what_is_no_document_of_keys_says_why(document: bytes, reason: str) -> None:
    with pytest.raises(PublicKeyInvalid, match=reason):
        read_public_keys(document)
