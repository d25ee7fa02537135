"""What a message says, checked: which elements it must have, and what may stand in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from fintech.domain.cards import CardDetails
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.entrypoints.terminals.identity import (
    Identity,
    identity_of,
    identity_of_reference,
    original_of,
)
from fintech.iso8583.elements import Message
from fintech.iso8583.response_codes import ResponseCode

#: What every message must have, by the first three digits of its type.
REQUIRED: Final[Mapping[str, tuple[int, ...]]] = {
    "020": (3, 4, 7, 11, 22, 41, 49),
    "022": (3, 4, 7, 11, 22, 41, 49),
    "042": (3, 4, 7, 11, 41, 49),
    "080": (7, 11, 41, 70),
}
#: Currency codes (ISO 4217, numeric).
CURRENCIES: Final = {
    "036": Currency.AUD,
    "392": Currency.JPY,
    "554": Currency.NZD,
    "702": Currency.SGD,
    "826": Currency.GBP,
    "840": Currency.USD,
    "978": Currency.EUR,
}
#: A card says two digits of the year in which it expires.
CENTURY: Final = 2000


@frozen
class Wrong:
    """Why a message is not done: its response code, and in words that have nothing of it."""

    code: ResponseCode
    why: str


@frozen(kw_only=True)
class Said:
    """What a financial message says of itself."""

    identity: Identity
    processing: str
    amount: str
    currency: Currency
    transmitted: str
    entry_mode: str

    @property
    def amount_minor(self) -> int:
        """Minor units."""
        return int(self.amount)


@frozen(kw_only=True)
class Reversing:
    """What a reversal says of its original. ``mti`` and ``transmitted`` are unknown where it names a reference only."""

    identity: Identity
    mti: str = "0200"
    transmitted: str | None = field(default=None)


def missing_element(message: Message) -> Wrong | None:
    """The first element that a message lacks."""
    for number in REQUIRED[message.mti[:3]]:
        if number not in message.elements:
            return Wrong(ResponseCode.FORMAT_ERROR, f"element {number} is missing")
    return None


def said_by(message: Message, now: datetime) -> Outcome[Said, Wrong]:
    """What a message says that has all that it must have."""
    text = {number: message.text(number) or "" for number in (3, 4, 7, 11, 22, 41, 49)}
    identity = identity_of(text[41], text[11], text[7], now)
    if identity is None:
        return Failure(Wrong(ResponseCode.FORMAT_ERROR, "element 7 is no moment"))
    currency = CURRENCIES.get(text[49])
    if currency is None:
        return Failure(Wrong(ResponseCode.INVALID_TRANSACTION, "element 49 is a currency that nobody keeps"))
    if not text[4].strip("0"):
        return Failure(Wrong(ResponseCode.INVALID_AMOUNT, "element 4 is nothing"))
    return Success(
        Said(
            identity=identity,
            processing=text[3],
            amount=text[4],
            currency=currency,
            transmitted=text[7],
            entry_mode=text[22],
        )
    )


def card_of(message: Message) -> Outcome[CardDetails, Wrong]:
    """The card that was read or typed in: elements 2 and 14, or the second track."""
    number, expiry, track = message.text(2), message.text(14), message.text(35)
    if track is not None:
        read, separator, rest = track.partition("D")
        if not separator or len(rest) < 4 or not rest[:4].isdecimal():
            return Failure(Wrong(ResponseCode.FORMAT_ERROR, "element 35 is no second track"))
        if (number or read) != read or (expiry or rest[:4]) != rest[:4]:
            return Failure(Wrong(ResponseCode.FORMAT_ERROR, "element 35 is of another card than 2 and 14"))
        number, expiry = read, rest[:4]
    if number is None:
        return Failure(Wrong(ResponseCode.FORMAT_ERROR, "element 2 is missing, and 35 too"))
    if expiry is None:
        return Failure(Wrong(ResponseCode.FORMAT_ERROR, "element 14 is missing, and 35 too"))
    return Success(CardDetails(number=number, exp_month=int(expiry[2:]), exp_year=CENTURY + int(expiry[:2])))


def reversing(message: Message, now: datetime) -> Outcome[Reversing, Wrong]:
    """Which message a reversal is about: element 90 says it, or else 37."""
    number, told = message.text(41) or "", original_of(message.text(90) or "")
    if told is not None:
        identity = identity_of(number, told.stan, told.transmitted, now)
        if identity is None:
            return Failure(Wrong(ResponseCode.FORMAT_ERROR, "element 90 has no moment in it"))
        return Success(Reversing(identity=identity, mti=told.mti, transmitted=told.transmitted))
    reference = message.text(37)
    identity = identity_of_reference(number, reference) if reference is not None else None
    if identity is None:
        return Failure(Wrong(ResponseCode.FORMAT_ERROR, "neither element 90 nor 37 names an original"))
    return Success(Reversing(identity=identity))
