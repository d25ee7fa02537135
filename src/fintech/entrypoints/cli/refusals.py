"""What every refusal says to the person at the terminal."""

from collections.abc import Mapping
from typing import Any, Final

from fintech.application.commits import NotFound
from fintech.application.merchants import MerchantExists
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.settlement import NothingToSettle
from fintech.application.webhooks.deliveries import EndpointDisabled
from fintech.application.webhooks.endpoints import TooManyEndpoints, UnknownType
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
from fintech.domain.webhooks.endpoint import TooManySecrets
from fintech.domain.webhooks.urls import UrlRefused

_AGAIN: Final = "somebody else was at it at the same time; nothing was done: try again"

#: With the refusal as ``it``, and its amount, if it has one, as people write it.
_WORDS: Final[Mapping[type, str]] = {
    AccountClosed: "the merchant's books are closed: nothing is booked any more",
    AcquirerMissing: "no acquirer serves this mode: simulators never serve live mode",
    AlreadyAnswered: "it has its outcome already",
    AlreadyResolved: _AGAIN,
    AmountTooLarge: "the amount is too large: at most {amount} here",
    AmountTooSmall: "the amount is too small: at least {amount}",
    AuthorisationExpired: "the authorisation has expired: it can only be released",
    EndpointDisabled: "the endpoint is disabled: enable it first",
    CurrencyNotSupported: "the merchant keeps its books in {it.supported}",
    Expired: "the authorisation has expired: it can only be released",
    InsufficientFunds: "the merchant's funds allow {amount} at most, and its policy no more debt",
    KeyAnswered: "the key was used before, for a request that was answered",
    KeyInFlight: "a request with this key is under way",
    KeyReused: "the key was used for another request: {it.operation}",
    KeyRevoked: "the key has been revoked already",
    LimitReached: "{it.account.code} allows {amount} at most",
    MerchantExists: "{it.id} is there already in this mode",
    MerchantMayNot: "the merchant is {it.reason}",
    MethodMissing: "there is nothing to pay with",
    NotFound: "there is no {it.kind} {it.id} in these books (is it the other mode: --live, --test?)",
    NothingToSettle: "there is nothing to settle",
    RefundOver: "the refund has its outcome: {it.status}",
    StaleWrite: _AGAIN,
    StandingRefused: "the merchant is {it.current}, from where it cannot become {it.wanted}",
    TooManyEndpoints: "the merchant has {it.most} webhook endpoints, and no more are possible: remove one first",
    TooManySecrets: "{it.most} old secrets still sign: wait for one to end, or let this one end at once",
    TooManyKeys: "metadata has at most {it.most} keys",
    TooMany: "there are {it.most} {it.what} already, and no more are possible",
    UnknownType: "there are no events of type {it.type}",
    UrlRefused: "events are not sent to this URL: {it.fault}",
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
