"""The audit trail: who did what to what, and with what result, in a chain that shows what was taken out or changed.

Each process writes a stream of its own, with a key that is replaced by its digest after every entry and forgotten:
whoever breaks in later can forge nothing that was written before (forward security; Bellare and Yee, 1997). A stream
begins with its first key, sealed for whoever verifies it, and ends with an entry that says so. Checkpoints, signed
outside our account, say where it stood in between (`audit_verification` reads both).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.ids import Id
from fintech.domain.scope import Face

KEY_BYTES: Final = 32
LINK_BYTES: Final = 32
#: The longest text of an entry's member, in characters; what is longer is cut.
TEXT_MAX: Final = 300
#: How many details an entry may have.
DETAILS_MAX: Final = 32
#: What the first entry of a stream is chained to.
START: Final = bytes(LINK_BYTES)
#: A checkpoint is due after so many entries, or so many seconds in which there was one.
CHECKPOINT_ENTRIES: Final = 1_000
CHECKPOINT_S: Final = 60.0

_NEXT: Final = b"fintech/audit/v1"
_UNTOLD: Final = "\ufffd"


class AuditStreamId(Id):
    """A process's stream."""

    __slots__ = ()
    PREFIX = "aud_"


class AuditAction(StrEnum):
    """What is written down (PCI DSS 10.2.1 in brackets)."""

    STREAM_STARTED = "stream_started"  #: (10.2.1.6)
    STREAM_ENDED = "stream_ended"  #: (10.2.1.6)
    SERVICE_STARTED = "service_started"
    SERVICE_STOPPED = "service_stopped"
    COMMAND_RUN = "command_run"  #: of the back office, with its name as the subject (10.2.1.2)
    AUTHENTICATION_FAILED = "authentication_failed"  #: so many times, from one place (10.2.1.4)
    API_KEY_CREATED = "api_key_created"  #: (10.2.1.5)
    API_KEY_ROLLED = "api_key_rolled"  #: (10.2.1.5)
    API_KEY_ENDED = "api_key_ended"  #: (10.2.1.5)
    STANDING_CHANGED = "standing_changed"  #: a merchant's (10.2.1.5)
    KEY_CREATED = "key_created"  #: (10.2.1.7)
    KEY_ROTATED = "key_rotated"
    KEY_RETIRED = "key_retired"
    KEY_MOVED = "key_moved"  #: to another root key
    KEY_DESTROYED = "key_destroyed"
    VALUES_RESEALED = "values_resealed"  #: opened by the sweep, and sealed again with a newer version
    VALUES_REMOVED = "values_removed"  #: with a merchant's keys, or because nobody needs them any more
    VALUES_RELEASED = "values_released"  #: from quarantine, because they open after all
    LEASE_GRANTED = "lease_granted"  #: a merchant's keys are in a process's memory (10.2.1.1)
    LEASE_REFUSED = "lease_refused"  #: (10.2.1.4)
    CUSTODY_READ = "custody_read"  #: an officer looks at orders, merchants' keys or root keys
    CUSTODY_CHANGED = "custody_changed"
    ORDER_APPLIED = "order_applied"
    ORDER_REFUSED = "order_refused"  #: (10.2.1.4)
    GLASS_BROKEN = "glass_broken"
    CARD_ADMITTED = "card_admitted"
    REVEALED = "revealed"  #: (10.2.1.1)
    INTEGRITY_FAILED = "integrity_failed"
    HONEYTOKEN_TOUCHED = "honeytoken_touched"
    AUDIT_READ = "audit_read"  #: (10.2.1.3)
    AUDIT_KEYS_GIVEN = "audit_keys_given"  #: first keys of streams, to somebody who verifies (10.2.1.3)


class AuditResult(StrEnum):
    """How it ended."""

    BEGUN = "begun"  #: it is about to be done; the next entry about it says how it ended, if anything could
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


@frozen(kw_only=True)
class Checkpoint:
    """Where a stream stood, signed by somebody outside: its entries so far (``count``), and the last one's link
    (``head``). ``key`` is the name of the key that signed `checkpoint_document`."""

    stream: str
    count: int
    head: bytes
    at: datetime
    key: str
    signature: bytes


def document_of(stream: str, sequence: int, entry: AuditEntry) -> bytes:
    """What is chained and kept: JSON with sorted names, without spaces, in ASCII.

    Texts are cut at `TEXT_MAX`, and what cannot be printed in them is replaced: no text of a caller's can break a line
    of a log, or the row that keeps it (OWASP ASVS 5.0, 16.4.1). Raises ``ValueError`` for more than `DETAILS_MAX` details.
    """
    if len(entry.details) > DETAILS_MAX:
        message = f"an entry has at most {DETAILS_MAX} details"
        raise ValueError(message)
    return _spelt(
        {
            "stream": stream,
            "sequence": sequence,
            "at": _moment(entry.at),
            "actor": _told(entry.actor),
            "face": entry.face.value,
            "action": entry.action.value,
            "result": entry.result.value,
            "subject": _told(entry.subject),
            "merchant": _told_if_any(entry.merchant),
            "livemode": entry.livemode,
            "origin": _told_if_any(entry.origin),
            "request": _told_if_any(entry.request),
            "details": {
                _told(name): _told(value) if isinstance(value, str) else value
                for name, value in entry.details.items()
            },
        }
    )


def entry_of(document: bytes) -> AuditEntry | None:
    """The entry that a document tells, or None where it tells none that this release knows."""
    try:
        members = json.loads(document)
        return AuditEntry(
            at=datetime.fromisoformat(members["at"]),
            actor=members["actor"],
            face=Face(members["face"]),
            action=AuditAction(members["action"]),
            result=AuditResult(members["result"]),
            subject=members["subject"],
            merchant=members["merchant"],
            livemode=members["livemode"],
            origin=members["origin"],
            request=members["request"],
            details=members["details"],
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def checkpoint_document(environment: str, stream: str, count: int, head: bytes, at: datetime) -> bytes:
    """What a notary signs. One who signs for several deployments says which: what he signed for one is forged in another."""
    members = {
        "audit_checkpoint": 1,
        "environment": environment,
        "stream": stream,
        "count": count,
        "head": head.hex(),
        "at": _moment(at),
    }
    return _spelt(members)


def next_key(key: bytes | bytearray) -> bytes:
    """The key of the next entry; the way back is closed."""
    digest = hashlib.sha256(_NEXT)
    digest.update(key)
    return digest.digest()


def link(key: bytes | bytearray, document: bytes, before: bytes) -> bytes:
    """What chains a document to the entry before it: HMAC-SHA-256 over the document's digest and the last link."""
    return hmac.digest(key, hashlib.sha256(document).digest() + before, "sha256")


def _spelt(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _moment(at: datetime) -> str:
    """Of one length for every moment, so that the order of the texts is that of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _told(text: str) -> str:
    cut = text[:TEXT_MAX]
    if cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else _UNTOLD for each in cut)


def _told_if_any(text: str | None) -> str | None:
    return None if text is None else _told(text)
