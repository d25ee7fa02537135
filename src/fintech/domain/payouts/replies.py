"""What a bank says of a payout."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.domain.payouts.payout import PayoutFailure


@frozen(kw_only=True)
class Accepted:
    """The bank has taken it. ``reference`` is its own name for it, ``arrival_at`` when the money is expected there."""

    reference: str
    arrival_at: datetime


@frozen(kw_only=True)
class Paid:
    """The money is there; for a recall, it is back."""

    reference: str


@frozen
class Rejected:
    """It was not done and will not be."""

    failure: PayoutFailure


@frozen
class Unknown:
    """Nobody knows: no answer, or none that makes sense. ``reason`` is for people."""

    reason: str


@frozen
class NeverSeen:
    """The bank has never heard of it; it may still be on its way."""


PayReply: TypeAlias = Accepted | Paid | Rejected | Unknown
EnquiryReply: TypeAlias = PayReply | NeverSeen
