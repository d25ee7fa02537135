import json
import re
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.app import build_app
from fintech.entrypoints.http.operations import OBJECTS
from tests.unit.entrypoints.http.driving import Api


async def document(api: Api) -> Any:
    reply = await api.get("/v1/openapi.json", Authorization="")
    assert reply.status == 200
    return reply.body


async def test_what_is_documented_is_what_is_served(api: Api) -> None:
    documented = {
        (method.upper(), path)
        for path, operations in (await document(api))["paths"].items()
        for method in operations
    }
    app = build_app(api.core)
    served = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    assert documented == served - {("*", "/{rest}")}
    assert len(documented) > 20


async def test_it_is_openapi_3_1_whose_schemas_are_schemas(api: Api) -> None:
    body = await document(api)
    assert body["openapi"] == "3.1.0"
    for schema in body["components"]["schemas"].values():
        jsonschema_rs.validator_for(schema | {"components": body["components"]})
    names = set(re.findall(r'"#/components/schemas/([\w.]+)"', json.dumps(body)))
    assert names <= set(body["components"]["schemas"])


async def test_an_operation_says_what_it_takes(api: Api) -> None:
    create = (await document(api))["paths"]["/v1/payment_intents"]["post"]
    content = create["requestBody"]["content"]["application/x-www-form-urlencoded"]
    schema = content["schema"]
    assert schema["required"] == ["amount", "currency"]
    assert schema["properties"]["amount"]["minimum"] == 1
    assert schema["properties"]["capture_method"]["enum"] == ["automatic", "automatic_async", "manual"]
    assert schema["properties"]["payment_method_data"]["properties"]["card"]["required"] == [
        "number",
        "exp_month",
        "exp_year",
    ]
    assert content["encoding"]["metadata"] == {"style": "deepObject", "explode": True}
    assert [parameter["name"] for parameter in create["parameters"]] == ["Idempotency-Key"]
    assert "payment_method_types[]" in schema["properties"]


async def test_every_path_that_is_documented_expands(api: Api) -> None:
    await api.paid(1000)
    body = await document(api)
    schemas = body["components"]["schemas"]
    for noun, name in (("payment_intents", "payment_intent"), ("charges", "charge")):
        of_one, of_list = schemas[f"{name}_expansion"]["enum"], schemas[f"{name}_list_expansion"]["enum"]
        assert "data.balance_transaction.source.refunds" in of_list or noun != "charges"
        first = (await api.get(f"/v1/{noun}")).body["data"][0]["id"]
        for path in of_one:
            assert (await api.get(f"/v1/{noun}/{first}", {"expand[]": path})).status == 200
        for path in of_list:
            assert (await api.get(f"/v1/{noun}", {"expand[]": path})).status == 200
        assert len(of_list) < len(of_one) < 200


@pytest.fixture
def validators(core: Core) -> dict[str, Any]:
    """A validator of each object's schema."""
    return {
        name: jsonschema_rs.validator_for(
            {"$ref": f"#/components/schemas/{name}", "components": {"schemas": dict(OBJECTS)}}
        )
        for name in OBJECTS
    }


async def at_the_till(api: Api, validators: dict[str, Any]) -> None:
    """Places and readers, of which one each is taken away again."""
    address = {"line1": "1 High St", "city": "Hay", "state": "NSW", "postal_code": "2711", "country": "AU"}
    form = {"display_name": "Kiosk", "address": address}
    here, there = [(await api.post("/v1/terminal/locations", form)).body["id"] for _ in range(2)]
    form = {"registration_code": "simulated-1", "location": here}
    readers = [(await api.post("/v1/terminal/readers", form)).body["id"] for _ in range(2)]
    for path in (f"/v1/terminal/readers/{readers[0]}", f"/v1/terminal/locations/{there}"):
        gone = (await api.send("DELETE", path)).body
        validators[gone["object"]].validate(gone)


async def test_everything_that_is_answered_keeps_its_schema(
    api: Api, clock: ManualClock, validators: dict[str, Any]
) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
    terms = {"url": "https://example.com", "enabled_events": ["*"]}
    hook = (await api.post("/v1/webhook_endpoints", terms)).body
    validators["webhook_endpoint"].validate(hook)
    gone = (await api.post("/v1/webhook_endpoints", terms)).body["id"]
    validators["webhook_endpoint"].validate((await api.send("DELETE", f"/v1/webhook_endpoints/{gone}")).body)
    await api.post("/v1/payment_methods", {"type": "card", "card": card})
    await api.paid(50_000)
    held = await api.authorised(1000, metadata={"a": "b"}, description="x")
    await api.post(
        f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": 10, "final_capture": False}
    )
    gone = await api.authorised(1000)
    await api.post(f"/v1/payment_intents/{gone['id']}/cancel", {"cancellation_reason": "abandoned"})
    await api.paid(payment_method="pm_card_answerLost")
    declined = {
        "amount": 1000,
        "currency": "aud",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
    }
    await api.post("/v1/payment_intents", declined)
    for method in ("pm_card_refundFail", "pm_card_pendingRefund", "pm_card_refundDeclined"):
        paid = await api.paid(5_000, payment_method=method)
        form = {"payment_intent": paid["id"], "amount": 100, "reason": "fraudulent"}
        await api.post("/v1/refunds", form)
    for method in ("pm_card_createDispute", "pm_card_createDisputeInquiry"):
        await api.paid(5_000, payment_method=method)
    await at_the_till(api, validators)
    await api.bank_account()
    await api.settled()
    failing = await api.bank_account("111111113")
    await api.paid_out(1_000, destination=failing["id"])
    await api.paid_out(2_000)
    clock.advance(timedelta(seconds=5))
    canceled = await api.paid_out(3_000)
    await api.post(f"/v1/payouts/{canceled['id']}/cancel")
    await api.core.sweep()()
    seen = set()
    expansions = {
        "payment_intents": ["latest_charge.balance_transaction", "payment_method"],
        "charges": ["balance_transaction.source", "dispute", "payment_intent", "refunds"],
        "disputes": ["charge", "payment_intent"],
        "refunds": ["charge", "payment_intent", "balance_transaction", "failure_balance_transaction"],
        "balance_transactions": ["source"],
        "payouts": ["balance_transaction.source", "destination", "failure_balance_transaction"],
        f"accounts/{api.shop.scope.merchant}/external_accounts": [],
        "payment_methods": [],
        "terminal/locations": [],
        "terminal/readers": ["location"],
        "events": [],
        "webhook_endpoints": [],
        f"webhook_endpoints/{hook['id']}/deliveries": [],
    }
    for noun, paths in expansions.items():
        for expand in ([], [f"data.{path}" for path in paths]):
            for each in (await api.get(f"/v1/{noun}", {"limit": 100, "expand": expand})).body["data"]:
                validators[each["object"]].validate(each)
                seen.add(each["object"])
                snapshot = each["data"]["object"] if noun == "events" else each
                if snapshot["object"] in validators:
                    validators[snapshot["object"]].validate(snapshot)
    for each in (await api.get("/v1/statements", {"interval": "day"})).body["data"]:
        validators["statement_period"].validate(each)
        validators["statement"].validate((await api.get(f"/v1/statements/{each['id']}")).body)
        seen |= {"statement_period", "statement"}
    month = (await api.get("/v1/statements")).body["data"][0]["id"]
    clock.advance(timedelta(days=31))
    validators["tax_invoice"].validate((await api.get(f"/v1/tax_invoices/{month}")).body)
    seen.add("tax_invoice")
    for noun in ("account", "balance", "balance_settings"):
        validators[noun].validate((await api.get(f"/v1/{noun}")).body)
        seen.add(noun)
    officers = {name for name in OBJECTS if name.startswith("custody_")}  # see test_custody
    assert seen == set(OBJECTS) - officers
