"""Statements over HTTP."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.queries import MemoryQueries
from fintech.application import statements
from fintech.ports.errors import StoreUnavailable
from tests.unit.entrypoints.http.driving import Api, open_shop

DAY, MONTH = "2026-11-23", "2026-11"


async def fetched(api: Api, path: str, **query: Any) -> tuple[aiohttp.ClientResponse, bytes]:
    headers = {"Authorization": f"Bearer {api.shop.secret}"}
    async with api.session.get(api.url + path, params=query, headers=headers) as response:
        return response, await response.read()


async def test_a_statement_is_an_object(api: Api, clock: ManualClock) -> None:
    paid = await api.paid(10_000)
    clock.advance(timedelta(hours=1))
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 1_000})
    body = (await api.get(f"/v1/statements/{DAY}")).body
    captured, refunded = body.pop("lines")
    assert captured == {
        "id": captured["id"],
        "gross": 10_000,
        "fee": -175,
        "gst": -18,
        "net": 9_807,
        "balance": 9_807,
        "created": int(datetime(2026, 11, 23, 1, tzinfo=UTC).timestamp()),
        "kind": "capture",
        "source": paid["id"],
    }
    assert (refunded["kind"], refunded["net"], refunded["balance"]) == ("refund", -1_000, 8_807)
    assert body == {
        "id": DAY,
        "object": "statement",
        "abn": None,
        "account": api.shop.scope.merchant,
        "closing_balance": 8_807,
        "currency": "aud",
        "livemode": False,
        "name": "Shop 1",
        "opening_balance": 0,
        "period": {
            "end": int(datetime(2026, 11, 23, 13, tzinfo=UTC).timestamp()),
            "start": int(datetime(2026, 11, 22, 13, tzinfo=UTC).timestamp()),
        },
        "status": "provisional",
        "totals": [
            {"kind": "capture", "count": 1, "gross": 10_000, "fee": -175, "gst": -18, "net": 9_807},
            {"kind": "refund", "count": 1, "gross": -1_000, "fee": 0, "gst": 0, "net": -1_000},
        ],
    }
    clock.advance(timedelta(days=8))
    assert (await api.get(f"/v1/statements/{DAY}")).body["status"] == "final"
    assert (await api.get(f"/v1/statements/{MONTH}")).body["closing_balance"] == 8_807
    december = (await api.get("/v1/statements/2026-12")).body
    assert (december["opening_balance"], december["lines"], december["status"]) == (8_807, [], "provisional")


async def test_csv_is_a_file(api: Api) -> None:
    await api.paid(10_000)
    response, content = await fetched(api, f"/v1/statements/{MONTH}", format="csv")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    name = f"statement-2026-11-{api.shop.scope.merchant}-test.csv"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Transfer-Encoding"] == "chunked"
    for header in ("Request-Id", "Stripe-Version"):
        assert response.headers[header]
    opening, line, closing = csv.DictReader(io.StringIO(content.decode(), newline=""))
    assert [each["balance"] for each in (opening, line, closing)] == ["0.00", "98.07", "98.07"]


async def test_pdf_is_a_file(api: Api) -> None:
    await api.paid(10_000)
    response, content = await fetched(api, f"/v1/statements/{DAY}", format="pdf")
    assert (response.status, response.content_type) == (200, "application/pdf")
    assert response.headers["Content-Disposition"].startswith(
        'attachment; filename="statement-2026-11-23-acct_'
    )
    assert int(response.headers["Content-Length"]) == len(content)
    assert content.startswith(b"%PDF-")
    assert (await fetched(api, f"/v1/statements/{DAY}", format="pdf"))[1] == content


async def test_a_long_one_is_csv_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "LINES_MAX", 2)
    for _ in range(3):
        await api.paid(1_000)
    for form in ("json", "pdf"):
        reply = await api.get(f"/v1/statements/{DAY}", {"format": form})
        assert (reply.status, reply.error["code"], reply.error["param"]) == (
            400,
            "statement_too_long",
            "format",
        )
        assert "format=csv" in reply.error["message"]
    _, content = await fetched(api, f"/v1/statements/{DAY}", format="csv")
    assert len(content.splitlines()) == 6


@pytest.mark.parametrize(
    "period", ["2026-10", "2026-12", "2026-11-22", "2026-11-24", "2026-13", "november", "2026"]
)
async def test_a_period_that_is_not_there_is_missing(api: Api, period: str) -> None:
    for form in ("json", "csv", "pdf"):
        reply = await api.get(f"/v1/statements/{period}", {"format": form})
        assert (reply.status, reply.error["code"], reply.error["param"]) == (
            404,
            "resource_missing",
            "period",
        )


async def test_other_formats_are_refused(api: Api) -> None:
    reply = await api.get(f"/v1/statements/{DAY}", {"format": "xlsx"})
    assert (reply.status, reply.error["param"]) == (400, "format")


async def test_another_merchants_statement_is_its_own(api: Api) -> None:
    await api.paid(10_000)
    other = api.of(await open_shop(api.core, 2))
    assert (await other.get(f"/v1/statements/{DAY}")).body["lines"] == []


async def test_the_periods_that_there_are(api: Api, clock: ManualClock) -> None:
    clock.advance(timedelta(days=40))
    body = (await api.get("/v1/statements", {"limit": 1})).body
    assert [each["id"] for each in body["data"]] == ["2027-01"]
    assert (body["object"], body["url"], body["has_more"]) == ("list", "/v1/statements", True)
    body = (await api.get("/v1/statements", {"starting_after": "2027-01"})).body
    assert [(each["id"], each["status"]) for each in body["data"]] == [
        ("2026-12", "final"),
        ("2026-11", "final"),
    ]
    assert not body["has_more"]
    body = (await api.get("/v1/statements", {"interval": "day", "limit": 100})).body
    ids = [each["id"] for each in body["data"]]
    assert (ids[0], ids[-1], len(ids)) == ("2027-01-02", "2026-11-23", 41)
    assert body["data"][0] == {
        "id": "2027-01-02",
        "object": "statement_period",
        "interval": "day",
        "livemode": False,
        "period": {"end": body["data"][0]["period"]["start"] + 86_400, "start": 1_798_808_400},
        "status": "provisional",
    }
    reply = await api.get("/v1/statements", {"starting_after": "yesterday"})
    assert (reply.status, reply.error["param"]) == (400, "starting_after")


async def test_what_breaks_before_the_first_piece_is_an_error(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = MemoryQueries.lines

    async def gone(self: MemoryQueries, *asked: Any) -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(MemoryQueries, "lines", gone)
    reply = await api.get(f"/v1/statements/{DAY}", {"format": "csv"})
    assert (reply.status, reply.error["code"]) == (503, "service_unavailable")
    monkeypatch.setattr(MemoryQueries, "lines", lines)
    assert (await api.get(f"/v1/statements/{DAY}", {"format": "csv"})).status == 200


async def test_half_a_file_is_not_taken_for_a_whole_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "STEP", 2)
    monkeypatch.setattr("fintech.entrypoints.papers.statement_csv.CHUNK", 1)
    for _ in range(6):
        await api.paid(1_000)
    lines, steps = MemoryQueries.lines, 0

    async def fails_in_the_end(self: MemoryQueries, *asked: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == 3:
            raise StoreUnavailable("gone")
        return await lines(self, *asked)

    monkeypatch.setattr(MemoryQueries, "lines", fails_in_the_end)
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        await fetched(api, f"/v1/statements/{DAY}", format="csv")
    assert steps == 3
    assert (await api.get("/v1/balance")).status == 200
