"""The balance on the wire: what is still pending at the bank, and what may be spent."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.money import Currency
from fintech.entrypoints.http.errors import missing
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route
from fintech.entrypoints.http.schema import FLAG, INTEGER, TEXT, Schema, array, const, members
from fintech.ports.store import Store

PATH: Final = "/v1/balance"
_BALANCE: Final = Resource("balance", "balance")
_AMOUNTS: Final = array(
    members({"amount": INTEGER, "currency": TEXT, "source_types": members({"card": INTEGER})})
)

SCHEMA: Final[Schema] = members(
    {"object": const("balance"), "available": _AMOUNTS, "livemode": FLAG, "pending": _AMOUNTS}
)


def render_balance(books: Mapping[AccountId, Balances], currency: Currency, livemode: bool) -> dict[str, Any]:
    """Per currency; ``currency`` is there even when nothing is on it.

    What open refunds will take is gone already. ``available`` is less what the merchant owes, and so may be negative.
    """
    pending: dict[Currency, int] = defaultdict(int, {currency: 0})
    available: dict[Currency, int] = defaultdict(int, {currency: 0})
    for account, balances in books.items():
        bucket = bucket_of(account.code)
        if bucket is Bucket.UNSETTLED:
            pending[account.currency] += balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
        elif bucket is Bucket.AVAILABLE:
            available[account.currency] += balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
        elif bucket is Bucket.RECEIVABLE:
            available[account.currency] -= balances.owed
    return {
        "object": "balance",
        "available": _amounts(available),
        "livemode": livemode,
        "pending": _amounts(pending),
    }


def _amounts(by_currency: Mapping[Currency, int]) -> list[dict[str, Any]]:
    return [
        {"amount": amount, "currency": currency.value.lower(), "source_types": {"card": amount}}
        for currency, amount in sorted(by_currency.items())
    ]


@frozen(kw_only=True)
class Balance:
    """The operation on the balance."""

    store: Store

    def routes(self) -> tuple[Route[Any], ...]:
        """Its table."""
        return (_BALANCE.get("retrieve", PATH, Nothing, self.retrieve, "Retrieve the balance."),)

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        merchant = await self.store.merchant(call.scope)
        if merchant is None:
            raise missing("account", call.scope.merchant, "account")
        books = await self.store.books(call.scope)
        return Answer(render_balance(books, merchant.currency, call.scope.livemode))
