"""Certificates of destruction: what of a merchant's keys was destroyed, when, by which order, and until when a backup may
still have it. A notary signs them; whoever has its public key can check one without us.

A certificate says nothing that the shredded ring does not: it can be made again, byte for byte, as long as there is one.
"""

import base64
import binascii
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import field, frozen

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName, Custody, KeyRing, KeyRingId
from fintech.domain.keys.documents import (
    fault_of_environment,
    fault_of_moment,
    fault_of_scope,
    moment_of,
    spelt,
    spelt_moment,
)
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope

#: What tells a certificate from whatever else the notary signs.
KIND: Final = "fintech/certificate-of-destruction/v1"
FILE_MAX: Final = 65_536
#: Of a longer document its digest is signed: a notary takes so much and no more (AWS KMS, Sign, of a RAW message).
SIGNED_MAX: Final = 4_096

_MEMBERS: Final = frozenset(
    {"backups_until", "destroyed_at", "environment", "keys", "kind", "livemode", "merchant", "order", "ring"}
)
_KEY_MEMBERS: Final = frozenset({"cmk", "created_at", "id"})


@frozen
class DestroyedKey:
    """One version: its number, the root key that had wrapped it, when it was made."""

    number: int
    cmk: CmkName
    created_at: datetime


@frozen(kw_only=True)
class Certificate:
    """What was destroyed. ``order`` is the number of the bank's order, if it was by one; by ``backups_until`` no backup of
    the key table has the keys any more. ``environment`` is the deployment that it was done in: what another one destroyed
    proves nothing of this one. Moments are whole seconds."""

    environment: str
    ring: KeyRingId
    scope: Scope
    keys: tuple[DestroyedKey, ...]
    destroyed_at: datetime
    order: int | None
    backups_until: datetime

    def document(self) -> bytes:
        """What is signed: JSON with sorted names, without spaces, in ASCII."""
        return spelt(
            {
                "kind": KIND,
                "environment": self.environment,
                "ring": self.ring,
                "merchant": self.scope.merchant,
                "livemode": self.scope.livemode,
                "keys": [
                    {
                        "id": f"{self.ring}/{key.number}",
                        "cmk": key.cmk,
                        "created_at": spelt_moment(key.created_at),
                    }
                    for key in self.keys
                ],
                "destroyed_at": spelt_moment(self.destroyed_at),
                "order": self.order,
                "backups_until": spelt_moment(self.backups_until),
            }
        )


@frozen(kw_only=True)
class SignedCertificate:
    """A certificate's document, the name of the key that signed it, and the signature."""

    document: bytes
    key: str
    signature: bytes = field(repr=False)

    def file(self) -> str:
        """As it is handed over: JSON, the document as text exactly as it was signed."""
        members = {
            "document": self.document.decode("ascii"),
            "key": self.key,
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }
        return json.dumps(members, indent=2) + "\n"


@frozen
class CertificateMalformed:
    """``what`` is the member that is wrong, ``rule`` what it has to be."""

    what: str
    rule: str


@frozen
class NotShredded:
    """Only what is destroyed is certified to be."""

    custody: Custody


def to_sign(document: bytes) -> bytes:
    """What the notary signs of a certificate: its document, or the kind, a space and the document's SHA-256 in hexadecimal,
    which no document begins like."""
    if len(document) <= SIGNED_MAX:
        return document
    return f"{KIND} {hashlib.sha256(document).hexdigest()}".encode()


def certificate_of(
    ring: KeyRing, environment: str, order: int | None, backups_kept: timedelta
) -> Outcome[Certificate, NotShredded]:
    """The certificate of a ring that is shredded. Versions that were retired before are in it: they are gone as well."""
    moments = [key.retired_at for key in ring.keys if key.retired_at is not None]
    if ring.custody is not Custody.SHREDDED:
        return Failure(NotShredded(ring.custody))
    destroyed_at = max(moments, default=ring.created_at).replace(microsecond=0)
    return Success(
        Certificate(
            environment=environment,
            ring=ring.id,
            scope=ring.scope,
            keys=tuple(
                DestroyedKey(key.number, key.cmk, key.created_at.replace(microsecond=0)) for key in ring.keys
            ),
            destroyed_at=destroyed_at,
            order=order,
            backups_until=destroyed_at + backups_kept,
        )
    )


def read_file(text: bytes) -> Outcome[SignedCertificate, CertificateMalformed]:
    """A signed certificate as it was handed over. Its document and signature are not looked into yet."""
    if len(text) > FILE_MAX:
        return Failure(CertificateMalformed("file", f"has at most {FILE_MAX} bytes"))
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return Failure(CertificateMalformed("file", "is JSON"))
    if not isinstance(members, dict) or members.keys() != {"document", "key", "signature"}:
        return Failure(CertificateMalformed("file", "has exactly the members document, key, signature"))
    if not all(isinstance(value, str) and value.isascii() for value in members.values()):
        return Failure(CertificateMalformed("file", "has texts in ASCII as members"))
    try:
        signature = base64.b64decode(members["signature"], validate=True)
    except binascii.Error:
        return Failure(CertificateMalformed("signature", "is in base 64"))
    return Success(
        SignedCertificate(document=members["document"].encode(), key=members["key"], signature=signature)
    )


def read_certificate(document: bytes) -> Outcome[Certificate, CertificateMalformed]:
    """A certificate from what was signed. Only the one spelling that `Certificate.document` has is taken."""
    try:
        members = json.loads(document)
    except (ValueError, RecursionError):
        return Failure(CertificateMalformed("document", "is JSON"))
    if not isinstance(members, dict) or members.keys() != _MEMBERS or members["kind"] != KIND:
        return Failure(CertificateMalformed("document", f"is a {KIND} with its members"))
    fault = _fault_of(members)
    if fault is not None:
        return Failure(fault)
    certificate = Certificate(
        environment=members["environment"],
        ring=KeyRingId(members["ring"]),
        scope=Scope(MerchantId(members["merchant"]), members["livemode"]),
        keys=tuple(
            DestroyedKey(int(key["id"].rpartition("/")[2]), CmkName(key["cmk"]), moment_of(key["created_at"]))
            for key in members["keys"]
        ),
        destroyed_at=moment_of(members["destroyed_at"]),
        order=members["order"],
        backups_until=moment_of(members["backups_until"]),
    )
    if certificate.document() != document:
        return Failure(CertificateMalformed("document", "is spelt with sorted names and without spaces"))
    return Success(certificate)


def _fault_of(members: dict[str, Any]) -> CertificateMalformed | None:
    scope = fault_of_scope(members["merchant"], members["livemode"])
    moments = [fault_of_moment(name, members[name]) for name in ("destroyed_at", "backups_until")]
    for fault in (fault_of_environment(members["environment"]), scope, *moments):
        if fault is not None:
            return CertificateMalformed(fault.field, fault.rule)
    if not isinstance(members["ring"], str) or KeyRingId.parse(members["ring"]) is None:
        return CertificateMalformed("ring", "is the id of a ring of keys")
    order = members["order"]
    if order is not None and (type(order) is not int or order < 1):
        return CertificateMalformed("order", "is the number of an order, or null")
    keys = members["keys"]
    if not isinstance(keys, list) or not all(_is_key(key) for key in keys):
        return CertificateMalformed("keys", "are versions of keys: id, cmk, created_at")
    return None


def _is_key(key: object) -> bool:
    if not isinstance(key, dict) or key.keys() != _KEY_MEMBERS:
        return False
    if not isinstance(key["id"], str) or not isinstance(key["cmk"], str):
        return False
    number = key["id"].rpartition("/")[2]
    plain = number.isascii() and number.isdigit() and len(number) <= 10
    return plain and fault_of_moment("created_at", key["created_at"]) is None
