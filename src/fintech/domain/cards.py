"""Cards: what may be kept of one, what a scheme answers, and the words for it."""

import base64
from datetime import date
from enum import StrEnum
from typing import Final, NoReturn

from attrs import field, frozen

PAN_LENGTHS: Final = range(12, 20)  # ISO/IEC 7812-1: up to 19 digits


class Scheme(StrEnum):
    """Card schemes that fees and receivables are kept by."""

    AMEX = "amex"
    DINERS = "diners"
    DISCOVER = "discover"
    EFTPOS = "eftpos_au"
    JCB = "jcb"
    MASTERCARD = "mastercard"
    UNIONPAY = "unionpay"
    VISA = "visa"


class Funding(StrEnum):
    """What the cardholder pays with."""

    CREDIT = "credit"
    DEBIT = "debit"
    PREPAID = "prepaid"
    UNKNOWN = "unknown"


class SecurityCode:
    """A card's security code, in the memory of one request. It is neither a text nor bytes, so that nothing that keeps,
    seals, digests or sends those takes one; nor can it be copied into a file (PCI DSS 3.3.1.2)."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = digits

    @property
    def well_formed(self) -> bool:
        """Whether it is three or four digits."""
        return self._digits.isascii() and self._digits.isdigit() and len(self._digits) in (3, 4)

    def __reduce__(self) -> NoReturn:
        message = "a security code is not kept"
        raise TypeError(message)


def _security_code(given: "SecurityCode | str | None") -> SecurityCode | None:
    return SecurityCode(given) if isinstance(given, str) else given


@frozen(kw_only=True)
class CardDetails:
    """A card as it is typed in: PAN and CVV. Lives in the memory of one request; no table, log or repr has it."""

    number: str = field(repr=False)
    exp_month: int = field(repr=False)
    exp_year: int = field(repr=False)
    cvc: SecurityCode | None = field(repr=False, eq=False, default=None, converter=_security_code)


@frozen(kw_only=True)
class Card:
    """What is kept of a card.

    ``bin`` is the first six digits and ``last4`` the last four (PCI DSS 3.4.1 permits both to be shown);
    ``fingerprint`` is the merchant's blind index of the PAN, and cannot be turned back without its keys; None as long as
    nobody had them. ``token`` is what the acquirer knows the card by, and worth nothing to anyone else.
    """

    scheme: Scheme
    bin: str
    last4: str
    exp_month: int
    exp_year: int
    funding: Funding
    country: str
    token: str = field(repr=False)
    fingerprint: str | None = None

    def expired(self, today: date) -> bool:
        """A card is good until the end of the month it names."""
        return (self.exp_year, self.exp_month) < (today.year, today.month)


def fingerprint_of(digest: bytes) -> str:
    """A fingerprint as it is shown, of a keyed digest: 80 bits of it, in 16 letters and digits."""
    return base64.b32encode(digest[:10]).decode()


class CardFault(StrEnum):
    """Why card details are refused before anyone is asked. The values are Stripe's error codes."""

    INCORRECT_NUMBER = "incorrect_number"
    INVALID_EXPIRY_MONTH = "invalid_expiry_month"
    INVALID_EXPIRY_YEAR = "invalid_expiry_year"
    INVALID_CVC = "invalid_cvc"
    TEST_CARD_NEEDED = "test_card_needed"


def luhn_valid(number: str) -> bool:
    """Whether the last digit checks (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def fault_of(card: CardDetails, today: date) -> CardFault | None:
    """The first thing wrong with typed-in details, or None. Expiry years are four digits, at most 50 ahead."""
    number = card.number
    if not (number.isascii() and number.isdigit() and len(number) in PAN_LENGTHS and luhn_valid(number)):
        return CardFault.INCORRECT_NUMBER
    if not 1 <= card.exp_month <= 12:
        return CardFault.INVALID_EXPIRY_MONTH
    if not today.year <= card.exp_year <= today.year + 50:
        return CardFault.INVALID_EXPIRY_YEAR
    if (card.exp_year, card.exp_month) < (today.year, today.month):
        return CardFault.INVALID_EXPIRY_MONTH
    if card.cvc is not None and not card.cvc.well_formed:
        return CardFault.INVALID_CVC
    return None


class DeclineCode(StrEnum):
    """Why an issuer said no, in the words that merchants know (Stripe's decline codes)."""

    DO_NOT_HONOR = "do_not_honor"
    EXPIRED_CARD = "expired_card"
    FRAUDULENT = "fraudulent"
    GENERIC_DECLINE = "generic_decline"
    INCORRECT_CVC = "incorrect_cvc"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOST_CARD = "lost_card"
    PROCESSING_ERROR = "processing_error"
    STOLEN_CARD = "stolen_card"
    VELOCITY_EXCEEDED = "card_velocity_exceeded"


class Advice(StrEnum):
    """What the scheme advises the merchant to do after a decline."""

    CONFIRM_CARD_DATA = "confirm_card_data"
    DO_NOT_TRY_AGAIN = "do_not_try_again"
    TRY_AGAIN_LATER = "try_again_later"


@frozen(kw_only=True)
class Decline:
    """An issuer's no. ``scheme_code`` is the response code of the message (ISO 8583:1987, data element 39)."""

    code: DeclineCode
    scheme_code: str
    advice: Advice | None = None


@frozen(kw_only=True)
class Approved:
    """The acquirer's yes. ``reference`` is what later messages about this transaction are named by."""

    reference: str
    auth_code: str | None = None


@frozen
class Unknown:
    """Neither yes nor no: a time-out, a cut line. The only honest next step is to ask."""

    reason: str


@frozen
class NotFound:
    """The acquirer has never seen what it was asked about (an enquiry's answer)."""


AuthorisationReply = Approved | Decline | Unknown
EnquiryReply = Approved | Decline | NotFound | Unknown
