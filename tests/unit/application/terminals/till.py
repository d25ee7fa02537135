"""A terminal's till: what the door of terminals asks of the core, in short words."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from attrs import evolve

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.commits import Request, RequestKey
from fintech.application.terminals.reversals import Original, Reversed
from fintech.application.terminals.sales import Sale
from fintech.domain.cards import CardDetails
from fintech.domain.money import Currency
from fintech.domain.outcome import Success
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.presentation import Presentation
from fintech.domain.scope import Actor, Face
from fintech.domain.terminals import Terminal
from fintech.entrypoints.profiles import testing
from tests.cores import OpenCore
from tests.unit.application.shop import Shop, open_shop
from tests.unit.application.terminals.estate import Estate

NUMBER = "T0000001"
VISA = "4242424242424242"
ANSWER_LOST = "4000000000090029"
QUESTION_LOST = "4000000000090045"
NO_FUNDS = "4000000000009995"
REFUND_DECLINED = "4000000000090011"
DISPUTED = "4000000000000259"
PENDING_REFUND = "4000000000007726"


class Till:
    """Every transaction is named by its trace number."""

    def __init__(self, shop: Shop, terminal: Terminal) -> None:
        self.shop = shop
        self.core = shop.core
        self.terminal = terminal
        self.actor = Actor(NUMBER, Face.TERMINAL)

    def key(self, stan: int, operation: str = "terminal purchase", fingerprint: bytes = b"f") -> RequestKey:
        """The key of a transaction."""
        return RequestKey(key=f"iso8583/{NUMBER}/{stan:06d}", operation=operation, fingerprint=fingerprint)

    def sale(self, stan: int, amount_minor: int = 10_000, *, offline: bool = False) -> Sale:
        """What is sold."""
        presented = Presentation(
            terminal=self.terminal.id,
            location=self.terminal.location,
            entry_mode="051",
            stan=f"{stan:06d}",
            reference=f"632700{stan:06d}",
            offline=offline,
        )
        return Sale(amount_minor=amount_minor, currency=Currency.AUD, presented=presented)

    async def try_buy(
        self, stan: int = 1, card: str = VISA, amount_minor: int = 10_000, *, exp_year: int = 2034, **key: Any
    ) -> Any:
        """A purchase, or why not."""
        return await self.core.take_purchase()(
            Request(actor=self.actor, key=self.key(stan, **key)),
            self.shop.scope,
            self.sale(stan, amount_minor),
            details(card, exp_year),
        )

    async def buy(self, stan: int = 1, card: str = VISA, amount_minor: int = 10_000) -> Payment:
        """A purchase that must not be refused."""
        outcome = await self.try_buy(stan, card, amount_minor)
        assert isinstance(outcome, Success), outcome
        payment: Payment = outcome.unwrap()
        return payment

    async def advise(self, stan: int = 1, card: str = VISA, amount_minor: int = 10_000, **key: Any) -> Any:
        """An advice."""
        return await self.core.take_advice()(
            Request(actor=self.actor, key=self.key(stan, **({"operation": "terminal advice"} | key))),
            self.shop.scope,
            self.sale(stan, amount_minor, offline=True),
            details(card),
        )

    async def refund(self, stan: int, purchase: int, amount_minor: int, **key: Any) -> Any:
        """A refund of a purchase, by their trace numbers."""
        return await self.core.refund_purchase()(
            Request(actor=self.actor, key=self.key(stan, **({"operation": "terminal refund"} | key))),
            self.shop.scope,
            self.key(purchase).key,
            amount_minor,
        )

    async def try_reverse(self, stan: int = 1, amount_minor: int = 10_000, *, refund: bool = False) -> Any:
        """Give a transaction up, or why not."""
        operation = "terminal refund" if refund else "terminal purchase"
        original = Original(key=self.key(stan, operation), sale=self.sale(stan, amount_minor), refund=refund)
        return await self.core.reverse_transaction()(self.actor, self.shop.scope, original)

    async def reverse(self, stan: int = 1, amount_minor: int = 10_000, *, refund: bool = False) -> Reversed:
        """Give a transaction up, which must not be refused."""
        outcome = await self.try_reverse(stan, amount_minor, refund=refund)
        assert isinstance(outcome, Success), outcome
        result: Reversed = outcome.unwrap()
        return result


def details(number: str, exp_year: int = 2034) -> CardDetails:
    """A card, as it is read."""
    return CardDetails(number=number, exp_month=12, exp_year=exp_year)


@asynccontextmanager
async def open_till(
    opens: OpenCore = testing, script: Iterable[Fault | None] = (), **terms: Any
) -> AsyncIterator[Till]:
    """A till on the given kind of core."""
    async with open_shop(script, opens=opens, **terms) as shop:
        estate = Estate(shop)
        location = await estate.place()
        terminal = await estate.register(location.id, serial="simulated-1", number=NUMBER)
        yield Till(shop, evolve(terminal))
