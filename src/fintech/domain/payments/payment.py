"""A payment: the intent to be paid an amount, and the attempts made at it.

Intent is not attempt: a decline leaves the payment alive for another card. Every change is a method that answers the
new payment, together with what it does to the books, or a refusal. `TRANSITIONS` is the whole life of a payment.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import ChargeId, DisputeId, PaymentId
from fintech.domain.ledger import Transfer
from fintech.domain.merchants import NO_FEE, Fee, Merchant, Standing
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.attempt import Attempt, AttemptStatus
from fintech.domain.payments.refusals import (
    AmountTooLarge,
    AmountTooSmall,
    ChargeDisputed,
    CurrencyNotSupported,
    MerchantMayNot,
    MerchantReason,
    MethodMissing,
    PaymentRefusal,
    TooMany,
    WrongStatus,
)

ATTEMPTS_MAX: Final = 20
CAPTURES_MAX: Final = 50
INCREMENTS_MAX: Final = 10


class PaymentStatus(StrEnum):
    """Where a payment stands, in the words of the wire that merchants know."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


TRANSITIONS: Final[dict[PaymentStatus, frozenset[PaymentStatus]]] = {
    PaymentStatus.REQUIRES_PAYMENT_METHOD: frozenset(
        {PaymentStatus.REQUIRES_CONFIRMATION, PaymentStatus.PROCESSING, PaymentStatus.CANCELED}
    ),
    PaymentStatus.REQUIRES_CONFIRMATION: frozenset({PaymentStatus.PROCESSING, PaymentStatus.CANCELED}),
    PaymentStatus.PROCESSING: frozenset(
        {PaymentStatus.SUCCEEDED, PaymentStatus.REQUIRES_CAPTURE, PaymentStatus.REQUIRES_PAYMENT_METHOD}
    ),
    PaymentStatus.REQUIRES_CAPTURE: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED}),
    PaymentStatus.SUCCEEDED: frozenset(),
    PaymentStatus.CANCELED: frozenset(),
}

#: Nothing has been asked of an acquirer, so everything may still be changed.
BEFORE_CONFIRMATION: Final = frozenset(
    {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION}
)


class CaptureMethod(StrEnum):
    """Whether the money is taken with the approval or later."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class CancelReason(StrEnum):
    """Why a payment was cancelled; ``AUTOMATIC`` is the clock's."""

    ABANDONED = "abandoned"
    AUTOMATIC = "automatic"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


@frozen(kw_only=True, slots=False)
class Payment:
    """Amounts in minor units of ``currency``. ``version`` is the one that it is saved under: 1 for the first.

    ``method`` is what the next attempt will be made with; an attempt takes it along.

    Invariant: ``refunded_minor`` (open refunds included) <= captured <= authorised, checked again by the table.
    """

    id: PaymentId
    version: int
    amount_minor: int
    currency: Currency
    status: PaymentStatus
    capture_method: CaptureMethod
    created_at: datetime
    method: Method | None = None
    description: str | None = None
    metadata: Metadata = field(default=())
    attempts: tuple[Attempt, ...] = field(default=())
    refunded_minor: int = 0
    refunds: int = 0
    fee_returned: Fee = NO_FEE  #: what refunds, open ones included, give back of the captures' fee
    canceled_at: datetime | None = None
    cancel_reason: CancelReason | None = None
    disputes: tuple[DisputeId, ...] = field(default=())
    disputed_minor: int = 0  #: what chargebacks have taken and not given back

    @property
    def attempt(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def authorised_minor(self) -> int:
        """What the issuer of the latest attempt said yes to."""
        return self.attempts[-1].authorised_minor if self.attempts else 0

    @property
    def captured_minor(self) -> int:
        """What was taken."""
        return self.attempts[-1].captured_minor if self.attempts else 0

    @property
    def capturable_minor(self) -> int:
        """What may still be captured."""
        return self.attempts[-1].held_minor if self.attempts else 0

    @property
    def due_at(self) -> datetime | None:
        """When the sweeper has to look at it, or None."""
        if len(self.attempts) == 1:
            return self.attempts[0].due_at
        return min((due for each in self.attempts if (due := each.due_at) is not None), default=None)

    def moved_to(self, status: PaymentStatus) -> PaymentStatus:
        """The next status; a step that the table does not know is a bug."""
        if status is not self.status and status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a payment"
            raise AssertionError(message)
        return status

    def updated(
        self,
        merchant: Merchant,
        *,
        amount_minor: int | None = None,
        method: Method | None = None,
        capture_method: CaptureMethod | None = None,
        description: str | None = None,
        metadata: Metadata | None = None,
    ) -> "Outcome[Payment, PaymentRefusal]":
        """Change what is given; description and metadata at any time, the rest before confirmation only."""
        terms = amount_minor is not None or method is not None or capture_method is not None
        if terms and self.status not in BEFORE_CONFIRMATION:
            return Failure(WrongStatus(self.status, "update"))
        if amount_minor is not None and (refused := amount_refused(merchant, amount_minor)) is not None:
            return Failure(refused)
        status = self.status
        if method is not None:
            status = self.moved_to(PaymentStatus.REQUIRES_CONFIRMATION)
        return Success(
            evolve(
                self,
                amount_minor=self.amount_minor if amount_minor is None else amount_minor,
                method=self.method if method is None else method,
                capture_method=self.capture_method if capture_method is None else capture_method,
                description=self.description if description is None else description,
                metadata=self.metadata if metadata is None else metadata,
                status=status,
            )
        )

    def confirmed(
        self, merchant: Merchant, at: datetime, method: Method | None = None
    ) -> "Outcome[Payment, PaymentRefusal]":
        """The intent to ask the acquirer: committed before the call is made."""
        method = method or self.method
        if self.status not in BEFORE_CONFIRMATION:
            return Failure(WrongStatus(self.status, "confirm"))
        if (refused := may_trade(merchant)) is not None:
            return Failure(refused)
        if method is None:
            return Failure(MethodMissing())
        if len(self.attempts) >= ATTEMPTS_MAX:
            return Failure(TooMany("attempts", ATTEMPTS_MAX))
        attempt = Attempt(
            id=ChargeId.of(self.id, len(self.attempts)),
            method=method,
            amount_minor=self.amount_minor,
            status=AttemptStatus.SENT,
            sent_at=at,
        )
        status = self.moved_to(PaymentStatus.PROCESSING)
        return Success(evolve(self, status=status, method=None, attempts=(*self.attempts, attempt)))

    def refunding(self, amount_minor: int, refunds_max: int) -> "Outcome[Payment, PaymentRefusal]":
        """Reserve an amount for a refund, so that racing refunds never pass what was captured."""
        if not self.captured_minor:
            return Failure(WrongStatus(self.status, "refund"))
        if self.disputed_minor:
            return Failure(ChargeDisputed(self.disputes[-1]))
        if amount_minor > self.captured_minor - self.refunded_minor:
            return Failure(AmountTooLarge(self.captured_minor - self.refunded_minor))
        if amount_minor < 1:
            return Failure(AmountTooSmall(1))
        if self.refunds >= refunds_max:
            return Failure(TooMany("refunds", refunds_max))
        return Success(
            evolve(self, refunded_minor=self.refunded_minor + amount_minor, refunds=self.refunds + 1)
        )

    def returning(self, fee: Fee) -> "Payment":
        """Reserve the part of the fee that goes back with a refund, so that none is given back twice."""
        return evolve(self, fee_returned=self.fee_returned.plus(fee))

    def refund_undone(self, amount_minor: int, fee: Fee = NO_FEE) -> "Payment":
        """A refund came to nothing: its amount may be refunded again, and ``fee`` was not returned."""
        refunded = self.refunded_minor - amount_minor
        return evolve(self, refunded_minor=refunded, fee_returned=self.fee_returned.less(fee))

    def with_attempt(self, attempt: Attempt, **changes: object) -> "Payment":
        """The payment with its latest attempt replaced."""
        attempts = (*self.attempts[:-1], attempt)
        return evolve(self, attempts=attempts, **changes)


@frozen
class Booked:
    """A changed payment and what the change does to the books."""

    payment: Payment
    transfers: tuple[Transfer, ...] = ()


def new_payment(
    merchant: Merchant,
    *,
    id: PaymentId,
    amount_minor: int,
    currency: Currency,
    at: datetime,
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
    method: Method | None = None,
    description: str | None = None,
    metadata: Metadata = (),
) -> Outcome[Payment, PaymentRefusal]:
    """A payment that nobody has been asked about yet."""
    if (refused := may_trade(merchant)) is not None:
        return Failure(refused)
    if currency is not merchant.currency:
        return Failure(CurrencyNotSupported(merchant.currency))
    if (too_much := amount_refused(merchant, amount_minor)) is not None:
        return Failure(too_much)
    status = PaymentStatus.REQUIRES_CONFIRMATION if method else PaymentStatus.REQUIRES_PAYMENT_METHOD
    return Success(
        Payment(
            id=id,
            version=0,
            amount_minor=amount_minor,
            currency=currency,
            status=status,
            capture_method=capture_method,
            created_at=at,
            method=method,
            description=description,
            metadata=metadata,
        )
    )


def may_trade(merchant: Merchant) -> MerchantMayNot | None:
    """Whether a merchant may take payments."""
    match merchant.standing:
        case Standing.ACTIVE:
            return None
        case Standing.SUSPENDED:
            return MerchantMayNot(MerchantReason.SUSPENDED)
        case Standing.CLOSED:
            return MerchantMayNot(MerchantReason.CLOSED)


def amount_refused(merchant: Merchant, amount_minor: int) -> AmountTooSmall | AmountTooLarge | None:
    """Whether an amount is outside what a merchant may charge."""
    if amount_minor < merchant.limits.payment_min_minor:
        return AmountTooSmall(merchant.limits.payment_min_minor)
    if amount_minor > merchant.limits.payment_max_minor:
        return AmountTooLarge(merchant.limits.payment_max_minor)
    return None
