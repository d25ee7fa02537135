"""What format v1 has been since its first release: it never changes, so tests/vectors/sealed-v1.json is never edited."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.places import Place, owner_of
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.sealing.merchant_keys import MerchantKeys
from fintech.sealing.message import OVERHEAD_BYTES
from fintech.sealing.schedule import OFFSETS, derived_key, purpose_keys

FILE = Path(__file__).resolve().parents[2] / "vectors/sealed-v1.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))
#: Whoever has to change this has changed what was sealed before.
SHA256 = "253d90648ae9597ccc0986bea34516ce557c82763e29e27b02b045c7307593e1"


def named(vector: dict[str, Any]) -> str:
    name: str = vector["name"]
    return name


def place_of(vector: dict[str, Any]) -> Place:
    return Place(vector["table"], vector["column"], vector["record"], vector["schema"])


def keys_of(vector: dict[str, Any]) -> MerchantKeys:
    scope = Scope(MerchantId(vector["merchant"]), vector["livemode"])
    key = bytes.fromhex(vector["key"])
    return MerchantKeys(scope, KeyRingId(vector["ring"]), {vector["number"]: key}, vector["number"])


def test_the_vectors_are_what_they_were() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA256


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=named)
def test_what_was_sealed_opens(vector: dict[str, Any]) -> None:
    purpose, message = KeyPurpose(vector["purpose"]), bytes.fromhex(vector["message"])
    opened = keys_of(vector).open(purpose, place_of(vector), message)
    assert opened == Success(bytes.fromhex(vector["plaintext"]))


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=named)
def test_it_is_sealed_as_it_was(vector: dict[str, Any]) -> None:
    purpose, plaintext = KeyPurpose(vector["purpose"]), bytes.fromhex(vector["plaintext"])
    salt = bytes.fromhex(vector["salt"])
    assert keys_of(vector)._sealed(purpose, place_of(vector), plaintext, salt).hex() == vector["message"]


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=named)
def test_it_is_bound_to_its_place_by_the_same_bytes(vector: dict[str, Any]) -> None:
    scope = Scope(MerchantId(vector["merchant"]), vector["livemode"])
    assert place_of(vector).bound_to(owner_of(scope)).hex() == vector["bound"]


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=named)
def test_a_message_is_what_its_description_says(vector: dict[str, Any]) -> None:
    """Taken apart by hand, and opened with HKDF and AES-GCM as the library has them."""
    message = bytes.fromhex(vector["message"])
    header, salt, commitment, body = message[:24], message[24:56], message[56:88], message[88:]
    purpose = {"pan": 1, "pii": 2, "webhook": 4}[vector["purpose"]]
    assert header[:8] == bytes([0xF5, 1, purpose, 0]) + vector["number"].to_bytes(4, "big")
    assert header[8] == 0
    assert len(message) == len(vector["plaintext"]) // 2 + OVERHEAD_BYTES
    info = b"purpose/" + vector["purpose"].encode()
    purpose_key = HKDF(SHA512(), 64, b"fintech/v1", info).derive(bytes.fromhex(vector["key"]))
    keys = HKDFExpand(SHA512(), 64, header + salt).derive(purpose_key)
    assert keys[32:] == commitment
    bound = header + bytes.fromhex(vector["bound"])
    assert AESGCM(keys[:32]).decrypt(bytes(12), body, bound).hex() == vector["plaintext"]


@pytest.mark.parametrize("vector", VECTORS["purpose_keys"], ids=["first", "second"])
def test_a_merchants_key_has_the_same_keys_by_purpose(vector: dict[str, Any]) -> None:
    keys = purpose_keys(bytes.fromhex(vector["key"]))
    assert {purpose.value: keys[at : at + 64].hex() for purpose, at in OFFSETS.items()} == {
        purpose: key for purpose, key in vector.items() if purpose != "key"
    }


@pytest.mark.parametrize("vector", VECTORS["derived_keys"], ids=["no context", "a context"])
def test_a_derived_key_is_the_same(vector: dict[str, Any]) -> None:
    given = [bytes.fromhex(vector[name]) for name in ("mac", "unwrapped", "context")]
    assert derived_key(*given).hex() == vector["key"]


@pytest.mark.parametrize("vector", VECTORS["digests"], ids=lambda vector: vector["column"] or vector["of"])
def test_what_is_looked_for_by_is_the_same(vector: dict[str, Any]) -> None:
    scope = Scope(MerchantId("acct_" + "0" * 24), livemode=False)
    keys = MerchantKeys(scope, KeyRingId("kr_" + "0" * 24), {3: bytes.fromhex(vector["key"])}, 3)
    data = bytes.fromhex(vector["data"])
    if vector["of"] == "mac":
        assert keys.digest(KeyPurpose.MAC, data, 3).hex() == vector["digest"]
    else:
        assert keys.index(vector["column"], data).hex() == vector["digest"]
        assert keys.index(vector["column"], data, 3).hex() == vector["digest"]


@pytest.mark.parametrize("lengths", [(31, 32), (33, 32), (32, 31), (32, 0)])
def test_nothing_is_derived_of_half_a_key(lengths: tuple[int, int]) -> None:
    mac, unwrapped = map(bytes, lengths)
    with pytest.raises(ValueError, match="have 32 bytes each"):
        derived_key(mac, unwrapped, b"whose")
