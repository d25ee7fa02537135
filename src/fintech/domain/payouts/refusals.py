"""Why a payout does not do what was asked of it. Values, not exceptions; each face says them in its own words."""

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from fintech.domain.ids import PayoutId
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall, MerchantMayNot
from fintech.domain.payouts.payout import PayoutStatus


@frozen
class BalanceInsufficient:
    """There is less than that to be paid out this way now; with a fee, ``obtainable_minor`` is what is left after it."""

    obtainable_minor: int


class InstantLimit(StrEnum):
    """What the day's limit of instant payouts counts."""

    AMOUNT = "amount"
    COUNT = "count"


@frozen
class InstantLimitReached:
    """The day (in Sydney) allows no more. ``left`` is in minor units or in payouts."""

    what: InstantLimit
    left: int


@frozen
class CoolingOff:
    """The bank account changed so lately that nothing is paid out instantly until then."""

    until: datetime


@frozen
class DestinationMissing:
    """There is no bank account to pay to."""


@frozen
class PayoutWrongStatus:
    """The payout's status does not allow it. ``wanted`` is the verb."""

    status: PayoutStatus
    wanted: str


@frozen
class NotReversible:
    """It was reversed before, ``by`` that payout, or is itself a reversal (None)."""

    by: PayoutId | None


@frozen
class NotDue:
    """The schedule asks for no payout now: somebody else saw to it, or there is none any more."""


PayoutRuleRefusal = (
    AmountTooSmall
    | AmountTooLarge
    | MerchantMayNot
    | BalanceInsufficient
    | InstantLimitReached
    | CoolingOff
    | DestinationMissing
    | PayoutWrongStatus
    | NotReversible
    | NotDue
)
