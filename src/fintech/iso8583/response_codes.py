"""Response codes (data element 39): what a message came to, in two characters (ISO 8583:1987, annex A)."""

from enum import StrEnum
from typing import Final

from fintech.domain.cards import Decline, DeclineCode


class ResponseCode(StrEnum):
    """The codes that we send, and those of issuers that we pass on."""

    APPROVED = "00"
    INVALID_MERCHANT = "03"  #: also a terminal that nobody knows
    DO_NOT_HONOUR = "05"
    ERROR = "06"
    INVALID_TRANSACTION = "12"
    INVALID_AMOUNT = "13"
    INVALID_CARD_NUMBER = "14"
    NO_ACTION_TAKEN = "21"  #: it was reversed, before it came or since
    RECORD_NOT_FOUND = "25"  #: the purchase that is to be given back
    FORMAT_ERROR = "30"
    LOST_CARD = "41"
    STOLEN_CARD = "43"
    INSUFFICIENT_FUNDS = "51"
    EXPIRED_CARD = "54"
    INCORRECT_PIN = "55"
    NOT_PERMITTED_TO_CARDHOLDER = "57"
    NOT_PERMITTED_TO_TERMINAL = "58"  #: it is suspended, or has not signed on
    SUSPECTED_FRAUD = "59"
    LIMIT_EXCEEDED = "61"
    ORIGINAL_AMOUNT_INCORRECT = "64"
    FREQUENCY_EXCEEDED = "65"
    ISSUER_INOPERATIVE = "91"
    DUPLICATE = (
        "94"  #: the same terminal, hour and trace number as another message, which said something else
    )
    SYSTEM_MALFUNCTION = "96"

    @property
    def approved(self) -> bool:
        """Whether it is a yes."""
        return self is ResponseCode.APPROVED


_OF_DECLINES: Final = {
    DeclineCode.DO_NOT_HONOR: ResponseCode.DO_NOT_HONOUR,
    DeclineCode.EXPIRED_CARD: ResponseCode.EXPIRED_CARD,
    DeclineCode.FRAUDULENT: ResponseCode.SUSPECTED_FRAUD,
    DeclineCode.GENERIC_DECLINE: ResponseCode.DO_NOT_HONOUR,
    DeclineCode.INCORRECT_CVC: ResponseCode.DO_NOT_HONOUR,
    DeclineCode.INSUFFICIENT_FUNDS: ResponseCode.INSUFFICIENT_FUNDS,
    DeclineCode.LOST_CARD: ResponseCode.LOST_CARD,
    DeclineCode.PROCESSING_ERROR: ResponseCode.ERROR,
    DeclineCode.STOLEN_CARD: ResponseCode.STOLEN_CARD,
    DeclineCode.VELOCITY_EXCEEDED: ResponseCode.FREQUENCY_EXCEEDED,
}
_DECLINES: Final = {
    ResponseCode.DO_NOT_HONOUR: DeclineCode.DO_NOT_HONOR,
    ResponseCode.ERROR: DeclineCode.PROCESSING_ERROR,
    ResponseCode.LOST_CARD: DeclineCode.LOST_CARD,
    ResponseCode.STOLEN_CARD: DeclineCode.STOLEN_CARD,
    ResponseCode.INSUFFICIENT_FUNDS: DeclineCode.INSUFFICIENT_FUNDS,
    ResponseCode.EXPIRED_CARD: DeclineCode.EXPIRED_CARD,
    ResponseCode.SUSPECTED_FRAUD: DeclineCode.FRAUDULENT,
    ResponseCode.FREQUENCY_EXCEEDED: DeclineCode.VELOCITY_EXCEEDED,
    ResponseCode.ISSUER_INOPERATIVE: DeclineCode.PROCESSING_ERROR,
    ResponseCode.SYSTEM_MALFUNCTION: DeclineCode.PROCESSING_ERROR,
}
#: What an issuer says is passed on as it said it, where it is one of these; never a yes.
_PASSED_ON: Final = frozenset(ResponseCode) - {ResponseCode.APPROVED}


def code_of_decline(decline: Decline) -> ResponseCode:
    """What a terminal is told of an issuer's no."""
    if decline.scheme_code in _PASSED_ON:
        return ResponseCode(decline.scheme_code)
    return _OF_DECLINES[decline.code]


def decline_of_code(code: str) -> DeclineCode | None:
    """An issuer's no in the words that merchants know; None for an approval."""
    if code == ResponseCode.APPROVED:
        return None
    known = ResponseCode(code) if code in frozenset(ResponseCode) else None
    return _DECLINES.get(known, DeclineCode.GENERIC_DECLINE) if known else DeclineCode.GENERIC_DECLINE
