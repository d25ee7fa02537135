"""What the core refuses, as the wire says it: one arm for each refusal, and none is forgotten."""

from typing import Final, TypeAlias, assert_never

from fintech.application.commits import NotFound
from fintech.application.disputes.asking import DisputeRefusal
from fintech.application.payment_methods import MethodRefusal
from fintech.application.payments.asking import AcquirerMissing, Refusal
from fintech.application.refunds.asking import RefundRefusal
from fintech.domain.billing import BillingFault
from fintech.domain.cards import CardFault
from fintech.domain.changeset import (
    AccountClosed,
    AlreadyResolved,
    Expired,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
    UniqueTaken,
)
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import TooManyKeys
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    CurrencyNotSupported,
    MerchantMayNot,
    MethodMissing,
    TooMany,
    WrongStatus,
)
from fintech.domain.refunds.refund import InsufficientFunds, RefundOver
from fintech.entrypoints.http.dispute_refusals import OfDisputes, dispute_problem
from fintech.entrypoints.http.errors import ErrorType, Problem, missing
from fintech.entrypoints.http.protection import custody_problem

#: Everything that a use case behind this face may refuse with.
AnyRefusal: TypeAlias = Refusal | RefundRefusal | MethodRefusal | DisputeRefusal

_WIRE_NAMES: Final = {
    "bank_account": ("external account", "id"),
    "payment": ("payment_intent", "intent"),
    "payout": ("payout", "payout"),
    "refund": ("refund", "refund"),
    "merchant": ("account", "account"),
    "dispute": ("dispute", "dispute"),
}
_CARD_FAULTS: Final = {
    CardFault.INCORRECT_NUMBER: ("number", "Your card number is incorrect."),
    CardFault.INVALID_EXPIRY_MONTH: ("exp_month", "Your card's expiration month is invalid."),
    CardFault.INVALID_EXPIRY_YEAR: ("exp_year", "Your card's expiration year is invalid."),
    CardFault.INVALID_CVC: ("cvc", "Your card's security code is invalid."),
}
_BUSY: Final = Problem(
    status=409,
    code="lock_timeout",
    message="This object cannot be accessed right now because another request is working on it. Try again.",
    retry=True,
)
_EXPIRED: Final = Problem(
    code="charge_expired_for_capture", message="The authorization has expired: it can no longer be captured."
)


def problem_of(refused: AnyRefusal, *, param: str = "amount") -> Problem:  # noqa: C901, PLR0912 - one arm for each
    """The problem that a refusal is; ``param`` is the parameter that an amount was given in."""
    if isinstance(refused, OfDisputes):
        return dispute_problem(refused)
    match refused:
        case NotFound(kind=kind, id=id):
            wire, name = _WIRE_NAMES.get(kind, (kind, "id"))
            return missing(wire, id, name).problem
        case WrongStatus(status=status, wanted=wanted):
            return _wrong_status(status, wanted)
        case AmountTooSmall(least_minor=least):
            return Problem(code="amount_too_small", message=f"{param} must be at least {least}.", param=param)
        case AmountTooLarge(most_minor=most):
            return Problem(
                code="amount_too_large", message=f"{param} must be no more than {most}.", param=param
            )
        case CurrencyNotSupported(supported=supported):
            message = f"This account takes payments in {supported.lower()} only."
            return Problem(code="currency_not_supported", message=message, param="currency")
        case MethodMissing():
            return _METHOD_MISSING
        case TooMany(what=what, most=most):
            return Problem(code="limit_reached", message=f"A payment has at most {most} {what}.")
        case TooManyKeys(most=most):
            return _metadata_full(most)
        case MerchantMayNot(reason=reason):
            return _closed(f"account_{reason.value}")
        case AccountClosed():
            return _closed("account_closed")
        case AuthorisationExpired() | Expired():
            return _EXPIRED
        case InsufficientFunds(obtainable_minor=most) | LimitReached(spendable_minor=most):
            return _insufficient(max(most, 0), param)
        case RefundOver(status=status):
            return Problem(code="refund_over", message=f"This refund has {status.value} already.")
        case KeyInFlight() | KeyAnswered():
            return _IN_FLIGHT
        case KeyReused():
            return _REUSED
        case StaleWrite() | AlreadyAnswered() | AlreadyResolved():
            return _BUSY
        case UniqueTaken(name=name):
            message = f"There is something with this {name} already."
            return Problem(code="resource_already_exists", message=message)
        case AcquirerMissing():
            return _TEST_ONLY
        case CardFault() | BillingFault() | CustodyRefused():
            return _method_problem(refused)
        case _:
            assert_never(refused)


def card_problem(fault: CardFault) -> Problem:
    """What is wrong with a card's details."""
    if fault is CardFault.TEST_CARD_NEEDED:
        return Problem(
            status=402,
            type=ErrorType.CARD,
            code="card_declined",
            message="Your card was declined. Your request was in test mode, but used a non test card.",
            param="number",
            details={"decline_code": "test_mode_live_card"},
        )
    param, message = _CARD_FAULTS[fault]
    return Problem(status=402, type=ErrorType.CARD, code=fault.value, message=message, param=param)


def _method_problem(refused: CardFault | BillingFault | CustodyRefused) -> Problem:
    match refused:
        case CardFault():
            return card_problem(refused)
        case BillingFault(field=field, rule=rule):
            outer, _, inner = field.partition(".")
            param = f"billing_details[{outer}]" + (f"[{inner}]" if inner else "")
            code = "email_invalid" if field == "email" else "parameter_invalid_value"
            return Problem(code=code, message=f"{param} {rule}.", param=param)
        case CustodyRefused():
            return custody_problem(refused)
        case _:
            assert_never(refused)


def _wrong_status(status: str, wanted: str) -> Problem:
    if status == "increment_open":
        message = f"You cannot {wanted} this PaymentIntent while an incremental authorization is processing."
    else:
        message = f"You cannot {wanted} this PaymentIntent because it has a status of {status}."
    return Problem(code="payment_intent_unexpected_state", message=message)


def _metadata_full(most: int) -> Problem:
    return Problem(code="limit_reached", message=f"metadata has at most {most} keys.", param="metadata")


def _insufficient(most: int, param: str) -> Problem:
    message = f"Insufficient funds: your balance bears {most} at most. Wait for more payments to settle."
    return Problem(code="balance_insufficient", message=message, param=param)


def _closed(code: str) -> Problem:
    return Problem(status=403, code=code, message="This account may not do this. Ask us about its standing.")


_METHOD_MISSING: Final = Problem(
    code="payment_intent_unexpected_state",
    message=(
        "You cannot confirm this PaymentIntent because it's missing a payment method. Update it with a payment method"
        " and confirm it again, or confirm it with one."
    ),
    param="payment_method",
)
_IN_FLIGHT: Final = Problem(
    status=409,
    type=ErrorType.IDEMPOTENCY,
    code="idempotency_key_in_use",
    message="Another request with this Idempotency-Key is under way. Try again with the same key.",
    retry=True,
)
_REUSED: Final = Problem(
    type=ErrorType.IDEMPOTENCY,
    code="idempotency_key_reused",
    message=(
        "Keys for idempotent requests can only be used with the same parameters they were first used with."
        " Try using a key other than the one used originally if you meant to make a different request."
    ),
    retry=False,
)
_TEST_ONLY: Final = Problem(
    code="testmode_charges_only",
    message="Your account has no acquirer in live mode: it can only make test charges.",
)
