"""What terminals are told: the response code of whatever a request came to."""

from typing import Final

from fintech.application.commits import NotFound
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.terminals.reversals import AmountDiffers
from fintech.domain.cards import CardFault
from fintech.domain.changeset import AccountClosed, KeyReused, LimitReached
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.payments.at_terminal import reversed_at_terminal
from fintech.domain.payments.attempt import AttemptStatus
from fintech.domain.payments.payment import Payment, PaymentStatus
from fintech.domain.payments.refusals import (
    AmountTooLarge,
    AmountTooSmall,
    CurrencyNotSupported,
    MerchantMayNot,
    TooMany,
    WrongStatus,
)
from fintech.domain.refunds.refund import InsufficientFunds, Refund, RefundStatus
from fintech.domain.terminals import TerminalMayNot
from fintech.iso8583.response_codes import ResponseCode, code_of_decline

_CARD_FAULTS: Final = {
    CardFault.INCORRECT_NUMBER: ResponseCode.INVALID_CARD_NUMBER,
    CardFault.TEST_CARD_NEEDED: ResponseCode.INVALID_CARD_NUMBER,
    CardFault.INVALID_EXPIRY_MONTH: ResponseCode.EXPIRED_CARD,
    CardFault.INVALID_EXPIRY_YEAR: ResponseCode.EXPIRED_CARD,
    CardFault.INVALID_CVC: ResponseCode.DO_NOT_HONOUR,
}
#: A merchant whose keys are gone sells nothing; one whose keys cannot be had now may try again.
_CUSTODY: Final = {
    CustodyReason.REVOKED: ResponseCode.INVALID_MERCHANT,
    CustodyReason.DESTROYED: ResponseCode.INVALID_MERCHANT,
    CustodyReason.SUSPENDED: ResponseCode.ISSUER_INOPERATIVE,
    CustodyReason.UNREACHABLE: ResponseCode.ISSUER_INOPERATIVE,
    CustodyReason.INTEGRITY: ResponseCode.SYSTEM_MALFUNCTION,
}
_REFUSALS: Final[dict[type[object], ResponseCode]] = {
    AccountClosed: ResponseCode.INVALID_MERCHANT,
    AcquirerMissing: ResponseCode.ISSUER_INOPERATIVE,
    AmountDiffers: ResponseCode.ORIGINAL_AMOUNT_INCORRECT,
    AmountTooLarge: ResponseCode.LIMIT_EXCEEDED,
    AmountTooSmall: ResponseCode.INVALID_AMOUNT,
    CurrencyNotSupported: ResponseCode.INVALID_TRANSACTION,
    InsufficientFunds: ResponseCode.LIMIT_EXCEEDED,
    KeyReused: ResponseCode.DUPLICATE,
    LimitReached: ResponseCode.LIMIT_EXCEEDED,
    MerchantMayNot: ResponseCode.INVALID_MERCHANT,
    TerminalMayNot: ResponseCode.NOT_PERMITTED_TO_TERMINAL,
    TooMany: ResponseCode.FREQUENCY_EXCEEDED,
    WrongStatus: ResponseCode.INVALID_TRANSACTION,
}
#: What a request may name that is not there: whose it is, or what it is about.
_OWNERS: Final = frozenset({"merchant", "terminal"})


def code_of_payment(payment: Payment) -> ResponseCode | None:
    """What a purchase came to; None while nobody knows. What somebody typed in for it later is no business of the
    terminal's: its attempt is the first."""
    attempt = payment.attempts[0] if payment.attempts else None
    if attempt is None:
        return ResponseCode.NO_ACTION_TAKEN
    if attempt.decline is not None:
        return code_of_decline(attempt.decline)
    if attempt.status is AttemptStatus.RELEASED:
        return ResponseCode.ISSUER_INOPERATIVE
    if payment.status is PaymentStatus.PROCESSING:
        return None
    return ResponseCode.NO_ACTION_TAKEN if reversed_at_terminal(payment) else ResponseCode.APPROVED


def code_of_refund(refund: Refund) -> ResponseCode:
    """What a refund came to. One whose answer is still to come is a yes: its money is set aside, and whoever has to
    look after it hears of it as of every refund."""
    return ResponseCode.DO_NOT_HONOUR if refund.status is RefundStatus.FAILED else ResponseCode.APPROVED


def code_of_refusal(refused: object) -> ResponseCode | None:
    """Why a request is not done; None where the terminal had better hear nothing and ask again."""
    if isinstance(refused, CardFault):
        return _CARD_FAULTS[refused]
    if isinstance(refused, CustodyRefused):
        return _CUSTODY[refused.reason]
    if isinstance(refused, NotFound):
        return ResponseCode.INVALID_MERCHANT if refused.kind in _OWNERS else ResponseCode.RECORD_NOT_FOUND
    return _REFUSALS.get(type(refused))
