"""What every refusal says to the person at the terminal."""

from collections.abc import Mapping
from typing import Any, Final

from fintech.application.commits import NotFound
from fintech.application.merchants import MerchantExists
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.settlement import NothingToSettle
from fintech.application.statements import NoSuchPeriod, TooManyLines
from fintech.application.tax_invoices import InvoiceCurrency, MonthNotOver, NothingSupplied, SupplierNotSet
from fintech.domain.addresses import AddressFault
from fintech.domain.api_keys import KeyRevoked
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
from fintech.domain.merchants import StandingRefused
from fintech.domain.metadata import TooManyKeys
from fintech.domain.money import Currency, format_minor
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
from fintech.domain.terminals import (
    LocationInUse,
    LocationRemoved,
    SimulatedInLiveMode,
    TerminalFault,
    TerminalMayNot,
)

_AGAIN: Final = "somebody else was at it at the same time; nothing was done: try again"

#: With the refusal as ``it``, and its amount, if it has one, as people write it.
_WORDS: Final[Mapping[type, str]] = {
    AccountClosed: "the merchant's books are closed: nothing is booked any more",
    AddressFault: "the address is not one in Australia: look at its {it}",
    AcquirerMissing: "no acquirer serves this mode: simulators never serve live mode",
    AlreadyAnswered: "it has its outcome already",
    AlreadyResolved: _AGAIN,
    AmountTooLarge: "the amount is too large: at most {amount} here",
    AmountTooSmall: "the amount is too small: at least {amount}",
    AuthorisationExpired: "the authorisation has expired: it can only be released",
    CurrencyNotSupported: "the merchant keeps its books in {it.supported}",
    Expired: "the authorisation has expired: it can only be released",
    InsufficientFunds: "the merchant's funds allow {amount} at most, and its policy no more debt",
    InvoiceCurrency: "a tax invoice is in AUD, and the merchant keeps its books in {it.currency}",
    KeyAnswered: "the key was used before, for a request that was answered",
    KeyInFlight: "a request with this key is under way",
    KeyReused: "the key was used for another request: {it.operation}",
    KeyRevoked: "the key has been revoked already",
    LocationInUse: "terminals stand there ({it.terminals}): move or retire them first",
    LocationRemoved: "the location has been removed already",
    LimitReached: "{it.account.code} allows {amount} at most",
    MerchantExists: "{it.id} is there already in this mode",
    MerchantMayNot: "the merchant is {it.reason}",
    MethodMissing: "there is nothing to pay with",
    MonthNotOver: "the month is not over: its tax invoice is made after {it.until:%Y-%m-%d %H:%M} UTC",
    NoSuchPeriod: "the merchant's books are open since {it.first_day}, and today is {it.last_day}",
    NotFound: "there is no {it.kind} {it.id} in these books (is it the other mode: --live, --test?)",
    NothingSupplied: "there were no fees in {it.month.name}, so there is nothing to invoice",
    NothingToSettle: "there is nothing to settle",
    RefundOver: "the refund has its outcome: {it.status}",
    SimulatedInLiveMode: "simulated terminals are for test mode only",
    StaleWrite: _AGAIN,
    StandingRefused: "the merchant is {it.current}, from where it cannot become {it.wanted}",
    SupplierNotSet: "a specimen is no supplier in live mode: set FINTECH_SUPPLIER_LEGAL_NAME, …_ABN and …_ADDRESS",
    TerminalFault: "a terminal has no such {it}",
    TerminalMayNot: "the terminal is {it.status}: one cannot {it.wanted} it",
    TooManyKeys: "metadata has at most {it.most} keys",
    TooManyLines: "the statement has more than {it.most} lines: ask for --format csv, or for fewer days",
    TooMany: "there are {it.most} {it.what} already, and no more are possible",
    UniqueTaken: "another has this {it.name} already",
    WrongStatus: "the payment is {it.status}: one cannot {it.wanted} it",
}


def said(refusal: Any, currency: Currency | None = None) -> str:
    """One line about a refusal. ``currency`` is what its amount is in, where the caller knows it."""
    return _WORDS[type(refusal)].format(it=refusal, amount=_amount(refusal, currency))


def _amount(refusal: Any, currency: Currency | None) -> str:
    match refusal:
        case LimitReached(account=account, spendable_minor=minor):
            return f"{format_minor(minor, account.currency)} {account.currency}"
        case AmountTooLarge(minor) | AmountTooSmall(minor) | InsufficientFunds(minor):
            return f"{format_minor(minor, currency)} {currency}" if currency else f"{minor} minor units"
        case _:
            return ""
