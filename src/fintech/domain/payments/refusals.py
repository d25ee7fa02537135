"""Why a payment does not do what was asked of it. Values, not exceptions; each face says them in its own words."""

from enum import StrEnum

from attrs import frozen

from fintech.domain.ids import DisputeId


@frozen
class WrongStatus:
    """The payment's status does not allow it. ``status`` is the payment's, ``wanted`` the verb."""

    status: str
    wanted: str


@frozen
class AmountTooSmall:
    """Below the least amount, in minor units."""

    least_minor: int


@frozen
class AmountTooLarge:
    """Above the most that is possible here, in minor units."""

    most_minor: int


@frozen
class CurrencyNotSupported:
    """The merchant keeps no books in this currency."""

    supported: str


@frozen
class MethodMissing:
    """There is nothing to pay with yet."""


@frozen
class TooMany:
    """A payment has a bounded number of attempts, captures, increments and refunds."""

    what: str
    most: int


class MerchantReason(StrEnum):
    """Why a merchant may not."""

    SUSPENDED = "suspended"
    CLOSED = "closed"


@frozen
class MerchantMayNot:
    """The merchant's standing does not allow it."""

    reason: MerchantReason


@frozen
class AuthorisationExpired:
    """The approval may not be captured any more."""


@frozen
class AlreadyAnswered:
    """The attempt has its outcome; a late reply changes nothing."""


@frozen
class ChargeDisputed:
    """The cardholder's bank has taken the money back: giving it back as well would pay the cardholder twice."""

    dispute: DisputeId


PaymentRefusal = (
    WrongStatus
    | AmountTooSmall
    | AmountTooLarge
    | CurrencyNotSupported
    | MethodMissing
    | TooMany
    | MerchantMayNot
    | AuthorisationExpired
    | AlreadyAnswered
    | ChargeDisputed
)
