"""Orders: what the bank tells us to do with keys, signed by it and numbered without a gap."""

import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import frozen

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope

#: Longest reason, in characters, and longest document, in bytes.
REASON_MAX: Final = 200
DOCUMENT_MAX: Final = 4_096
ORDER_VERSION: Final = 1

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MEMBERS: Final = frozenset(
    {"version", "sequence", "action", "merchant", "livemode", "cmk", "issued_at", "reason"}
)


class OrderAction(StrEnum):
    """What is to be done with a merchant's keys, or with all that hang from a root key."""

    SUSPEND = "suspend"
    RESTORE = "restore"
    REVOKE = "revoke"
    SHRED = "shred"


#: One merchant's keys in one mode, or all keys under a root key.
Subject: TypeAlias = Scope | CmkName


@frozen(kw_only=True)
class Order:
    """One order. ``sequence`` is one more than that of the order before, so that none is lost, repeated or overtaken."""

    sequence: int
    action: OrderAction
    subject: Subject
    issued_at: datetime
    reason: str

    def document(self) -> bytes:
        """What is signed: JSON with sorted names, without spaces, in ASCII (RFC 8785 for these types)."""
        scoped = isinstance(self.subject, Scope)
        members = {
            "version": ORDER_VERSION,
            "sequence": self.sequence,
            "action": self.action.value,
            "merchant": self.subject.merchant if isinstance(self.subject, Scope) else None,
            "livemode": self.subject.livemode if isinstance(self.subject, Scope) else None,
            "cmk": None if scoped else self.subject,
            "issued_at": self.issued_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": self.reason,
        }
        return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


@frozen
class OrderMalformed:
    """``field`` is the member that is wrong, ``rule`` what it has to be."""

    field: str
    rule: str


def read_order(document: bytes) -> Outcome[Order, OrderMalformed]:
    """An order from what was signed. Only the one spelling that `Order.document` has is taken."""
    if len(document) > DOCUMENT_MAX:
        return Failure(OrderMalformed("order", f"has at most {DOCUMENT_MAX} bytes"))
    try:
        members = json.loads(document)
    except (ValueError, RecursionError):
        return Failure(OrderMalformed("order", "is JSON"))
    if not isinstance(members, dict) or members.keys() != _MEMBERS:
        return Failure(OrderMalformed("order", f"has exactly the members {', '.join(sorted(_MEMBERS))}"))
    fault = _fault_of(members)
    if fault is not None:
        return Failure(fault)
    merchant, cmk = members["merchant"], members["cmk"]
    order = Order(
        sequence=members["sequence"],
        action=OrderAction(members["action"]),
        subject=Scope(MerchantId(merchant), members["livemode"]) if merchant is not None else CmkName(cmk),
        issued_at=datetime.strptime(members["issued_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        reason=members["reason"],
    )
    if order.document() != document:
        return Failure(OrderMalformed("order", "is spelt with sorted names and without spaces, in ASCII"))
    return Success(order)


def _fault_of(members: dict[str, object]) -> OrderMalformed | None:
    sequence, reason, merchant, cmk = (members[name] for name in ("sequence", "reason", "merchant", "cmk"))
    if members["version"] != ORDER_VERSION:
        return OrderMalformed("version", f"is {ORDER_VERSION}")
    if type(sequence) is not int or not 0 < sequence < 2**53:
        return OrderMalformed("sequence", "is a whole number from 1 on")
    if members["action"] not in set(OrderAction):
        return OrderMalformed("action", f"is one of {', '.join(OrderAction)}")
    if (merchant is None) is (cmk is None):
        return OrderMalformed("merchant", "is there, or cmk is, and not both")
    if merchant is not None and (not isinstance(merchant, str) or MerchantId.parse(merchant) is None):
        return OrderMalformed("merchant", "is a merchant's id")
    if type(members["livemode"]) is not (bool if merchant is not None else type(None)):
        return OrderMalformed("livemode", "is true or false for a merchant, and null for a cmk")
    if cmk is not None and not (isinstance(cmk, str) and 0 < len(cmk) <= 2_048 and cmk.isprintable()):
        return OrderMalformed("cmk", "names a root key")
    if not isinstance(reason, str) or not 0 < len(reason) <= REASON_MAX or not reason.isprintable():
        return OrderMalformed("reason", f"is a text of 1 to {REASON_MAX} characters")
    return _fault_of_moment(members["issued_at"])


def _fault_of_moment(issued_at: object) -> OrderMalformed | None:
    wrong = OrderMalformed("issued_at", "is a moment in UTC, as in 2026-11-23T04:05:06Z")
    if not isinstance(issued_at, str) or _MOMENT.fullmatch(issued_at) is None:
        return wrong
    try:
        datetime.strptime(issued_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return wrong
    return None
