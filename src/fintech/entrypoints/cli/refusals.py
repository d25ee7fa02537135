"""What every refusal says to the person at the terminal."""

from collections.abc import Mapping
from typing import Any, Final

from fintech.application.commits import NotFound
from fintech.application.keys.drill import LiveMode, NotInTime
from fintech.application.keys.figures import BadSignature, TwoOfficersNeeded, UnknownKey
from fintech.application.keys.moving import Tied
from fintech.application.keys.retiring import OlderFirst, StillSealed, TooSoon
from fintech.application.merchants import MerchantExists
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.payouts.asking import BankMissing
from fintech.application.reveal import NumberNotKept
from fintech.application.settlement import NothingToSettle
from fintech.application.statements import NoSuchPeriod, TooManyLines
from fintech.application.tax_invoices import InvoiceCurrency, MonthNotOver, NothingSupplied, SupplierNotSet
from fintech.application.webhooks.deliveries import EndpointDisabled
from fintech.application.webhooks.endpoints import TooManyEndpoints, UnknownType
from fintech.domain.addresses import AddressFault
from fintech.domain.api_keys import KeyRevoked
from fintech.domain.balance_settings import SettingsFault
from fintech.domain.bank_accounts import BankAccountFault, DefaultAccount
from fintech.domain.billing import BillingFault
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
from fintech.domain.disputes.evidence import EvidenceTooLong
from fintech.domain.disputes.responses import (
    ErrandOpen,
    EvidenceMissing,
    InquiryTakesNothing,
    NotAccepted,
    WrongDisputeStatus,
)
from fintech.domain.keys.breaking_glass import NotThatLong
from fintech.domain.keys.custody import CustodyStepRefused, RetirementRefused, RotationRefused
from fintech.domain.keys.documents import AnotherEnvironment, OrderMalformed
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.merchants import StandingRefused
from fintech.domain.metadata import TooManyKeys
from fintech.domain.money import Currency, format_minor
from fintech.domain.payments.refusals import (
    AlreadyAnswered,
    AmountTooLarge,
    AmountTooSmall,
    AuthorisationExpired,
    ChargeDisputed,
    CurrencyNotSupported,
    MerchantMayNot,
    MethodMissing,
    TooMany,
    WrongStatus,
)
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
from fintech.domain.refunds.refund import InsufficientFunds, RefundOver
from fintech.domain.remittances import PayoutsTooFrequent
from fintech.domain.terminals import (
    LocationInUse,
    LocationRemoved,
    SimulatedInLiveMode,
    TerminalFault,
    TerminalMayNot,
)
from fintech.domain.webhooks.endpoint import TooManySecrets
from fintech.domain.webhooks.urls import UrlRefused
from fintech.domain.write_offs import MoreThanOwed, SamePerson, WriteOffOver
from fintech.ports.key_root import RootRefused
from fintech.ports.key_table import OrderOutOfSequence

_AGAIN: Final = "somebody else was at it at the same time; nothing was done: try again"

#: With the refusal as ``it``, and its amount, or what custody says, if it has one, as people write it.
_WORDS: Final[Mapping[type, str]] = {
    AccountClosed: "the merchant's books are closed: nothing is booked any more",
    AcquirerMissing: "no acquirer serves this mode: simulators never serve live mode",
    AddressFault: "the address is not one in Australia: look at its {it}",
    AlreadyAnswered: "it has its outcome already",
    AlreadyResolved: _AGAIN,
    AmountTooLarge: "the amount is too large: at most {amount} here",
    AmountTooSmall: "the amount is too small: at least {amount}",
    AuthorisationExpired: "the authorisation has expired: it can only be released",
    BadSignature: "{it.key} did not sign this document",
    BalanceInsufficient: "{amount} at most can be paid out this way now",
    BankAccountFault: "{it.field} {it.rule}",
    BillingFault: "{it.field} {it.rule}",
    BankMissing: "no bank serves this mode: simulators never serve live mode",
    ChargeDisputed: "the charge has been charged back: {it.dispute}",
    CoolingOff: "the bank account changed lately: instant payouts go on at {it.until:%Y-%m-%d %H:%M} UTC",
    CurrencyNotSupported: "the merchant keeps its books in {it.supported}",
    CustodyRefused: "{custody} ({it.reason})",
    CustodyStepRefused: "custody is {it.current}, from where it does not become {it.wanted} this way",
    DefaultAccount: "it is the default account: make another one the default first",
    DestinationMissing: "there is no bank account to pay to: add one first",
    EndpointDisabled: "the endpoint is disabled: enable it first",
    ErrandOpen: "the bank has not confirmed the last response yet ({it.kind})",
    EvidenceMissing: "there is no evidence to submit",
    EvidenceTooLong: "evidence has at most {it.most} characters, in one text or in all",
    Expired: "the authorisation has expired: it can only be released",
    InquiryTakesNothing: "an inquiry takes no money: refund the charge to give in to it",
    InstantLimitReached: "today in Sydney no more than {amount} can be paid out instantly",
    InsufficientFunds: "the merchant's funds allow {amount} at most, and its policy no more debt",
    InvoiceCurrency: "a tax invoice is in AUD, and the merchant keeps its books in {it.currency}",
    KeyAnswered: "the key was used before, for a request that was answered",
    KeyInFlight: "a request with this key is under way",
    KeyReused: "the key was used for another request: {it.operation}",
    KeyRevoked: "the key has been revoked already",
    LimitReached: "{it.account.code} allows {amount} at most",
    LiveMode: "drills are for test mode only",
    LocationInUse: "terminals stand there ({it.terminals}): move or retire them first",
    LocationRemoved: "the location has been removed already",
    MerchantExists: "{it.id} is there already in this mode",
    MerchantMayNot: "the merchant is {it.reason}",
    MethodMissing: "there is nothing to pay with",
    MonthNotOver: "the month is not over: its tax invoice is made after {it.until:%Y-%m-%d %H:%M} UTC",
    MoreThanOwed: "the merchant owes {amount}, and no more than that can be written off",
    NoSuchPeriod: "the merchant's books are open since {it.first_day}, and today is {it.last_day}",
    NotAccepted: "the bank does not take it: {it.why}",
    NotDue: "no payout is due by the schedule",
    NotInTime: "{it.step}: that has not come about in time",
    OlderFirst: "version {it.number} is older and goes first",
    RetirementRefused: "version {it.number} is {it.status}: only one that does nothing but open is retired",
    RootRefused: "the keeper of root keys says {it.fault.value}: {it.code}",
    RotationRefused: "custody is {it.custody}, and {it.versions} versions open: retire the oldest first, if it is active",
    StillSealed: "{it.values} values are still sealed with version {it.number} or an older one: seal them anew first",
    Tied: "versions {it.numbers} are derived from the root key itself: rotate to the new one, seal anew, retire",
    TooSoon: "something may still be sealed with it: not before {it.at:%Y-%m-%d %H:%M} UTC",
    NotThatLong: "glass is broken until {it.latest:%Y-%m-%d %H:%M} UTC at most",
    NotFound: "there is no {it.kind} {it.id} in these books (is it the other mode: --live, --test?)",
    NumberNotKept: "the card expired in {it.exp_month:02d}/{it.exp_year}, and its number is not kept any more",
    NotReversible: "it was reversed before, or is a reversal itself",
    NothingSupplied: "there were no fees in {it.month.name}, so there is nothing to invoice",
    NothingToSettle: "there is nothing to settle",
    OrderMalformed: "{it.field} {it.rule}",
    OrderOutOfSequence: "the next order has the number {it.expected}",
    PayoutWrongStatus: "the payout is {it.status}: one cannot {it.wanted} it",
    PayoutsTooFrequent: "there were {it.most} payouts within minutes: wait a little, or pay out more at once",
    RefundOver: "the refund has its outcome: {it.status}",
    TwoOfficersNeeded: "it takes two officers, with a key each: say --officer twice",
    AnotherEnvironment: "it is for {it.named}, and this is {it.here}",
    SamePerson: "{it.name} proposed it, so somebody else has to decide on it",
    SettingsFault: "{it.field} {it.rule}",
    SimulatedInLiveMode: "simulated terminals are for test mode only",
    StaleWrite: _AGAIN,
    StandingRefused: "the merchant is {it.current}, from where it cannot become {it.wanted}",
    SupplierNotSet: "a specimen is no supplier in live mode: set FINTECH_SUPPLIER_LEGAL_NAME, …_ABN and …_ADDRESS",
    TerminalFault: "a terminal has no such {it}",
    TerminalMayNot: "the terminal is {it.status}: one cannot {it.wanted} it",
    TooMany: "there are {it.most} {it.what} already, and no more are possible",
    TooManyEndpoints: "the merchant has {it.most} webhook endpoints, and no more are possible: remove one first",
    TooManyKeys: "metadata has at most {it.most} keys",
    TooManyLines: "the statement has more than {it.most} lines: ask for --format csv, or for fewer days",
    TooManySecrets: "{it.most} old secrets still sign: wait for one to end, or let this one end at once",
    UniqueTaken: "another has this {it.name} already",
    UnknownKey: "no officer's key is known by the name {it.key}",
    UnknownType: "there are no events of type {it.type}",
    UrlRefused: "events are not sent to this URL: {it.fault}",
    WriteOffOver: "it has been decided on: {it.status}",
    WrongDisputeStatus: "the dispute is {it.status}: one cannot {it.wanted} it",
    WrongStatus: "the payment is {it.status}: one cannot {it.wanted} it",
}


_CUSTODY: Final[Mapping[CustodyReason, str]] = {
    CustodyReason.REVOKED: "the bank has revoked the merchant's keys",
    CustodyReason.SUSPENDED: "the bank has suspended a root key: nothing that hangs from it can be read or kept",
    CustodyReason.UNREACHABLE: "whoever keeps the bank's keys cannot be reached: try again in a moment",
    CustodyReason.DESTROYED: "the merchant's keys were destroyed, and with them what they protected",
    CustodyReason.INTEGRITY: "what is there is not what was sealed there; it is set apart, and nobody reads it",
}


def said(refusal: Any, currency: Currency | None = None) -> str:
    """One line about a refusal. ``currency`` is what its amount is in, where the caller knows it."""
    custody = _CUSTODY[refusal.reason] if isinstance(refusal, CustodyRefused) else ""
    return _WORDS[type(refusal)].format(it=refusal, amount=_amount(refusal, currency), custody=custody)


def _amount(refusal: Any, currency: Currency | None) -> str:
    match refusal:
        case LimitReached(account=account, spendable_minor=minor):
            return f"{format_minor(minor, account.currency)} {account.currency}"
        case InstantLimitReached(what=InstantLimit.COUNT, left=left):
            return f"{left} payouts"
        case (
            AmountTooLarge(minor)
            | AmountTooSmall(minor)
            | InsufficientFunds(minor)
            | MoreThanOwed(minor)
            | BalanceInsufficient(minor)
            | InstantLimitReached(left=minor)
        ):
            return f"{format_minor(minor, currency)} {currency}" if currency else f"{minor} minor units"
        case _:
            return ""
