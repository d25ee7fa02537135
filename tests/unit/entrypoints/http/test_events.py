from typing import Any

import pytest

from fintech.domain.merchants import Standing
from tests.unit.entrypoints.http.driving import OFFICER, Api, open_shop

EVENTS = "/v1/events"


async def types(api: Api, **query: Any) -> list[str]:
    return [event["type"] for event in (await api.get(EVENTS, query)).body["data"]]


async def test_what_happened_is_told_with_the_thing_as_it_was(api: Api) -> None:
    reply = await api.post(
        "/v1/payment_intents", {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa"}
    )
    made = reply.body
    await api.post(f"/v1/payment_intents/{made['id']}/confirm")
    assert await types(api, limit=3) == [
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.created",
    ]
    event = (await api.get(EVENTS, {"type": "payment_intent.created"})).body["data"][0]
    assert event["data"]["object"] == made
    assert event["request"] == {"id": reply.headers["Request-Id"], "idempotency_key": None}
    assert (event["api_version"], event["pending_webhooks"]) == ("2026-10-28.endive", 0)
    assert (await api.get(f"{EVENTS}/{event['id']}")).body == event


async def test_every_kind_of_thing_has_a_snapshot(api: Api) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
    await api.post("/v1/payment_methods", {"type": "card", "card": card})
    paid = await api.paid(1000)
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 10})
    from datetime import date  # noqa: PLC0415 - for this test only

    (await api.core.settle_merchant()(OFFICER, api.shop.scope, date(2026, 11, 30))).unwrap()
    (await api.core.place_merchant()(OFFICER, api.shop.scope, Standing.SUSPENDED)).unwrap()
    events = (await api.get(EVENTS, {"limit": 100})).body["data"]
    objects = {event["type"]: event["data"]["object"]["object"] for event in events}
    assert objects == {
        "account.created": "account",
        "account.updated": "account",
        "api_key.created": "api_key",
        "charge.refunded": "charge",
        "payment_intent.processing": "payment_intent",
        "payment_intent.succeeded": "payment_intent",
        "payment_method.created": "payment_method",
        "refund.created": "refund",
        "refund.updated": "refund",
        "settlement.created": "settlement",
    }
    assert "digest" not in str(events)
    (settled,) = [event["data"]["object"] for event in events if event["type"] == "settlement.created"]
    assert (settled["gross"], settled["advance_repaid"], settled["repaid"]) == (990, 0, 0)


async def test_events_are_found_by_type(api: Api) -> None:
    await api.paid(1000)
    await api.authorised(1000)
    assert set(await types(api, type="payment_intent.*")) == {
        "payment_intent.processing",
        "payment_intent.succeeded",
        "payment_intent.amount_capturable_updated",
    }
    assert await types(api, types=["payment_intent.succeeded", "account.created"]) == [
        "payment_intent.succeeded",
        "account.created",
    ]
    assert await types(api, **{"types[]": "payment_intent.succeeded"}) == ["payment_intent.succeeded"]
    assert await types(api, type="charge.dispute.created") == []
    assert await types(api, type="payment_intent[.]*") == []
    assert await types(api, types=["nothing.happened"]) == []


async def test_events_are_paged_both_ways(api: Api) -> None:
    await api.paid(1000)
    ids = [event["id"] for event in (await api.get(EVENTS)).body["data"]]
    after = (await api.get(EVENTS, {"starting_after": ids[0], "limit": 2})).body
    assert ([event["id"] for event in after["data"]], after["has_more"]) == (ids[1:3], len(ids) > 3)
    before = (await api.get(EVENTS, {"ending_before": ids[2], "limit": 1})).body
    assert ([event["id"] for event in before["data"]], before["has_more"]) == ([ids[1]], True)


@pytest.mark.parametrize("id", ["evt_000000000000000000000zzz00", "evt_1", "pi_1"])
async def test_an_event_that_there_is_not_is_missing(api: Api, id: str) -> None:
    assert (await api.get(f"{EVENTS}/{id}")).status == 404


async def test_type_and_types_are_one_too_many(api: Api) -> None:
    refused = await api.get(EVENTS, {"type": "a", "types": ["b"]})
    assert refused.error["code"] == "parameters_exclusive"


async def test_each_shop_has_its_own_log(api: Api) -> None:
    await api.paid(1000)
    other = api.of(await open_shop(api.core, 2))
    assert await types(other) == ["api_key.created", "account.created"]
    mine = (await api.get(EVENTS)).body["data"][0]["id"]
    assert (await other.get(f"{EVENTS}/{mine}")).status == 404


async def asked_by(api: Api) -> dict[str, Any]:
    """Which request each type of event goes back to."""
    events = (await api.get(EVENTS, {"limit": 100})).body["data"]
    return {event["type"]: event["request"] for event in events}


async def test_an_event_tells_the_idempotency_key_of_its_request(api: Api) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
    form = {
        "amount": 1000,
        "currency": "aud",
        "confirm": True,
        "payment_method_data": {"type": "card", "card": card},
    }
    key = "k" * 255
    reply = await api.post("/v1/payment_intents", form, Idempotency_Key=key)
    again = await api.post("/v1/payment_intents", form, Idempotency_Key=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    mine = {"id": reply.headers["Request-Id"], "idempotency_key": key}
    asked = await asked_by(api)
    assert {name: asked[name] for name in asked if not name.startswith(("account", "api_key"))} == {
        "payment_method.created": mine,
        "payment_intent.processing": mine,
        "payment_intent.succeeded": mine,
    }


async def test_what_no_request_asked_for_has_no_key(api: Api) -> None:
    await api.paid(50_000)
    paid = await api.paid(1000, payment_method="pm_card_refundFail")
    await api.post("/v1/refunds", {"payment_intent": paid["id"]}, Idempotency_Key="mine")
    await api.core.sweep()()
    asked = await asked_by(api)
    assert asked["refund.created"]["idempotency_key"] == "mine"
    assert asked["refund.failed"] == {"id": None, "idempotency_key": None}


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("pm_card_visa", ["refund.updated", "refund.created", "charge.refunded"]),
        (
            "pm_card_refundDeclined",
            ["refund.failed", "charge.updated", "refund.created", "charge.refunded"],
        ),
        ("pm_card_pendingRefund", ["refund.updated", "refund.created", "charge.refunded"]),
    ],
)
async def test_a_refund_is_told_with_the_refund_and_its_charge_with_the_charge(
    api: Api, method: str, told: list[str]
) -> None:
    await api.paid(50_000)
    paid = await api.paid(1000, payment_method=method)
    refund = (await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 400})).body
    events = (await api.get(EVENTS, {"limit": len(told)})).body["data"]
    assert sorted(event["type"] for event in events) == sorted(told)
    things = {event["type"]: event["data"]["object"] for event in events}
    latest = things["refund.failed" if "refund.failed" in things else "refund.updated"]
    assert latest == refund
    assert things["refund.created"] == refund | {
        "balance_transaction": None,
        "destination_details": things["refund.created"]["destination_details"],
        "failure_reason": None,
        "pending_reason": "processing",
        "status": "pending",
    }
    charge = things["charge.refunded"]
    assert (charge["id"], charge["amount_refunded"]) == (paid["latest_charge"], 400)
    if "charge.updated" in things:
        assert things["charge.updated"] == charge | {"amount_refunded": 0}
