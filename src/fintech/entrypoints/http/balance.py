"""The balance on the wire: what is still pending at the bank, and what may be spent."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from fintech.application.balance_settings import load_settings
from fintech.application.payments.asking import books_of
from fintech.domain.business_days import sydney_day
from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.ids import BankAccountId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.money import Currency
from fintech.domain.payouts.funds import InstantFunds, instant_funds
from fintech.entrypoints.http.errors import missing
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route
from fintech.entrypoints.http.schema import FLAG, INTEGER, TEXT, Schema, array, const, members
from fintech.ports.clock import Clock
from fintech.ports.store import Store

PATH: Final = "/v1/balance"
_BALANCE: Final = Resource("balance", "balance")
_NO_FUNDS: Final = InstantFunds(0, 0)
_SOURCES: Final = {"source_types": members({"card": INTEGER})}
_AMOUNT: Final = {"amount": INTEGER, "currency": TEXT, **_SOURCES}
_AMOUNTS: Final = array(members(_AMOUNT))
_NET: Final = members({"amount": INTEGER, "destination": TEXT, **_SOURCES})

SCHEMA: Final[Schema] = members(
    {
        "object": const("balance"),
        "available": _AMOUNTS,
        "instant_available": array(members({**_AMOUNT, "net_available": array(_NET)})),
        "livemode": FLAG,
        "pending": _AMOUNTS,
        "risk_reserved": members({"available": _AMOUNTS, "pending": _AMOUNTS}),
    }
)


def render_balance(
    books: Mapping[AccountId, Balances],
    currency: Currency,
    livemode: bool,
    instant: InstantFunds = _NO_FUNDS,
    destination: BankAccountId | None = None,
) -> dict[str, Any]:
    """Per currency; ``currency`` is there even when nothing is on it.

    What open refunds will take is gone already. ``available`` is less what the merchant owes, ``pending`` less what was
    advanced on it, so both may be negative. ``instant`` is what could be paid out instantly now, and what of it would
    arrive at the ``destination``; the limits of one payout and of a day are beside it.
    """
    pending: dict[Currency, int] = defaultdict(int, {currency: 0})
    available: dict[Currency, int] = defaultdict(int, {currency: 0})
    reserved: dict[Currency, int] = defaultdict(int)
    for account, balances in books.items():
        bucket = bucket_of(account.code)
        if bucket is Bucket.UNSETTLED:
            pending[account.currency] += balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
        elif bucket is Bucket.AVAILABLE:
            available[account.currency] += balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
        elif bucket is Bucket.RESERVED:
            reserved[account.currency] += balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
        elif bucket is Bucket.ADVANCE:
            pending[account.currency] -= balances.owed
        elif bucket is Bucket.RECEIVABLE:
            available[account.currency] -= balances.owed
    return {
        "object": "balance",
        "available": _amounts(available),
        "instant_available": [
            {**amount, "net_available": _net(instant.net_minor, destination)}
            for amount in _amounts({currency: instant.gross_minor})
        ],
        "livemode": livemode,
        "pending": _amounts(pending),
        "risk_reserved": {"available": _amounts(reserved), "pending": []},
    }


def _net(minor: int, destination: BankAccountId | None) -> list[dict[str, Any]]:
    if destination is None:
        return []
    return [{"amount": minor, "destination": destination, "source_types": {"card": minor}}]


def _amounts(by_currency: Mapping[Currency, int]) -> list[dict[str, Any]]:
    return [
        {"amount": amount, "currency": currency.value.lower(), "source_types": {"card": amount}}
        for currency, amount in sorted(by_currency.items())
    ]


@frozen(kw_only=True)
class Balance:
    """The operation on the balance."""

    store: Store
    clock: Clock

    def routes(self) -> tuple[Route[Any], ...]:
        """Its table."""
        return (_BALANCE.get("retrieve", PATH, Nothing, self.retrieve, "Retrieve the balance."),)

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        merchant = await self.store.merchant(call.scope)
        if merchant is None:
            raise missing("account", call.scope.merchant, "account")
        now, books = self.clock.now(), await self.store.books(call.scope)
        settings = await load_settings(self.store, call.scope, now)
        instant = instant_funds(books_of(merchant), books, settings.instant, sydney_day(now))
        return Answer(
            render_balance(books, merchant.currency, call.scope.livemode, instant, settings.destination)
        )
