"""Webhook endpoints over HTTP."""

from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.application.webhooks.figures import Ending, Figures
from fintech.domain.webhooks.endpoint import ENDPOINTS_MAX, OLD_SECRETS_MAX
from fintech.entrypoints.http.app import build_app
from fintech.entrypoints.http.webhook_metrics import DeliveryFigures
from fintech.entrypoints.worker import delivering, dispatcher
from tests.unit.entrypoints.http.driving import Api, open_shop, serving

PATH = "/v1/webhook_endpoints"
URL = "https://example.com/hooks"


async def make(api: Api, **form: Any) -> Any:
    reply = await api.post(PATH, {"url": URL, "enabled_events": ["*"]} | form)
    assert reply.status == 200, reply.text
    return reply.body


async def test_an_endpoint_is_made_and_its_secret_told_once(api: Api, clock: ManualClock) -> None:
    form = {
        "url": URL,
        "enabled_events": ["payment_intent.succeeded"],
        "description": "x",
        "metadata": {"a": "b"},
    }
    made = (await api.post(PATH, form)).body
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "object": "webhook_endpoint",
        "api_version": "2026-10-28.endive",
        "application": None,
        "created": int(clock.now().timestamp()),
        "description": "x",
        "disabled_reason": None,
        "enabled_events": ["payment_intent.succeeded"],
        "livemode": False,
        "metadata": {"a": "b"},
        "status": "enabled",
        "url": URL,
    }
    assert (await api.get(f"{PATH}/{made['id']}")).body == made
    listed = (await api.get(PATH)).body
    assert (listed["data"], listed["url"], listed["has_more"]) == ([made], PATH, False)
    events = (await api.get("/v1/events", {"type": "webhook_endpoint.created"})).body["data"]
    assert [event["data"]["object"] for event in events] == [made]
    assert secret not in str(listed) + str(events)


async def test_asked_again_under_its_key_it_is_the_same_endpoint_and_secret(api: Api) -> None:
    form = {"url": URL, "enabled_events": ["*"]}
    first, again = [await api.post(PATH, form, Idempotency_Key="one") for _ in range(2)]
    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await api.post(PATH, form | {"url": URL + "/2"}, Idempotency_Key="one")
    assert other.error["type"] == "idempotency_error"


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"url": "http://example.com"}, "url"),
        ({"url": "https://user:hush@example.com"}, "url"),
        ({"url": "https://10.0.0.1"}, "url"),
        ({"url": "https://2130706433/"}, "url"),
        ({"url": "https://example.com:22"}, "url"),
        ({"url": "x" * 2_049}, "url"),
        ({"enabled_events": ["payment_intent.*"]}, "enabled_events[0]"),
        ({"enabled_events": ""}, "enabled_events"),
        ({"description": "4242424242424242"}, "description"),
        ({"description": "x" * 501}, "description"),
        ({"api_version": "2020-01-01"}, "api_version"),
        ({"connect": "true"}, "connect"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, form: dict[str, Any], param: str) -> None:
    reply = await api.post(PATH, {"url": URL, "enabled_events": ["*"]} | form)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert "hush" not in reply.text


async def test_the_url_and_the_types_are_needed(api: Api) -> None:
    for form, param in (({"url": URL}, "enabled_events"), ({"enabled_events": ["*"]}, "url")):
        reply = await api.post(PATH, form)
        assert (reply.error["code"], reply.error["param"]) == ("parameter_missing", param)


async def test_this_machine_is_for_test_mode(api: Api) -> None:
    assert (await make(api, url="http://localhost:3000/hooks"))["url"] == "http://localhost:3000/hooks"
    live = api.of(await open_shop(api.core, livemode=True))
    reply = await live.post(PATH, {"url": "https://localhost:3000/hooks", "enabled_events": ["*"]})
    assert (reply.error["code"], reply.error["param"]) == ("url_invalid", "url")
    assert (await make(live))["livemode"] is True


async def test_it_is_changed_disabled_and_enabled(api: Api) -> None:
    path = f"{PATH}/{(await make(api))['id']}"
    changed = (
        await api.post(path, {"url": URL + "/2", "enabled_events": ["refund.created"], "disabled": True})
    ).body
    assert (changed["url"], changed["enabled_events"]) == (URL + "/2", ["refund.created"])
    assert (changed["status"], changed["disabled_reason"]) == ("disabled", "asked")
    enabled = (await api.post(path, {"disabled": False, "description": "", "metadata": {"a": "b"}})).body
    assert (enabled["status"], enabled["disabled_reason"], enabled["metadata"]) == (
        "enabled",
        None,
        {"a": "b"},
    )
    assert (await api.post(path, {"url": "nonsense"})).error["param"] == "url"
    assert (await api.post(path, {"enabled_events": ""})).status == 400
    assert "secret" not in enabled


async def test_a_secret_is_rotated(api: Api) -> None:
    made = await make(api)
    path = f"{PATH}/{made['id']}/rotate_secret"
    rotated = (await api.post(path)).body
    assert rotated["secret"] != made["secret"]
    assert {**rotated, "secret": ""} == {**made, "secret": ""}
    for _ in range(OLD_SECRETS_MAX - 1):
        assert (await api.post(path, {"old_secret_expires_in": 60})).status == 200
    refused = await api.post(path, {"old_secret_expires_in": 60})
    assert (refused.error["code"], refused.error["param"]) == ("limit_reached", "old_secret_expires_in")
    assert (await api.post(path, {"old_secret_expires_in": 0})).status == 200
    assert (await api.post(path, {"old_secret_expires_in": 604_801})).status == 400


async def test_it_is_removed_and_stays_so(api: Api) -> None:
    made = await make(api)
    path = f"{PATH}/{made['id']}"
    gone = await api.send("DELETE", path)
    assert gone.body == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
    assert (await api.get(PATH)).body["data"] == []
    assert (await api.send("DELETE", path)).body == gone.body
    for reply in (
        await api.get(path),
        await api.post(path, {"disabled": True}),
        await api.post(f"{path}/rotate_secret"),
        await api.get(f"{path}/deliveries"),
    ):
        assert (reply.status, reply.error["code"]) == (404, "resource_missing")


async def test_another_merchants_is_not_there(api: Api) -> None:
    made = await make(api)
    other = api.of(await open_shop(api.core, 2))
    for path in (made["id"], f"{made['id']}/deliveries"):
        assert (await other.get(f"{PATH}/{path}")).status == 404
    assert (await other.get(f"{PATH}/nonsense")).status == 404
    assert (await other.send("DELETE", f"{PATH}/{made['id']}")).status == 404
    assert (await other.get(PATH)).body["data"] == []


async def test_there_are_few(api: Api) -> None:
    for _ in range(ENDPOINTS_MAX):
        await make(api)
    assert (await api.post(PATH, {"url": URL, "enabled_events": ["*"]})).error["code"] == "limit_reached"
    page = (await api.get(PATH, {"limit": 3})).body
    older = (await api.get(PATH, {"limit": 3, "starting_after": page["data"][-1]["id"]})).body
    assert len({each["id"] for each in page["data"] + older["data"]}) == 6


async def test_what_was_sent_is_listed_and_sent_again(api: Api) -> None:
    made = await make(api, enabled_events=["payment_intent.succeeded"])
    other = await make(api, enabled_events=["refund.created"])
    log = f"{PATH}/{made['id']}/deliveries"
    await api.paid()
    (event,) = (await api.get("/v1/events", {"type": "payment_intent.succeeded"})).body["data"]
    assert event["pending_webhooks"] == 1
    (pending,) = (await api.get(log)).body["data"]
    assert (pending["status"], pending["tries"], pending["event"]) == ("pending", 0, event["id"])
    dispatching = dispatcher(api.core)
    async with delivering(dispatching, interval_s=0.005):
        while (await api.get(f"/v1/events/{event['id']}")).body["pending_webhooks"]:
            pass
        (sent,) = (await api.get(log)).body["data"]
        assert (sent["status"], sent["next_try"], sent["type"]) == (
            "delivered",
            None,
            "payment_intent.succeeded",
        )
        assert [each["response_status"] for each in sent["last_tries"]] == [200]
    again = await api.post(f"/v1/events/{event['id']}/retry", {"webhook_endpoint": other["id"]})
    assert (again.body["id"], again.body["pending_webhooks"]) == (event["id"], 1)
    assert (await api.post(f"/v1/events/{event['id']}/retry")).body["pending_webhooks"] == 2
    await api.post(f"{PATH}/{other['id']}", {"disabled": True})
    refused = await api.post(f"/v1/events/{event['id']}/retry", {"webhook_endpoint": other["id"]})
    assert (refused.status, refused.error["code"]) == (400, "webhook_endpoint_disabled")
    for path in ("evt_" + "9" * 26, "nonsense"):
        assert (await api.post(f"/v1/events/{path}/retry")).status == 404
    unknown = await api.post(f"/v1/events/{event['id']}/retry", {"webhook_endpoint": "we_" + "9" * 24})
    assert (unknown.status, unknown.error["code"]) == (404, "resource_missing")


async def test_the_dispatchers_figures_are_told(api: Api) -> None:
    figures = Figures()
    figures.add(Ending.ARRIVED)
    figures.arrived(0.3)
    async with (
        serving(build_app(api.core, also=[DeliveryFigures(figures)])) as url,
        api.session.get(f"{url}/metrics") as reply,
    ):
        told = await reply.text()
    assert 'fintech_webhook_deliveries_total{ending="arrived"} 1.0' in told
    assert 'fintech_webhook_delivery_lag_seconds_bucket{le="0.5"} 1.0' in told
    assert "fintech_http_requests" in told
