"""Orders: what the bank tells us to do with keys, signed by it and numbered without a gap."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from attrs import frozen

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.documents import (
    DOCUMENT_MAX,
    DOCUMENT_VERSION,
    REASON_MAX,
    OrderMalformed,
    fault_of_head,
    fault_of_moment,
    fault_of_scope,
    members_of,
    moment_of,
    spelt,
    spelt_moment,
)
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope

#: Longest name of a root key, in characters.
CMK_MAX: Final = 2_048

_MEMBERS: Final = frozenset(
    {"version", "environment", "sequence", "action", "merchant", "livemode", "cmk", "issued_at", "reason"}
)


class OrderAction(StrEnum):
    """What is to be done with a merchant's keys, or with all that hang from a root key."""

    SUSPEND = "suspend"
    RESTORE = "restore"
    REVOKE = "revoke"
    SHRED = "shred"


#: What can be said of a root key as a whole: it is the bank's, and revoked or destroyed where the bank keeps it.
WHOLE_ACTIONS: Final = frozenset({OrderAction.SUSPEND, OrderAction.RESTORE})

#: What cannot be undone takes two officers; whatever takes keys away for a while, or for good but for broken glass, has to be
#: quick, and takes one.
TWO_OFFICERS: Final = frozenset({OrderAction.SHRED})

#: One merchant's keys in one mode, or all keys under a root key.
Subject: TypeAlias = Scope | CmkName


@frozen(kw_only=True)
class Order:
    """One order. ``sequence`` is one more than that of the order before, so that none is lost, repeated or overtaken;
    ``environment`` is the deployment that it is for, so that none is carried out in another one."""

    environment: str
    sequence: int
    action: OrderAction
    subject: Subject
    issued_at: datetime
    reason: str

    def document(self) -> bytes:
        """What is signed: JSON with sorted names, without spaces, in ASCII (RFC 8785 for these types)."""
        scope = self.subject if isinstance(self.subject, Scope) else None
        return spelt(
            {
                "version": DOCUMENT_VERSION,
                "environment": self.environment,
                "sequence": self.sequence,
                "action": self.action.value,
                "merchant": scope and scope.merchant,
                "livemode": scope and scope.livemode,
                "cmk": None if scope else self.subject,
                "issued_at": spelt_moment(self.issued_at),
                "reason": self.reason,
            }
        )


def read_order(document: bytes) -> Outcome[Order, OrderMalformed]:
    """An order from what was signed. Only the one spelling that `Order.document` has is taken."""
    outcome = members_of(document, _MEMBERS)
    if isinstance(outcome, Failure):
        return outcome
    members = outcome.unwrap()
    fault = (
        fault_of_head(members)
        or _fault_of_subject(members)
        or fault_of_moment("issued_at", members["issued_at"])
    )
    if fault is not None:
        return Failure(fault)
    merchant, cmk = members["merchant"], members["cmk"]
    return Success(
        Order(
            environment=members["environment"],
            sequence=members["sequence"],
            action=OrderAction(members["action"]),
            subject=CmkName(cmk) if merchant is None else Scope(MerchantId(merchant), members["livemode"]),
            issued_at=moment_of(members["issued_at"]),
            reason=members["reason"],
        )
    )


def _fault_of_subject(members: dict[str, Any]) -> OrderMalformed | None:
    action, merchant, livemode, cmk = (members[name] for name in ("action", "merchant", "livemode", "cmk"))
    if not isinstance(action, str) or action not in set(OrderAction):
        return OrderMalformed("action", f"is one of {', '.join(OrderAction)}")
    if (merchant is None) is (cmk is None):
        return OrderMalformed("merchant", "is there, or cmk is, and not both")
    if cmk is None:
        return fault_of_scope(merchant, livemode)
    if livemode is not None:
        return OrderMalformed("livemode", "is null for a cmk")
    if not isinstance(cmk, str) or not 0 < len(cmk) <= CMK_MAX or not cmk.isprintable():
        return OrderMalformed("cmk", "names a root key")
    if OrderAction(action) not in WHOLE_ACTIONS:
        return OrderMalformed("action", "is suspend or restore for a cmk")
    return None


__all__ = [
    "CMK_MAX",
    "DOCUMENT_MAX",
    "REASON_MAX",
    "TWO_OFFICERS",
    "WHOLE_ACTIONS",
    "Order",
    "OrderAction",
    "OrderMalformed",
    "Subject",
    "read_order",
]
