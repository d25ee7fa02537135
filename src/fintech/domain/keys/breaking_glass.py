"""Breaking glass: two officers of the bank open a merchant's keys for a while although they are suspended or revoked.

A request has a number in the sequence of orders, so it is used once, is kept beside them with both signatures, and is
worth nothing once the bank has ordered anything else.
"""

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from fintech.domain.ids import MerchantId
from fintech.domain.keys.documents import (
    DOCUMENT_VERSION,
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

#: The longest that glass stays broken.
OPEN_MAX: Final = timedelta(hours=4)
ACTION: Final = "break_glass"

_MEMBERS: Final = frozenset(
    {"version", "environment", "sequence", "action", "merchant", "livemode", "until", "reason"}
)


@frozen
class NotThatLong:
    """Glass is broken until a moment to come, at most `OPEN_MAX` ahead."""

    latest: datetime


@frozen(kw_only=True)
class GlassRequest:
    """What two officers sign: in which deployment, whose keys, why, and until when."""

    environment: str
    sequence: int
    scope: Scope
    until: datetime
    reason: str

    def document(self) -> bytes:
        """What is signed, spelt as orders are."""
        return spelt(
            {
                "version": DOCUMENT_VERSION,
                "environment": self.environment,
                "sequence": self.sequence,
                "action": ACTION,
                "merchant": self.scope.merchant,
                "livemode": self.scope.livemode,
                "until": spelt_moment(self.until),
                "reason": self.reason,
            }
        )

    def timely(self, now: datetime) -> Outcome[None, NotThatLong]:
        """Whether it ends when it may."""
        if not now < self.until <= now + OPEN_MAX:
            return Failure(NotThatLong(now + OPEN_MAX))
        return Success(None)


def read_request(document: bytes) -> Outcome[GlassRequest, OrderMalformed]:
    """A request from what was signed. Only the one spelling that `GlassRequest.document` has is taken."""
    outcome = members_of(document, _MEMBERS)
    if isinstance(outcome, Failure):
        return outcome
    members = outcome.unwrap()
    fault = (
        fault_of_head(members)
        or (None if members["action"] == ACTION else OrderMalformed("action", f"is {ACTION}"))
        or fault_of_scope(members["merchant"], members["livemode"])
        or fault_of_moment("until", members["until"])
    )
    if fault is not None:
        return Failure(fault)
    return Success(
        GlassRequest(
            environment=members["environment"],
            sequence=members["sequence"],
            scope=Scope(MerchantId(members["merchant"]), members["livemode"]),
            until=moment_of(members["until"]),
            reason=members["reason"],
        )
    )
