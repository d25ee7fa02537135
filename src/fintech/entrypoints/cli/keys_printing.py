"""Custody for people and for programs: orders, rings, root keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from fintech.application.keys.status import CustodyStatus, KeptWord
from fintech.domain.keys.breaking_glass import ACTION
from fintech.domain.keys.custody import KeyRing
from fintech.domain.keys.orders import Order
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_table


def order_fields(kept: KeptWord) -> dict[str, Any]:
    """What the bank said, for programs."""
    word = kept.word
    subject = _subject_of(kept)
    scope = subject if isinstance(subject, Scope) else None
    return {
        "sequence": kept.kept.sequence,
        "action": _action_of(kept),
        "environment": word.environment if word else None,
        "merchant": scope.merchant if scope else None,
        "livemode": scope.livemode if scope else None,
        "root_key": None if scope else subject,
        "issued_at": iso(word.issued_at) if isinstance(word, Order) else None,
        "until": iso(word.until) if word and not isinstance(word, Order) else None,
        "reason": word.reason if word else None,
        "applied_at": iso(kept.kept.applied_at),
        "signed_by": list(kept.signed_by),
        "document": kept.kept.document.decode("ascii", "replace"),
        "signatures": [each.hex() for each in kept.signatures],
    }


def print_orders(listed: Sequence[KeptWord]) -> None:
    """The same for people."""
    columns = [Column("no.", right=True), Column("order"), Column("of"), Column("mode"), Column("applied")]
    rows = []
    for kept in listed:
        subject = _subject_of(kept)
        scope = subject if isinstance(subject, Scope) else None
        rows.append(
            [
                str(kept.kept.sequence),
                _action_of(kept) or "?",
                scope.merchant if scope else str(subject or ""),
                _mode(scope) if scope else "",
                in_sydney(kept.kept.applied_at),
                ", ".join(kept.signed_by) or "nobody who is known now",
                kept.word.reason if kept.word else "",
            ]
        )
    print_table([*columns, Column("signed by"), Column("reason")], rows)


def ring_fields(ring: KeyRing, now: datetime) -> dict[str, Any]:
    """A merchant's keys in one mode, for programs; nothing of what they are."""
    return {
        "ring": ring.id,
        "merchant": ring.scope.merchant,
        "livemode": ring.scope.livemode,
        "custody": ring.custody.value,
        "usable": ring.usable(now),
        "opened_until": iso(ring.opened_until),
        "versions": [
            {
                "number": key.number,
                "status": key.status.value,
                "root_key": key.cmk,
                "derivation": key.derivation.value,
                "created_at": iso(key.created_at),
                "retired_at": iso(key.retired_at),
            }
            for key in ring.keys
        ],
    }


def print_rings(rings: Sequence[KeyRing], now: datetime) -> None:
    """The same for people."""
    columns = [Column("merchant"), Column("mode"), Column("custody"), Column("usable"), Column("versions")]
    rows = [
        [
            ring.scope.merchant,
            _mode(ring.scope),
            ring.custody.value,
            _usable(ring, now),
            ", ".join(f"{key.number} {key.status.value}" for key in ring.keys) or "none yet",
        ]
        for ring in rings
    ]
    print_table(columns, rows)


def status_fields(status: CustodyStatus) -> dict[str, Any]:
    """How things stand, for programs."""
    return {
        "at": iso(status.at),
        "last_order": status.last_order,
        "epoch": status.epoch,
        "opened": status.opened,
        "uncertified": status.uncertified,
        "rings": {custody.value: count for custody, count in status.rings.items()},
        "root_keys": [
            {
                "root_key": root_key.cmk,
                "status": root_key.status.value,
                "custody_open": root_key.custody_open,
                "authorised_at": iso(root_key.authorised_at),
                "heartbeat_age_s": _seconds(status.heartbeat_age(root_key)),
            }
            for root_key in status.root_keys
        ],
    }


def print_status(status: CustodyStatus) -> None:
    """The same for people."""
    rings = ", ".join(f"{count} {custody.value}" for custody, count in status.rings.items() if count)
    opened = f", {status.opened} opened by broken glass" if status.opened else ""
    facts = [
        ("last order", str(status.last_order)),
        ("epoch", str(status.epoch)),
        ("rings", (rings or "none yet") + opened),
    ]
    if status.uncertified:
        facts.append(("shredded, not certified yet", str(status.uncertified)))
    print_facts(facts)
    columns = [Column("root key"), Column("status"), Column("custody"), Column("heartbeat", right=True)]
    rows = []
    for root_key in status.root_keys:
        age = _seconds(status.heartbeat_age(root_key))
        rows.append(
            [
                root_key.cmk,
                root_key.status.value,
                "open" if root_key.custody_open else "suspended by the bank",
                "never" if age is None else f"{age:.0f} s ago",
            ]
        )
    if rows:
        print()
        print_table(columns, rows)


def _action_of(kept: KeptWord) -> str | None:
    word = kept.word
    if word is None:
        return None
    return word.action.value if isinstance(word, Order) else ACTION


def _subject_of(kept: KeptWord) -> Scope | str | None:
    word = kept.word
    if word is None:
        return None
    return word.subject if isinstance(word, Order) else word.scope


def _usable(ring: KeyRing, now: datetime) -> str:
    if not ring.usable(now):
        return "no"
    if ring.opened_until is None:
        return "yes"
    return f"until {in_sydney(ring.opened_until)}"


def _mode(scope: Scope) -> str:
    return "live" if scope.livemode else "test"


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else age.total_seconds()
