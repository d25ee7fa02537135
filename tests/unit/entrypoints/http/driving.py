"""A real server of the API on a free port, merchants with keys, and a client that speaks forms."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from attrs import define, evolve, field, frozen
from prometheus_client.registry import Collector

from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.domain.ids import MerchantId
from fintech.domain.merchants import Limits
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.app import build_app, server_options
from fintech.entrypoints.http.settings import HttpSettings
from fintech.entrypoints.noting import Strangers

OFFICER = Actor("a test", Face.EMBEDDED)
FORM = "application/x-www-form-urlencoded"


@frozen
class Shop:
    """A merchant in one mode and the secret of its key."""

    scope: Scope
    secret: str = field(repr=False)


async def open_shop(
    core: Core, number: int = 1, *, livemode: bool = False, limits: Limits | None = None
) -> Shop:
    """Onboard a merchant and make it a key."""
    scope = Scope(MerchantId(f"acct_{number:024d}"), livemode)
    name = f"Shop {number}"
    made = core.onboard_merchant()
    (await made(OFFICER, scope.merchant, livemode=livemode, name=name, limits=limits or Limits())).unwrap()
    return Shop(scope, (await core.create_api_key()(OFFICER, scope, "tests")).unwrap().secret)


@frozen
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Any

    @property
    def error(self) -> Any:
        return self.body["error"]


@define
class Api:
    """A client of one shop."""

    url: str
    session: aiohttp.ClientSession
    core: Core
    app: web.Application
    shop: Shop

    async def post(self, path: str, form: Mapping[str, Any] | str = "", **headers: str) -> Reply:
        body = form if isinstance(form, str) else encoded(form)
        return await self.send(
            "POST", path, data=body.encode(), headers={"Content-Type": FORM} | _named(headers)
        )

    async def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Reply:
        return await self.send("GET", f"{path}?{encoded(query)}" if query else path, headers=_named(headers))

    async def send(self, method: str, path: str, **given: Any) -> Reply:
        headers = {"Authorization": f"Bearer {self.shop.secret}"} | given.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value}
        async with self.session.request(method, self.url + path, headers=headers, **given) as response:
            text = await response.text()
            body = await response.json() if response.content_type == "application/json" else None
            return Reply(response.status, response.headers, text, body)

    async def paid(self, amount: int = 10_000, **terms: Any) -> Any:
        """A payment that succeeded, or whatever the terms make of it."""
        form = {
            "amount": amount,
            "currency": "aud",
            "payment_method": "pm_card_visa",
            "confirm": True,
        } | terms
        reply = await self.post("/v1/payment_intents", form)
        assert reply.status == 200, reply.text
        return reply.body

    async def authorised(self, amount: int = 10_000, **terms: Any) -> Any:
        """A payment that is to be captured."""
        return await self.paid(amount, capture_method="manual", **terms)

    async def bank_account(self, number: str = "000123456", **terms: Any) -> Any:
        """A bank account to be paid out to; the number says what happens to payouts."""
        details = {
            "object": "bank_account",
            "country": "AU",
            "currency": "aud",
            "account_holder_name": "Kiosk Pty Ltd",
            "routing_number": "000-000",
            "account_number": number,
        }
        path = f"/v1/accounts/{self.shop.scope.merchant}/external_accounts"
        reply = await self.post(path, {"external_account": details} | terms)
        assert reply.status == 200, reply.text
        return reply.body

    async def settled(self, amount: int = 100_000) -> Any:
        """A payment whose money is available: 1.925 % less than the amount."""
        paid = await self.paid(amount)
        settle = self.core.settle_merchant()
        (await settle(OFFICER, self.shop.scope, date(2030, 1, 1))).unwrap()
        return paid

    async def paid_out(self, amount: int, **terms: Any) -> Any:
        """A payout that must not be refused."""
        reply = await self.post("/v1/payouts", {"amount": amount, "currency": "aud"} | terms)
        assert reply.status == 200, reply.text
        return reply.body

    def of(self, shop: Shop) -> "Api":
        """The same server, as another shop sees it."""
        return evolve(self, shop=shop)


def encoded(form: Mapping[str, Any]) -> str:
    """A form with brackets, as SDKs spell it."""
    return urlencode([*_pairs(form)])


def _pairs(form: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in form.items():
        path = f"{within}[{name}]" if within else name
        if isinstance(value, Mapping):
            yield from _pairs(value, path)
        elif isinstance(value, list | tuple):
            yield from _pairs({str(place): each for place, each in enumerate(value)}, path)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@asynccontextmanager
async def serving(app: web.Application, settings: HttpSettings | None = None) -> AsyncIterator[str]:
    """The address of a server in this loop."""
    runner = web.AppRunner(app, shutdown_timeout=1, **server_options(settings))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port, *_ = runner.addresses[0]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def driving(
    core: Core,
    settings: HttpSettings | None = None,
    shop: Shop | None = None,
    also: Sequence[Collector] = (),
    strangers: Strangers | None = None,
) -> AsyncIterator[Api]:
    """A client of a server in this loop."""
    app = build_app(core, settings, also=also, strangers=strangers)
    async with serving(app, settings) as url, aiohttp.ClientSession() as session:
        yield Api(url, session, core, app, shop or await open_shop(core))


@frozen
class Served:
    """A server in a thread of its own, for clients that block."""

    url: str
    core: Core
    shop: Shop
    loop: asyncio.AbstractEventLoop

    def run(self, work: Any) -> Any:
        """Await something in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


@contextmanager
def served_in_thread(settings: HttpSettings | None = None) -> Iterator[Served]:
    """Serve until the block ends."""
    ready: list[Served] = []
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        acquirer = SimulatedAcquirer(answer_timeout_s=0)
        async with (
            profiles.testing(acquirer=acquirer) as core,
            serving(build_app(core, settings), settings) as url,
        ):
            ready.append(Served(url, core, await open_shop(core), asyncio.get_running_loop()))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(30)
        yield ready[0]
    finally:
        ready[0].loop.call_soon_threadsafe(stop.set)
        thread.join(30)
