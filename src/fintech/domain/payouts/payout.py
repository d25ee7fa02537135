"""A payout: a merchant's money on its way to its bank account. `TRANSITIONS` is its whole life."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId, MovementId, PayoutId
from fintech.domain.merchants import NO_FEE, Fee
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.tax import TaxCode


class PayoutMethod(StrEnum):
    """How fast, and at whose expense."""

    STANDARD = "standard"
    INSTANT = "instant"


class PayoutStatus(StrEnum):
    """Where a payout stands."""

    PENDING = "pending"  #: waits for the bank's next window; may still be cancelled
    SENT = "sent"  #: the intent is committed, the bank may or may not have been asked
    UNKNOWN = "unknown"  #: asked, no answer: neither yes nor no
    IN_TRANSIT = "in_transit"  #: the bank has taken it
    PAID = "paid"
    FAILED = "failed"  #: refused by the bank, or returned by the other one, also after it was paid
    CANCELED = "canceled"


TRANSITIONS: Final[dict[PayoutStatus, frozenset[PayoutStatus]]] = {
    PayoutStatus.PENDING: frozenset({PayoutStatus.SENT, PayoutStatus.CANCELED}),
    PayoutStatus.SENT: frozenset(
        {PayoutStatus.UNKNOWN, PayoutStatus.IN_TRANSIT, PayoutStatus.PAID, PayoutStatus.FAILED}
    ),
    PayoutStatus.UNKNOWN: frozenset({PayoutStatus.IN_TRANSIT, PayoutStatus.PAID, PayoutStatus.FAILED}),
    PayoutStatus.IN_TRANSIT: frozenset({PayoutStatus.PAID, PayoutStatus.FAILED}),
    PayoutStatus.PAID: frozenset({PayoutStatus.FAILED}),  # returned up to five business days later
    PayoutStatus.FAILED: frozenset(),
    PayoutStatus.CANCELED: frozenset(),
}

#: The money is on the account `in_transit`.
OPEN: Final = frozenset(
    {PayoutStatus.PENDING, PayoutStatus.SENT, PayoutStatus.UNKNOWN, PayoutStatus.IN_TRANSIT}
)


class PayoutFailure(StrEnum):
    """Why the money did not arrive (Stripe's payout failure codes)."""

    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_FROZEN = "account_frozen"
    BANK_ACCOUNT_RESTRICTED = "bank_account_restricted"
    BANK_OWNERSHIP_CHANGED = "bank_ownership_changed"
    COULD_NOT_PROCESS = "could_not_process"
    DECLINED = "declined"
    INCORRECT_ACCOUNT_HOLDER_NAME = "incorrect_account_holder_name"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    INVALID_ACCOUNT_NUMBER = "invalid_account_number"
    NO_ACCOUNT = "no_account"


@frozen(kw_only=True, slots=False)
class Payout:
    """Amounts in minor units of ``currency``.

    ``advanced_minor`` is the part of amount, fee and tax that was paid ahead of settlement, ``tax_code`` what the fee
    was taxed under. ``paid_at`` stays when the money comes back later. ``failure_movement`` is what put the money back
    into the balance, also when it was cancelled. ``reverses`` names the payout whose money this one brings back (it is
    in the balance once this one is paid); ``reversed_by`` the other way round.
    """

    id: PayoutId
    version: int
    method: PayoutMethod
    amount_minor: int
    currency: Currency
    status: PayoutStatus
    destination: BankAccountId
    created_at: datetime
    automatic: bool = False
    fee: Fee = NO_FEE
    tax_code: TaxCode | None = None
    advanced_minor: int = 0
    quota_day: date | None = None
    movement: MovementId | None = None
    send_at: datetime | None = None
    sent_at: datetime | None = None
    arrival_at: datetime | None = None
    paid_at: datetime | None = None
    reference: str | None = field(default=None)
    failure: PayoutFailure | None = None
    failure_movement: MovementId | None = None
    description: str | None = None
    statement_descriptor: str | None = None
    metadata: Metadata = field(default=())
    reverses: PayoutId | None = None
    reversed_by: PayoutId | None = None
    remittances: int = 0
    tries: int = 0
    next_try_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """When the sweeper has to look at it, or None."""
        return self.send_at if self.status is PayoutStatus.PENDING else self.next_try_at

    @property
    def in_transit_minor(self) -> int:
        """What of it is on the account ``in_transit``: nothing for a reversal, whose money comes the other way."""
        return self.amount_minor if self.status in OPEN and self.reverses is None else 0

    @property
    def total_minor(self) -> int:
        """What it took from the balance: its amount, its fee and the tax on it; nothing for a reversal."""
        return 0 if self.reverses else self.amount_minor + self.fee.total_minor

    def updated(self, metadata: Metadata | None = None) -> "Outcome[Payout, TooManyKeys]":
        """Change what is given, at any time: a payout's terms stay what they are. Refused as `merged` refuses."""
        merging = merged(self.metadata, metadata)
        if isinstance(merging, Failure):
            return merging
        return Success(evolve(self, metadata=merging.unwrap()))

    def moved_to(self, status: PayoutStatus) -> PayoutStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a payout"
            raise AssertionError(message)
        return status
