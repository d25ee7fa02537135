"""Webhooks on real sockets and a real Postgres: nothing lost, nothing delayed elsewhere, nothing fetched that must not
be, whatever receivers do and whoever is killed."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
import stripe

import fintech
from fintech.domain.outcome import Success
from fintech.domain.webhooks.delivery import DeliveryStatus
from fintech.entrypoints.container import Core
from fintech.entrypoints.worker import delivering, dispatcher
from fintech.ports.queries import Page
from tests.benchmarks.harness import ROOT
from tests.receivers import Inbox, hangs, receiving, request_of, rude
from tests.scenarios.dispatching import DIGEST_KEY
from tests.unit.entrypoints.http.driving import OFFICER, Api, driving

pytestmark = [pytest.mark.postgres]

PAID = "payment_intent.succeeded"


@pytest.fixture
async def core(postgres_dsn: str) -> AsyncIterator[Core]:
    async with fintech.on_postgres(postgres_dsn, digest_key=DIGEST_KEY) as core:
        yield core


@pytest.fixture
async def api(core: Core) -> AsyncIterator[Api]:
    async with driving(core) as api:
        yield api


async def hook(api: Api, url: str, *types: str) -> Any:
    reply = await api.post("/v1/webhook_endpoints", {"url": url, "enabled_events": list(types) or [PAID]})
    assert reply.status == 200, reply.text
    return reply.body


async def log_of(api: Api, endpoint: Any) -> list[Any]:
    return [each async for each in _pages(api, f"/v1/webhook_endpoints/{endpoint['id']}/deliveries")]


async def _pages(api: Api, path: str) -> AsyncIterator[Any]:
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = (await api.get(path, query)).body
        for each in page["data"]:
            yield each
        if not page["has_more"]:
            return
        query["starting_after"] = page["data"][-1]["id"]


def verified(inbox: Inbox, *secrets: str) -> list[Any]:
    """The events that came, each signed with every one of the secrets."""
    return [
        [stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret) for secret in secrets][-1]
        for body, headers in inbox.posts
    ]


async def sold(api: Api, count: int) -> set[str]:
    """The ids of payments that succeeded."""
    paid = await asyncio.gather(*(api.paid(1_000 + number) for number in range(count)))
    return {each["id"] for each in paid}


async def test_events_arrive_and_the_official_sdk_verifies_them(api: Api) -> None:
    async with receiving() as inbox, delivering(dispatcher(api.core), interval_s=0.02):
        made = await hook(api, inbox.url)
        payments = await sold(api, 20)
        await inbox.until(20)
        events = verified(inbox, made["secret"])
        assert {event.data.object.id for event in events} == payments
        assert {event.type for event in events} == {PAID}
        rotated = (await api.post(f"/v1/webhook_endpoints/{made['id']}/rotate_secret")).body
        inbox.posts.clear()
        await sold(api, 3)
        await inbox.until(3)
        assert len(verified(inbox, made["secret"], rotated["secret"])) == 3
        ended = (
            await api.post(f"/v1/webhook_endpoints/{made['id']}/rotate_secret", {"old_secret_expires_in": 0})
        ).body
        inbox.posts.clear()
        await sold(api, 1)
        await inbox.until(1)
        assert verified(inbox, ended["secret"], made["secret"])  # the first one's day is not over
        with pytest.raises(stripe.SignatureVerificationError):
            verified(inbox, rotated["secret"])


async def test_bad_receivers_lose_nothing_and_delay_nobody(api: Api) -> None:
    async def redirects(reader: Any, writer: Any) -> None:
        await request_of(reader)
        writer.write(f"HTTP/1.1 302 Go\r\nLocation: {secret.url}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    async def swells(reader: Any, writer: Any) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x" * 1_000)
            await writer.drain()

    async def closes(reader: Any, writer: Any) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-")
        await writer.drain()

    async with AsyncExitStack() as closing:
        good, secret, broken = [await closing.enter_async_context(receiving()) for _ in range(3)]
        broken.answers(*[500] * 10_000)
        urls = [await closing.enter_async_context(rude(each)) for each in (hangs, redirects, swells, closes)]
        urls += [good.nowhere, broken.url]
        bad = [await hook(api, url) for url in urls]
        made = await hook(api, good.url)
        dispatching = dispatcher(api.core)
        await closing.enter_async_context(delivering(dispatching, interval_s=0.02, patience_s=0.1))
        payments = await sold(api, 60)
        await good.until(60)
        assert {event.data.object.id for event in verified(good, made["secret"])} == payments
        async with asyncio.timeout(20):
            for endpoint in bad[1:]:
                while not any(each["tries"] for each in await log_of(api, endpoint)):
                    await asyncio.sleep(0.02)
        for endpoint in bad:
            log = await log_of(api, endpoint)
            assert len(log) == 60
            assert {each["status"] for each in log} == {"pending"}  # later, but not lost
        assert not secret.posts
        told = {
            (each["last_tries"][0]["error"], each["last_tries"][0]["response_status"])
            for endpoint in bad[1:]
            for each in await log_of(api, endpoint)
            if each["last_tries"]
        }
        assert told == {(None, 302), (None, 500), ("connection", None)}


async def test_what_must_not_be_fetched_is_not(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """In live mode, whatever a name stands for by the time that something is sent."""
    from fintech.adapters.webhooks.sender import HttpSender  # noqa: PLC0415 - for this test only
    from tests.unit.adapters.test_webhook_sender import Names  # noqa: PLC0415 - the same
    from tests.unit.entrypoints.http.driving import open_shop  # noqa: PLC0415 - the same

    live = api.of(await open_shop(api.core, 7, livemode=True))
    async with receiving() as ours:
        port = ours.url.rpartition(":")[2].partition("/")[0]
        sender = HttpSender(resolve=Names({"shop.example": ["127.0.0.1"]}))
        api.core.webhook_sender.override(sender)
        made = await hook(live, f"https://shop.example:{port}/hooks", "api_key.created")
        async with delivering(dispatcher(api.core), interval_s=0.02):
            await api.core.create_api_key()(OFFICER, live.shop.scope, "another")
            async with asyncio.timeout(10):
                while not (log := await log_of(live, made))[0]["tries"]:
                    await asyncio.sleep(0.01)
        await sender.close()
        assert log[0]["last_tries"][0]["error"] == "forbidden_address"
        assert not ours.posts
        assert not ours.connections


@contextmanager
def process(dsn: str, lease_s: float) -> Any:
    """A dispatcher that is ready."""
    command = [sys.executable, "-m", "tests.scenarios.dispatching", dsn, str(lease_s)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline().strip() == "ready"
            yield running
        finally:
            running.kill()


@asynccontextmanager
async def dispatching(dsn: str, lease_s: float = 1.0) -> AsyncIterator["subprocess.Popen[str]"]:
    opened = process(dsn, lease_s)
    running = await asyncio.to_thread(opened.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(opened.__exit__, None, None, None)


async def test_a_dispatcher_that_is_killed_loses_nothing(api: Api, postgres_dsn: str) -> None:
    async with receiving() as inbox:
        made = await hook(api, inbox.url)
        payments = await sold(api, 100)
        inbox.hold = asyncio.Event()
        async with dispatching(postgres_dsn) as first:
            await inbox.until(2)
            inbox.hold.set()
            await inbox.until(30)
            inbox.hold.clear()
            await inbox.until(len(inbox.posts) + 5)
            first.kill()
        inbox.hold.set()
        async with dispatching(postgres_dsn):
            async with asyncio.timeout(30):
                while {each["status"] for each in await log_of(api, made)} != {"delivered"}:
                    await asyncio.sleep(0.05)
        counted = Counter(event.data.object.id for event in verified(inbox, made["secret"]))
        assert set(counted) == payments
        assert sum(counted.values()) > 100  # at least once: some were under way when it died


async def test_several_processes_share_the_work(api: Api, postgres_dsn: str) -> None:
    async with receiving() as inbox, receiving() as other:
        for each in (inbox, other):
            await hook(api, each.url)
        payments = await sold(api, 150)
        async with dispatching(postgres_dsn, 60), dispatching(postgres_dsn, 60):
            await inbox.until(150)
            await other.until(150)
            await asyncio.sleep(0.2)
        for each in (inbox, other):
            ids = Counter(json.loads(body)["data"]["object"]["id"] for body, _ in each.posts)
            assert set(ids) == payments
            assert set(ids.values()) == {1}


async def test_endpoints_that_come_and_go_race_with_events(api: Api) -> None:
    """Whoever is told that an endpoint is there is told of what happens next; whoever is told that it is gone, of
    nothing more."""
    async with receiving() as inbox, delivering(dispatcher(api.core), interval_s=0.02):
        for _ in range(5):
            inbox.posts.clear()
            selling = asyncio.ensure_future(sold(api, 10))
            made = await hook(api, inbox.url)
            after = await sold(api, 5)
            before = await selling
            await inbox.until(5)
            async with asyncio.timeout(10):
                while {each["status"] for each in await log_of(api, made)} != {"delivered"}:
                    await asyncio.sleep(0.01)
            got = {event.data.object.id for event in verified(inbox, made["secret"])}
            assert after <= got <= after | before
            assert (await api.send("DELETE", f"/v1/webhook_endpoints/{made['id']}")).status == 200
            count = len(inbox.posts)
            await sold(api, 3)
            await asyncio.sleep(0.05)
            assert len(inbox.posts) == count


async def test_a_removed_endpoint_cancels_what_was_due(api: Api) -> None:
    async with receiving() as inbox:
        made = await hook(api, inbox.nowhere)
        await sold(api, 3)
        assert (await api.send("DELETE", f"/v1/webhook_endpoints/{made['id']}")).status == 200
        async with delivering(dispatcher(api.core), interval_s=0.02):
            async with asyncio.timeout(10):
                while True:
                    page = await api.core.outbox().deliveries(api.shop.scope, made["id"], Page())
                    if {each.status for each in page.items} == {DeliveryStatus.CANCELED}:
                        break
                    await asyncio.sleep(0.01)
        assert isinstance(await api.core.resend_event()(api.shop.scope, page.items[0].event), Success)
