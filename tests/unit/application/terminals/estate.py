"""Short words for what is done with terminals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fintech.application.commits import Request, RequestKey
from fintech.domain.addresses import COUNTRY, Address
from fintech.domain.ids import LocationId, MerchantId, TerminalId
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.terminals import Location, Placing, Terminal
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import testing
from fintech.ports.queries import Page
from tests.cores import OpenCore
from tests.unit.application.shop import ACTOR, PLAIN, Shop, open_shop

SHOP = Address(line1="1 George Street", city="Sydney", state="NSW", postcode="2000", country=COUNTRY)
TERMINAL = Actor("a terminal", Face.WORKER)
OTHERS = MerchantId("acct_" + "p" * 24)


class Estate:
    """A merchant's places and terminals."""

    def __init__(self, shop: Shop, scope: Scope | None = None) -> None:
        self.shop = shop
        self.core: Core = shop.core
        self.scope = scope or shop.scope

    async def others(self, *, livemode: bool = False) -> "Estate":
        """Another merchant's."""
        await self.core.onboard_merchant()(ACTOR, OTHERS, livemode=livemode, name="Next door")
        return Estate(self.shop, Scope(OTHERS, livemode))

    def keyed(self, key: str, fingerprint: bytes = b"f") -> Request:
        """A request under an idempotency key."""
        return Request(actor=ACTOR, key=RequestKey(key=key, operation="op", fingerprint=fingerprint))

    async def try_place(self, request: Request = PLAIN, **terms: Any) -> Any:
        """A new location, or why not."""
        made: dict[str, Any] = {"name": "Kiosk", "address": SHOP} | terms
        return await self.core.create_location()(request, self.scope, **made)

    async def place(self, **terms: Any) -> Location:
        """A new location."""
        location: Location = (await self.try_place(**terms)).unwrap().value
        return location

    async def try_register(
        self, location: LocationId, serial: str = "SN-1", request: Request = PLAIN, **terms: Any
    ) -> Any:
        """A new terminal, or why not."""
        register = self.core.register_terminal()
        return await register(request, self.scope, serial=serial, location=location, **terms)

    async def register(self, location: LocationId, **terms: Any) -> Terminal:
        """A new terminal."""
        terminal: Terminal = (await self.try_register(location, **terms)).unwrap().value
        return terminal

    async def update(self, id: TerminalId, request: Request = PLAIN, **changes: Any) -> Any:
        """Change a terminal."""
        return await self.core.update_terminal()(request, self.scope, id, **changes)

    async def put(self, id: TerminalId, placing: Placing, request: Request = PLAIN) -> Any:
        """Suspend, restore, retire."""
        return await self.core.place_terminal()(request, self.scope, id, placing)

    async def remove(self, id: LocationId, request: Request = PLAIN) -> Any:
        """Remove a location."""
        return await self.core.remove_location()(request, self.scope, id)

    async def sign_on(self, number: str) -> Any:
        """What a gateway does when a terminal signs on."""
        return await self.core.sign_on_terminal()(TERMINAL, number)

    async def location(self, id: LocationId) -> Location:
        """A location as it is stored."""
        found = await self.core.store().location(self.scope, id)
        assert found is not None
        return found

    async def terminal(self, id: TerminalId) -> Terminal:
        """A terminal as it is stored."""
        found = await self.core.store().terminal(self.scope, id)
        assert found is not None
        return found

    async def events(self) -> list[str]:
        """What happened, the oldest first, but for the merchant's own."""
        log = (await self.core.queries().events(self.scope, Page(limit=100))).items
        return [event.type for event in reversed(log) if not event.type.startswith("account")]

    async def standing_at(self, id: LocationId) -> int:
        """How many terminals stand there, by the terminals themselves."""
        listed = await self.core.queries().terminals(self.scope, Page(limit=100))
        return sum(each.location == id and each.status != "retired" for each in listed.items)


@asynccontextmanager
async def open_estate(opens: OpenCore = testing) -> AsyncIterator[Estate]:
    """An estate without anything on it, on the given kind of core."""
    async with open_shop(opens=opens) as shop:
        yield Estate(shop)
