"""A refund: money on its way back to a cardholder. `TRANSITIONS` is its whole life."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.cards import Scheme
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChargeId, MovementId, PaymentId, RefundId, TransferId
from fintech.domain.ledger import AccountId, TransferKind
from fintech.domain.merchants import NO_FEE, Fee
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import ANSWER_PATIENCE

REFUNDS_MAX: Final = 100
#: An unknown refund is asked about until somebody answers; the last delay repeats.
ENQUIRY_DELAYS_S: Final = (1, 2, 5, 15, 60, 300, 900, 3600)


class RefundStatus(StrEnum):
    """Where a refund stands."""

    SENT = "sent"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


TRANSITIONS: Final[dict[RefundStatus, frozenset[RefundStatus]]] = {
    RefundStatus.SENT: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.UNKNOWN}),
    RefundStatus.UNKNOWN: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),  # the issuer sent it back days later
    RefundStatus.FAILED: frozenset(),
}


class RefundReason(StrEnum):
    """Why the merchant gives money back."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"
    TERMINAL_REVERSAL = "terminal_reversal"  #: a fact that a terminal tells, and nobody's to choose


#: What a merchant may say.
REASONS_TO_CHOOSE: Final = tuple(each for each in RefundReason if each is not RefundReason.TERMINAL_REVERSAL)


class RefundFailure(StrEnum):
    """Why the money did not arrive (Stripe's refund failure reasons)."""

    DECLINED = "declined"
    EXPIRED_OR_CANCELED_CARD = "expired_or_canceled_card"
    LOST_OR_STOLEN_CARD = "lost_or_stolen_card"
    UNKNOWN = "unknown"


@frozen
class InsufficientFunds:
    """Neither bucket has the money and the merchant's policy allows no (more) debt. Minor units."""

    obtainable_minor: int


@frozen
class RefundOver:
    """The refund has its outcome."""

    status: RefundStatus


@frozen
class Draw:
    """A pending leg of a refund: where its money comes from and where it goes."""

    transfer: TransferId
    kind: TransferKind
    debit: AccountId
    credit: AccountId
    amount_minor: int


@frozen(kw_only=True, slots=False)
class Refund:
    """Amounts in minor units. ``draws`` are the pending transfers that the outcome posts or voids; ``fee`` is what the
    merchant gets back of the acquiring fee when the refund succeeds."""

    id: RefundId
    version: int
    payment: PaymentId
    charge: ChargeId
    amount_minor: int
    currency: Currency
    scheme: Scheme
    status: RefundStatus
    created_at: datetime
    sent_at: datetime
    original_reference: str
    reason: RefundReason | None = None
    reference: str | None = None
    failure: RefundFailure | None = None
    movement: MovementId | None = None
    failure_movement: MovementId | None = None
    draws: tuple[Draw, ...] = field(default=())
    fee: Fee = NO_FEE
    tries: int = 0
    next_try_at: datetime | None = None
    metadata: Metadata = field(default=())

    @property
    def due_at(self) -> datetime | None:
        """When the sweeper has to look at it, or None."""
        if self.status is RefundStatus.SENT:
            return self.sent_at + ANSWER_PATIENCE
        return self.next_try_at if self.status is RefundStatus.UNKNOWN else None

    def updated(self, metadata: Metadata | None = None) -> "Outcome[Refund, TooManyKeys]":
        """Change what is given, at any time: a refund's terms stay what they are. Refused as `merged` refuses."""
        merging = merged(self.metadata, metadata)
        if isinstance(merging, Failure):
            return merging
        return Success(evolve(self, metadata=merging.unwrap()))

    def moved_to(self, status: RefundStatus) -> RefundStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a refund"
            raise AssertionError(message)
        return status
