"""The audit trail: who did what to what, and with what result, in a chain that shows what was taken out or changed.

Each process writes a stream of its own, with a key that is replaced by its digest after every entry and forgotten:
whoever breaks in later can forge nothing that was written before (forward security; Bellare and Yee, 1997). A stream
begins with its first key, sealed for whoever verifies it, and ends with an entry that says so.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.scope import Face

KEY_BYTES: Final = 32
#: The longest text of an entry's member, in characters.
TEXT_MAX: Final = 300
#: What the first entry of a stream is chained to.
START: Final = bytes(32)


class AuditAction(StrEnum):
    """What is written down (PCI DSS 10.2.1 in brackets)."""

    STREAM_STARTED = "stream_started"  #: (10.2.1.6)
    STREAM_ENDED = "stream_ended"  #: (10.2.1.6)
    KEY_CREATED = "key_created"  #: (10.2.1.7)
    KEY_ROTATED = "key_rotated"
    KEY_RETIRED = "key_retired"
    KEY_MOVED = "key_moved"  #: to another root key
    KEY_DESTROYED = "key_destroyed"
    LEASE_REFUSED = "lease_refused"  #: (10.2.1.4)
    CUSTODY_CHANGED = "custody_changed"
    ORDER_APPLIED = "order_applied"
    ORDER_REFUSED = "order_refused"  #: (10.2.1.4)
    GLASS_BROKEN = "glass_broken"
    CARD_ADMITTED = "card_admitted"
    REVEALED = "revealed"  #: (10.2.1.1)
    INTEGRITY_FAILED = "integrity_failed"
    HONEYTOKEN_TOUCHED = "honeytoken_touched"
    AUDIT_READ = "audit_read"  #: (10.2.1.3)


class AuditResult(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@frozen(kw_only=True)
class AuditEntry:
    """Who (``actor``, by which ``face``, from where: ``origin``), what, on what (``merchant``, ``subject``), when, with
    what result (PCI DSS 10.2.2). ``details`` are ids, numbers and codes; no secret, no personal data."""

    at: datetime
    actor: str
    face: Face
    action: AuditAction
    result: AuditResult
    subject: str
    merchant: str | None = None
    livemode: bool | None = None
    origin: str | None = None
    request: str | None = None
    details: Mapping[str, str | int] = field(factory=dict)


@frozen(kw_only=True)
class AuditRecord:
    """An entry in its place: number ``sequence`` of a stream, from 0 on, chained by ``mac`` to the one before."""

    stream: str
    sequence: int
    document: bytes
    mac: bytes


def document_of(stream: str, sequence: int, entry: AuditEntry) -> bytes:
    """What is chained and kept: JSON with sorted names, without spaces, in ASCII."""
    members = {
        "stream": stream,
        "sequence": sequence,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor[:TEXT_MAX],
        "face": entry.face.value,
        "action": entry.action.value,
        "result": entry.result.value,
        "subject": entry.subject[:TEXT_MAX],
        "merchant": entry.merchant,
        "livemode": entry.livemode,
        "origin": None if entry.origin is None else entry.origin[:TEXT_MAX],
        "request": None if entry.request is None else entry.request[:TEXT_MAX],
        "details": {name: entry.details[name] for name in sorted(entry.details)},
    }
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def next_key(key: bytes) -> bytes:
    """The key of the next entry; the way back is closed."""
    return hashlib.sha256(b"fintech/audit/v1" + key).digest()


def link(key: bytes, document: bytes, before: bytes) -> bytes:
    """What chains a document to the entry before it: HMAC-SHA-256 over the document's digest and the last link."""
    return hmac.digest(key, hashlib.sha256(document).digest() + before, "sha256")
