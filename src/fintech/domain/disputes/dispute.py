"""A dispute: a cardholder's no, and what becomes of it. `TRANSITIONS` is its whole life."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.ids import ChargeId, DisputeId, MovementId, PaymentId
from fintech.domain.merchants import NO_FEE, Fee
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency


class DisputeStatus(StrEnum):
    """Where a dispute stands, in the words of the wire; ``WARNING_…`` are inquiries, which take no money."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


TRANSITIONS: Final[dict[DisputeStatus, frozenset[DisputeStatus]]] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: frozenset(
        {
            DisputeStatus.WARNING_UNDER_REVIEW,
            DisputeStatus.WARNING_CLOSED,
            DisputeStatus.NEEDS_RESPONSE,
            DisputeStatus.LOST,
        }
    ),
    DisputeStatus.WARNING_UNDER_REVIEW: frozenset(
        {DisputeStatus.WARNING_CLOSED, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.LOST}
    ),
    DisputeStatus.WARNING_CLOSED: frozenset({DisputeStatus.NEEDS_RESPONSE}),
    DisputeStatus.NEEDS_RESPONSE: frozenset(
        {DisputeStatus.UNDER_REVIEW, DisputeStatus.WON, DisputeStatus.LOST}
    ),
    DisputeStatus.UNDER_REVIEW: frozenset({DisputeStatus.WON, DisputeStatus.LOST}),
    DisputeStatus.WON: frozenset(),
    DisputeStatus.LOST: frozenset(),
}


class DisputeReason(StrEnum):
    """Why the cardholder says no (Stripe's dispute reasons)."""

    CREDIT_NOT_PROCESSED = "credit_not_processed"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    GENERAL = "general"
    PRODUCT_NOT_RECEIVED = "product_not_received"
    PRODUCT_UNACCEPTABLE = "product_unacceptable"
    SUBSCRIPTION_CANCELED = "subscription_canceled"
    UNRECOGNIZED = "unrecognized"


@frozen(kw_only=True, slots=False)
class Dispute:
    """Amounts in minor units. ``case`` is the acquirer's name for it; ``evidence`` what the merchant has to say."""

    id: DisputeId
    version: int
    payment: PaymentId
    charge: ChargeId
    amount_minor: int
    currency: Currency
    reason: DisputeReason
    status: DisputeStatus
    case: str
    created_at: datetime
    evidence_due_at: datetime
    reserved_minor: int = 0
    fee: Fee = NO_FEE
    movement: MovementId | None = None
    reversal_movement: MovementId | None = None
    evidence: Metadata = field(default=(), repr=False)
    submissions: int = 0
    submitted_at: datetime | None = None
    metadata: Metadata = field(default=())
    tries: int = 0
    next_try_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """When the sweeper has to look at it, or None."""
        return self.next_try_at
