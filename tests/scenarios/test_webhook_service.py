"""Webhooks as their users meet them: the official SDK, `fintech serve`, `fintech listen`."""

import asyncio
import json
import selectors
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest
import stripe

from fintech.domain.webhooks.endpoint import ENDPOINTS_MAX
from tests.receivers import receiving
from tests.scenarios.services import COMMAND, PATIENCE_S, answer, environment, fintech, serving
from tests.scenarios.test_stripe_sdk import client_of
from tests.unit.entrypoints.folders import folder_in_reach
from tests.unit.entrypoints.http.driving import served_in_thread

URL = "https://example.com/hooks"
CARD = {"amount": "1250", "currency": "aud", "payment_method": "pm_card_visa", "confirm": "true"}


def test_the_sdk_keeps_endpoints() -> None:
    http = stripe.RequestsClient()
    with served_in_thread() as served:
        sdk: Any = client_of(served.url, served.shop.secret, http_client=http)
        hooks = sdk.v1.webhook_endpoints
        made = hooks.create(
            {"url": URL, "enabled_events": ["payment_intent.succeeded"], "metadata": {"a": "b"}}
        )
        assert made.secret.startswith("whsec_")
        assert (made.object, made.status, made.enabled_events) == (
            "webhook_endpoint",
            "enabled",
            ["payment_intent.succeeded"],
        )
        kept = hooks.retrieve(made.id)
        assert "secret" not in kept
        assert kept.to_dict() == {name: value for name, value in made.to_dict().items() if name != "secret"}
        changed = hooks.update(made.id, {"disabled": True, "enabled_events": ["*"], "description": "x"})
        assert (changed.status, changed.enabled_events, changed.description) == ("disabled", ["*"], "x")
        for _ in range(ENDPOINTS_MAX - 1):
            hooks.create({"url": URL, "enabled_events": ["*"]})
        assert len(list(hooks.list({"limit": 5}).auto_paging_iter())) == ENDPOINTS_MAX
        with pytest.raises(stripe.InvalidRequestError) as refused:
            hooks.create({"url": "http://example.com", "enabled_events": ["*"]})
        assert refused.value.param == "url"
        gone = hooks.delete(made.id)
        assert (gone.id, gone.deleted) == (made.id, True)
        with pytest.raises(stripe.InvalidRequestError):
            hooks.retrieve(made.id)
        sdk.v1.payment_intents.create({**CARD, "confirm": True})
        (event,) = sdk.v1.events.list({"type": "payment_intent.succeeded"}).data
        assert event.pending_webhooks == ENDPOINTS_MAX - 1
    http.close()


@contextmanager
def listening(*arguments: str, **variables: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`fintech listen` that is ready, and what it said of it."""
    with subprocess.Popen(
        [*COMMAND, "listen", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    ) as process:
        try:
            yield process, said(process.stderr)
        finally:
            process.kill()


def said(stream: IO[str] | None) -> str:
    """The next line."""
    assert stream is not None
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(PATIENCE_S) else ""


@pytest.mark.slow
async def test_a_service_delivers_and_others_listen() -> None:
    with folder_in_reach() as folder:
        async with receiving() as inbox, receiving() as forwarded:
            with serving(folder, "--data", str(folder / "data")) as service:
                await asyncio.to_thread(_open_hook, service, inbox.url)
                key, api = service.ready["sandbox_key"], service.ready["http"]
                over_http = listening("--api", api, "--print-json", "--count", "2", FINTECH_API_KEY=key)
                options = ["--data", str(folder / "data"), "--forward-to", forwarded.url]
                from_books = listening(*options, "--count", "1", "--events", "payment_intent.succeeded")
                http, _ = await asyncio.to_thread(over_http.__enter__)
                books, ready = await asyncio.to_thread(from_books.__enter__)
                assert ready.startswith(
                    f"Listening; events are posted to {forwarded.url}, signed with whsec_"
                )
                assert (await asyncio.to_thread(service.ask, "/v1/payment_intents", key, **CARD))[0] == 200
                await inbox.until(2)
                printed, _ = await asyncio.to_thread(http.communicate, None, PATIENCE_S)
                told, _ = await asyncio.to_thread(books.communicate, None, PATIENCE_S)
                assert (http.returncode, books.returncode) == (0, 0)
                types = [json.loads(line)["type"] for line in printed.splitlines()]
                assert types == ["payment_intent.processing", "payment_intent.succeeded"]
                ((body, headers),) = forwarded.posts
                event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], ready.split()[-1])
                assert f"payment_intent.succeeded  {event.id}  -> 200" in told
                metrics = await asyncio.to_thread(_metrics, api)
                assert 'fintech_webhook_deliveries_total{ending="arrived"} 2.0' in metrics
                assert 'fintech_key_tending_rounds_total{result="done"}' in metrics
                service.tell(signal.SIGTERM)
                assert await asyncio.to_thread(service.ended) == 0
                assert "whsec_" not in service.log.read_text(encoding="utf-8")
                for each in (over_http, from_books):
                    each.__exit__(None, None, None)


def _open_hook(service: Any, url: str) -> None:
    options = ["--url", url, "--data", service.process.args[-1]]
    made = answer("webhook", "create", service.ready["account"], *options)
    assert made["status"] == "enabled"


def _metrics(api: str) -> str:
    with urllib.request.urlopen(f"{api}/metrics", timeout=PATIENCE_S) as response:
        text: str = response.read().decode()
        return text


def test_whom_nobody_can_listen_to() -> None:
    nowhere = "http://127.0.0.1:1"
    for arguments, variables, code, words in (
        ([], {}, 2, "name whom to listen to"),
        (["--api", nowhere], {}, 2, "FINTECH_API_KEY is missing"),
        (["--api", nowhere], {"FINTECH_API_KEY": "sk_test_x"}, 3, "does not answer"),
        (["--data", "/tmp", "--events", "nonsense"], {}, 2, "'nonsense'"),
    ):
        ended = fintech("listen", *arguments, **variables)
        assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr


def test_a_wrong_key_is_told() -> None:
    with served_in_thread() as served:
        ended = fintech("listen", "--api", served.url, FINTECH_API_KEY="sk_test_wrong")
    assert ended.returncode == 1
    assert "answers 401" in ended.stderr
    assert "sk_test_wrong" not in ended.stderr
