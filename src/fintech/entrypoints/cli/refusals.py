"""What every refusal says to the person at the terminal."""

from collections.abc import Mapping
from typing import Any, Final

from fintech.application.commits import NotFound
from fintech.application.merchants import MerchantExists
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.settlement import NothingToSettle
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

_AGAIN: Final = "somebody else was at it at the same time; nothing was done: try again"

#: With the refusal as ``it``. Amounts are in minor units, for here nobody knows the currency.
_WORDS: Final[Mapping[type, str]] = {
    AccountClosed: "the merchant's books are closed: nothing is booked any more",
    AcquirerMissing: "no acquirer serves this mode: simulators never serve live mode",
    AlreadyAnswered: "it has its outcome already",
    AlreadyResolved: _AGAIN,
    AmountTooLarge: "the amount is too large: at most {it.most_minor} cents here",
    AmountTooSmall: "the amount is too small: at least {it.least_minor} cents",
    AuthorisationExpired: "the authorisation has expired: it can only be released",
    CurrencyNotSupported: "the merchant keeps its books in {it.supported}",
    Expired: "the authorisation has expired: it can only be released",
    InsufficientFunds: "the merchant's funds allow {it.obtainable_minor} cents at most, and its policy no more debt",
    KeyAnswered: "the key was used before, for a request that was answered",
    KeyInFlight: "a request with this key is under way",
    KeyReused: "the key was used for another request: {it.operation}",
    KeyRevoked: "the key has been revoked already",
    LimitReached: "{it.account.code} allows {it.spendable_minor} cents at most",
    MerchantExists: "{it.id} is there already in this mode",
    MerchantMayNot: "the merchant is {it.reason}",
    MethodMissing: "there is nothing to pay with",
    NotFound: "there is no {it.kind} {it.id} in these books (is it the other mode: --live, --test?)",
    NothingToSettle: "there is nothing to settle",
    RefundOver: "the refund has its outcome: {it.status}",
    StaleWrite: _AGAIN,
    StandingRefused: "the merchant is {it.current}, from where it cannot become {it.wanted}",
    TooMany: "there are {it.most} {it.what} already, and no more are possible",
    UniqueTaken: "another has this {it.name} already",
    WrongStatus: "the payment is {it.status}: one cannot {it.wanted} it",
}


def said(refusal: Any) -> str:
    """One line about a refusal."""
    return _WORDS[type(refusal)].format(it=refusal)
