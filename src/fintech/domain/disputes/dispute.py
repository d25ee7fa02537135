"""A dispute: a cardholder's no, and what becomes of it. `TRANSITIONS` is its whole life."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.cards import Scheme
from fintech.domain.disputes.news import DisputeReason
from fintech.domain.ids import ChargeId, DisputeId, MovementId, PaymentId
from fintech.domain.ledger import Transfer
from fintech.domain.merchants import NO_FEE, Fee
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency
from fintech.domain.payments.attempt import ANSWER_PATIENCE

#: A charge has one case as a rule, and seldom a second; an acquirer that opens more of them than this is out of order.
DISPUTES_MAX: Final = 50
#: How long a merchant has to respond where the acquirer does not say. Visa and Mastercard give acquirers 30 and 45 days.
RESPONSE_TIME: Final = timedelta(days=14)


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
        {DisputeStatus.WARNING_UNDER_REVIEW, DisputeStatus.WARNING_CLOSED, DisputeStatus.NEEDS_RESPONSE}
    ),
    DisputeStatus.WARNING_UNDER_REVIEW: frozenset(
        {DisputeStatus.WARNING_CLOSED, DisputeStatus.NEEDS_RESPONSE}
    ),
    DisputeStatus.WARNING_CLOSED: frozenset({DisputeStatus.NEEDS_RESPONSE}),
    DisputeStatus.NEEDS_RESPONSE: frozenset(
        {DisputeStatus.UNDER_REVIEW, DisputeStatus.WON, DisputeStatus.LOST}
    ),
    DisputeStatus.UNDER_REVIEW: frozenset({DisputeStatus.WON, DisputeStatus.LOST}),
    DisputeStatus.WON: frozenset(),
    DisputeStatus.LOST: frozenset({DisputeStatus.WON}),  # the cardholder took it back after all
}

#: Nobody has been told yet what the merchant says to it.
AWAITING: Final = frozenset({DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.NEEDS_RESPONSE})
#: Inquiries, which take no money.
INQUIRIES: Final = frozenset(
    {
        DisputeStatus.WARNING_NEEDS_RESPONSE,
        DisputeStatus.WARNING_UNDER_REVIEW,
        DisputeStatus.WARNING_CLOSED,
    }
)
#: Chargebacks that stand: the money is taken, or lost for good.
STANDING: Final = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST})


class ErrandKind(StrEnum):
    """What the acquirer is told of a dispute on the merchant's behalf."""

    EVIDENCE = "evidence"
    ACCEPTANCE = "acceptance"


@frozen(kw_only=True, slots=False)
class Errand:
    """Something that the acquirer is told until it answers. ``request`` names the message for ever."""

    kind: ErrandKind
    request: str
    sent_at: datetime
    tries: int = 0
    next_try_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        """When to tell it again: at once where its process was lost, later and later where nobody answers."""
        return self.next_try_at or self.sent_at + ANSWER_PATIENCE


@frozen(kw_only=True)
class SealedEvidence:
    """What a merchant has to say, without the texts: their ``names``, and the ``record`` that they are sealed under, which is
    another one with every change."""

    names: tuple[str, ...]
    record: str


@frozen(kw_only=True, slots=False)
class Dispute:
    """Amounts in minor units. ``case`` is the acquirer's name for it. ``sealed_evidence`` is what the merchant has to say;
    as long as that is nothing, ``evidence`` is what the books know, which names nobody.

    ``heard`` is the number of the latest `CaseNews` that it knows. ``withdrawal`` and ``reinstatement`` are the legs of
    the two movements that it may come to: the chargeback with its ``fee``, and the money back. ``reserved_minor`` is
    what is held back for an inquiry.
    """

    id: DisputeId
    version: int
    payment: PaymentId
    charge: ChargeId
    scheme: Scheme
    amount_minor: int
    currency: Currency
    reason: DisputeReason
    status: DisputeStatus
    case: str
    heard: int
    created_at: datetime
    evidence_due_at: datetime
    reason_code: str | None = None
    reserved_minor: int = 0
    fee: Fee = NO_FEE
    withdrawal: tuple[Transfer, ...] = field(default=(), repr=False)
    fee_returned: bool = False
    reinstatement: tuple[Transfer, ...] = field(default=(), repr=False)
    evidence: Metadata = field(default=(), repr=False)
    sealed_evidence: SealedEvidence | None = None
    submissions: int = 0
    submitted_at: datetime | None = None
    metadata: Metadata = field(default=())
    errand: Errand | None = None

    @property
    def movement(self) -> MovementId | None:
        """The movement that took the money, or None if none has been taken."""
        return self.withdrawal[0].id.movement_id if self.withdrawal else None

    @property
    def reversal_movement(self) -> MovementId | None:
        """The movement that gave it back, or None."""
        return self.reinstatement[0].id.movement_id if self.reinstatement else None

    @property
    def inquiry(self) -> bool:
        """Whether it is one: the bank asks, and takes no money."""
        return self.status in INQUIRIES

    @property
    def has_evidence(self) -> bool:
        """Whether there is anything to submit."""
        return bool(self.sealed_evidence.names if self.sealed_evidence else self.evidence)

    @property
    def charge_refundable(self) -> bool:
        """Whether it leaves the merchant free to give the charge back."""
        return self.status not in STANDING

    @property
    def past_due(self) -> bool:
        """Whether the evidence was submitted when it was too late to count on it."""
        return self.submitted_at is not None and self.submitted_at > self.evidence_due_at

    @property
    def due_at(self) -> datetime | None:
        """When the sweeper has to look at it, or None."""
        return self.errand.due_at if self.errand else None

    def moved_to(self, status: DisputeStatus) -> DisputeStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a dispute"
            raise AssertionError(message)
        return status
