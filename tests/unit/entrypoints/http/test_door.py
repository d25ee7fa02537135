import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.problems import FORM
from fintech.entrypoints.http.settings import HttpSettings
from fintech.ports.errors import ConcurrencyExhausted, PortError, StoreOverloaded, StoreUnavailable
from tests.leaks import shows_test_card
from tests.unit.entrypoints.http.driving import Api, driving

INTENTS = "/v1/payment_intents"
PAID = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa", "confirm": True}


async def test_every_answer_has_its_headers(api: Api) -> None:
    ids = set()
    for reply in (
        await api.get("/v1/account"),
        await api.post(INTENTS, PAID),
        await api.post(INTENTS),
        await api.get("/v1/account", Authorization=""),
        await api.get("/nowhere"),
    ):
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Stripe-Version"] == "2026-10-28.endive"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Server"] == "fintech"
        ids.add(reply.headers["Request-Id"])
    assert len(ids) == 5
    assert all(id.startswith("req_") for id in ids)


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2026-10-28.endive", 200),
        ("2020-08-27", 200),
        ("2024-06-20; payments_beta=v3", 200),
        ("latest", 400),
        ("2026-10-28.endive\u00e9", 400),
        ("2026-10-28.", 400),
    ],
)
async def test_any_well_formed_version_is_answered_in_ours(api: Api, version: str, status: int) -> None:
    reply = await api.get("/v1/account", Stripe_Version=version)
    assert (reply.status, reply.headers["Stripe-Version"]) == (status, "2026-10-28.endive")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_bodies_that_are_no_forms_are_refused(api: Api, kind: str) -> None:
    headers = {"Content-Type": kind or "application/octet-stream"}
    refused = await api.send("POST", INTENTS, data=b'{"amount": 1000}', headers=headers)
    assert (refused.status, refused.error["code"]) == (400, "content_type_unsupported")
    assert "JSON" in refused.error["message"]


async def test_an_empty_body_needs_no_type(api: Api) -> None:
    held = await api.authorised()
    reply = await api.send("POST", f"{INTENTS}/{held['id']}/cancel", headers={})
    assert reply.status == 200


async def test_a_charset_may_be_named(api: Api) -> None:
    headers = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}
    assert (await api.send("POST", INTENTS, data=b"amount=1000&currency=aud", headers=headers)).status == 200


async def test_parameters_of_a_post_do_not_go_into_its_query(api: Api) -> None:
    refused = await api.post(f"{INTENTS}?amount=1000", {"currency": "aud"})
    assert (refused.status, refused.error["code"]) == (400, "query_not_allowed")


@pytest.mark.parametrize(
    "body",
    [
        "amount=1&amount=2",
        "amount[=1",
        "description=%00",
        "description=%FF",
        "description=%ED%A0%80",
        "metadata[a]=%1B",
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(api: Api, body: str) -> None:
    for refused in (await api.post(INTENTS, body), await api.get(f"{INTENTS}?{body}")):
        assert (refused.status, refused.error["type"]) == (400, "invalid_request_error")


async def test_a_raw_control_character_is_refused(api: Api) -> None:
    headers = {"Content-Type": FORM}
    for body in (b"description=\x00", b"description=\xff", b"description=a\x1bb"):
        refused = await api.send("POST", INTENTS, data=body, headers=headers)
        assert refused.error["code"] == "form_invalid"


async def test_queries_come_with_brackets_of_either_kind(api: Api) -> None:
    await api.paid()
    for query in ("created[gte]=1&limit=5", "created%5Bgte%5D=1&limit=5", "expand%5B%5D=data.latest_charge"):
        assert (await api.get(f"{INTENTS}?{query}")).status == 200
    assert (await api.get(f"{INTENTS}?page=2")).error["param"] == "page"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(api: Api, chunked: bool) -> None:
    body = b"description=" + b"x" * (64 * 1024)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 8192):
            yield body[start : start + 8192]

    data: Any = pieces() if chunked else body
    refused = await api.send("POST", INTENTS, data=data, headers={"Content-Type": FORM})
    assert (refused.status, refused.error["code"]) == (413, "request_too_large")


async def test_a_compressed_body_is_refused_unopened(api: Api) -> None:
    headers = {"Content-Type": FORM, "Content-Encoding": "identity"}
    refused = await api.send("POST", INTENTS, data=b"amount=1000", headers=headers)
    assert refused.error["code"] == "content_encoding_unsupported"


async def test_a_body_in_chunks_is_read(api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"amount=10", b"00&curr", b"ency=aud"):
            await asyncio.sleep(0.01)
            yield piece

    reply = await api.send("POST", INTENTS, data=pieces(), headers={"Content-Type": FORM})
    assert (reply.status, reply.body["amount"]) == (200, 1000)


async def test_a_body_that_does_not_come_is_not_waited_for(core: Core) -> None:
    never = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"amount="
        await never.wait()

    async with driving(core, HttpSettings(body_timeout_s=0.05)) as api:
        refused = await api.send("POST", INTENTS, data=pieces(), headers={"Content-Type": FORM})
        never.set()
    assert (refused.status, refused.error["code"]) == (408, "request_timeout")


@pytest.mark.parametrize(
    "body", [b"Content-Length: 100\r\n\r\namount=1", b"Transfer-Encoding: chunked\r\n\r\n8\r\namount=1\r\n"]
)
async def test_who_leaves_in_the_middle_of_a_body_is_no_breakage(
    api: Api, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    head = f"POST {INTENTS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {api.shop.secret}\r\nContent-Type: {FORM}\r\n"
    with caplog.at_level(logging.INFO):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode() + body)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            while not [record for record in caplog.records if record.message == "request"]:
                await asyncio.sleep(0.01)
    assert [vars(record)["status"] for record in caplog.records if record.message == "request"] == [400]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_headers_have_their_limits(api: Api) -> None:
    too_long = await api.send("GET", "/v1/account", headers={"X-Long": "x" * 9000})
    too_many = await api.send("GET", "/v1/account", headers={f"X-{n}": "x" for n in range(100)})
    assert (too_long.status, too_many.status) == (400, 400)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/payment_intents", "/v1/payment_intents/", "/v1/payment_intents/a/b"]
)
async def test_nothing_is_served_elsewhere(api: Api, path: str) -> None:
    missing = await api.get(path)
    assert (missing.status, missing.error["code"]) == (404, "url_unknown")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", INTENTS, "GET, POST"),
        ("PUT", f"{INTENTS}/pi_1", "GET, POST"),
        ("GET", f"{INTENTS}/pi_1/confirm", "POST"),
        ("POST", "/v1/balance", "GET"),
        ("POST", "/livez", "GET"),
    ],
)
async def test_another_method_is_named(api: Api, method: str, path: str, allowed: str) -> None:
    refused = await api.send(method, path)
    assert (refused.status, refused.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (StoreUnavailable("no"), 503, "service_unavailable", "true"),
        (StoreOverloaded("no"), 503, "service_unavailable", "true"),
        (PortError("no"), 503, "service_unavailable", "true"),
        (ConcurrencyExhausted("no"), 409, "lock_timeout", "true"),
        (RuntimeError("no: 4242424242424242"), 500, "unexpected", None),
        (KeyError("no"), 500, "unexpected", None),
    ],
)
async def test_breakage_says_whether_to_try_again_and_nothing_else(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
    retry: str | None,
) -> None:
    async def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(api.core.store(), "payment", broken)
    with caplog.at_level(logging.INFO):
        reply = await api.get(f"{INTENTS}/pi_000000000000000000000zzz")
    assert (reply.status, reply.error["code"]) == (status, code)
    assert reply.headers.get("Stripe-Should-Retry") == retry
    assert "no" not in reply.error["message"].split(" ")
    told = reply.text + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert not shows_test_card(told)


async def test_what_is_unexpected_is_logged_with_its_place(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(api.core.store(), "payment", broken)
    with caplog.at_level(logging.INFO):
        reply = await api.get(f"{INTENTS}/pi_000000000000000000000zzz")
    [record] = [record for record in caplog.records if record.message == "unexpected"]
    said = vars(record)
    assert (said["exception"], said["request_id"]) == ("RuntimeError", reply.headers["Request-Id"])
    assert "test_door.py" in said["where"]
    assert record.exc_info is None


async def test_each_request_is_one_line(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        reply = await api.get(f"{INTENTS}/pi_000000000000000000000zzz")
        await api.get("/4242424242424242", Authorization="")
    known, unknown = (vars(record) for record in caplog.records if record.message == "request")
    assert (known["method"], known["route"], known["status"]) == ("GET", INTENTS + "/{intent}", 404)
    assert known["request_id"] == reply.headers["Request-Id"]
    assert (known["merchant"], known["api_key"][:4]) == (api.shop.scope.merchant, "key_")
    assert known["duration_ms"] > 0
    assert (unknown["route"], unknown["merchant"]) == ("unknown", None)


async def test_too_many_at_once_are_turned_away_before_any_work(
    core: Core, acquirer: SimulatedAcquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave, authorise = asyncio.Semaphore(0), asyncio.Event(), acquirer.authorise

    async def slow(*question: Any) -> Any:
        entered.release()
        await leave.wait()
        return await authorise(*question)

    monkeypatch.setattr(acquirer, "authorise", slow)
    async with driving(core, HttpSettings(in_flight_max=2)) as api:
        slow_ones = [asyncio.create_task(api.post(INTENTS, PAID)) for _ in range(2)]
        for _ in slow_ones:
            await entered.acquire()
        for shed in (await api.get("/v1/account"), await api.get("/v1/account", Authorization="")):
            assert (shed.status, shed.error["type"], shed.headers["Retry-After"]) == (503, "api_error", "1")
        assert (await api.get("/livez")).status == 200
        leave.set()
        assert [(await each).status for each in slow_ones] == [200, 200]
        assert (await api.get("/v1/account")).status == 200
        assert "fintech_http_requests_shed_total 2.0" in (await api.get("/metrics")).text


async def test_who_asks_too_often_is_told_when_to_come_back(core: Core) -> None:
    async with driving(core, HttpSettings(requests_per_s=0.2, requests_burst=3)) as api:
        statuses = [(await api.get("/v1/account")).status for _ in range(4)]
        refused = await api.get("/v1/account")
        metrics = (await api.get("/metrics")).text
    assert statuses == [200, 200, 200, 429]
    assert (refused.status, refused.error["code"]) == (429, "rate_limit")
    assert 1 <= int(refused.headers["Retry-After"]) <= 5
    assert "fintech_http_requests_rate_limited_total 2.0" in metrics


async def test_a_request_has_its_time(
    core: Core, acquirer: SimulatedAcquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(acquirer, "authorise", never)
    async with driving(core, HttpSettings(request_timeout_s=0.1)) as api:
        late = await api.post(INTENTS, PAID)
        assert (late.status, late.error["code"]) == (504, "timeout")
        assert late.headers["Stripe-Should-Retry"] == "true"
        assert (await api.get("/v1/account")).status == 200
        [payment] = (await api.get(INTENTS)).body["data"]
    assert payment["status"] == "processing"


async def test_what_is_not_http_is_logged_without_its_words(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    with caplog.at_level(logging.DEBUG):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/account HTTP/1.1\r\nBroken 4242424242424242 header\r\n\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert not shows_test_card(caplog.text + "".join(str(vars(record)) for record in caplog.records))


def test_limits_that_would_refuse_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="in_flight_max"):
        HttpSettings(in_flight_max=0)
