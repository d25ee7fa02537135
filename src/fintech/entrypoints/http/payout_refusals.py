"""What is refused about payouts, bank accounts and balance settings, as the wire says it."""

from typing import Final, TypeAlias, assert_never

from fintech.application.balance_settings import BalanceSettingsRefusal
from fintech.application.bank_accounts import BankAccountRefusal
from fintech.application.payouts.asking import BankMissing, PayoutRefusal
from fintech.domain.balance_settings import SettingsFault
from fintech.domain.bank_accounts import BankAccountFault, DefaultAccount
from fintech.domain.payments.refusals import CurrencyNotSupported, MerchantMayNot, TooMany
from fintech.domain.payouts.payout import PayoutStatus
from fintech.domain.payouts.refusals import (
    BalanceInsufficient,
    CoolingOff,
    DestinationMissing,
    InstantLimit,
    InstantLimitReached,
    NotDue,
    NotReversible,
    PayoutWrongStatus,
)
from fintech.domain.remittances import PayoutsTooFrequent
from fintech.entrypoints.http.errors import Problem
from fintech.entrypoints.http.refusals import problem_of

#: Everything that the use cases of payouts may refuse with.
AnyPayoutRefusal: TypeAlias = PayoutRefusal | BankAccountRefusal | BalanceSettingsRefusal

#: By the field that is wrong: the code, and the parameter that it was given in.
_DETAILS: Final = {
    "bsb": ("routing_number_invalid", "external_account[routing_number]"),
    "number": ("account_number_invalid", "external_account[account_number]"),
    "holder": ("parameter_invalid_value", "external_account[account_holder_name]"),
}
_SETTINGS: Final = {
    "weekday": "payments[payouts][schedule][weekly_payout_days]",
    "day": "payments[payouts][schedule][monthly_payout_days]",
    "minimum_minor": "payments[payouts][minimum_balance_by_currency]",
}


def payout_problem(refused: AnyPayoutRefusal) -> Problem:  # noqa: C901, PLR0912 - one arm for each
    """The problem that a refusal is."""
    match refused:
        case BalanceInsufficient(obtainable_minor=most):
            return _insufficient(most)
        case InstantLimitReached(what=what, left=left):
            return _day_is_full(what, left)
        case CoolingOff() | DestinationMissing() | DefaultAccount() | TooMany():
            return _about_accounts(refused)
        case BankAccountFault(field=field, rule=rule):
            code, param = _DETAILS.get(field, ("parameter_invalid_value", field))
            return Problem(code=code, message=f"{param} {rule}.", param=param)
        case SettingsFault(field=field, rule=rule):
            param = _SETTINGS.get(field, field)
            return Problem(code="parameter_invalid_value", message=f"{param} {rule}.", param=param)
        case PayoutWrongStatus(status=status, wanted=wanted):
            return _wrong_status(status, wanted)
        case NotReversible(by=by):
            why = f"it was reversed by {by}" if by else "it is a reversal itself"
            return Problem(code="payout_not_reversible", message=f"This payout cannot be reversed: {why}.")
        case NotDue():
            return Problem(code="payout_not_due", message="No payout is due by the schedule now.")
        case MerchantMayNot(reason=reason):
            message = f"Nothing is paid out to this account: it is {reason.value}. Ask us about its standing."
            return Problem(status=403, code="payouts_not_allowed", message=message)
        case PayoutsTooFrequent(most=most):
            message = f"There were {most} payouts within minutes. Wait a little, or pay out more at once."
            return Problem(code="payouts_limit_exceeded", message=message)
        case CurrencyNotSupported(supported=supported):
            message = f"This account is paid out in {supported.lower()} only."
            return Problem(code="currency_not_supported", message=message, param="currency")
        case BankMissing():
            return _TEST_ONLY
        case _:
            return problem_of(refused)


def _insufficient(most: int) -> Problem:
    message = f"You have insufficient funds for this payout: {most} at most can be paid out this way now."
    return Problem(code="balance_insufficient", message=message, param="amount")


def _day_is_full(what: InstantLimit, left: int) -> Problem:
    if what is InstantLimit.AMOUNT:
        message = f"Today (in Sydney) no more than {left} can be paid out instantly."
        return Problem(code="instant_payouts_limit_exceeded", message=message, param="amount")
    message = "There can be no more instant payouts today (in Sydney). Use the method standard."
    return Problem(code="instant_payouts_limit_exceeded", message=message, param="method")


def _about_accounts(refused: CoolingOff | DestinationMissing | DefaultAccount | TooMany) -> Problem:
    match refused:
        case CoolingOff(until=until):
            message = f"The bank account changed lately: instant payouts go on at {until:%Y-%m-%dT%H:%M:%SZ}."
            return Problem(code="instant_payouts_unsupported", message=message, param="method")
        case DestinationMissing():
            message = "You have no external account to be paid out to. Add a bank account first."
            return Problem(code="bank_account_unusable", message=message, param="destination")
        case DefaultAccount():
            message = "This is the default external account. Make another one the default first."
            return Problem(code="bank_account_unusable", message=message, param="id")
        case TooMany(what=what, most=most):
            message = f"An account has at most {most} {what}."
            return Problem(code="limit_reached", message=message, param="external_account")
        case _:
            assert_never(refused)


def _wrong_status(status: PayoutStatus, wanted: str) -> Problem:
    message = f"You cannot {wanted} this payout because it is {status.value.replace('_', ' ')}."
    return Problem(code="payout_unexpected_state", message=message)


_TEST_ONLY: Final = Problem(
    code="payouts_not_allowed",
    status=403,
    message="Your account has no bank in live mode: it can only make test payouts.",
)
