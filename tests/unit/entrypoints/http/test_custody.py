"""The bank's officers over HTTP: what they order, and what they may see; and that nobody else may."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
from attrs import frozen

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.api_keys import OFFICERS
from fintech.domain.audit import AuditAction, entry_of
from fintech.domain.evolving import evolve
from fintech.domain.keys.breaking_glass import GlassRequest
from fintech.domain.keys.custody import CmkStatus, Custody
from fintech.domain.keys.orders import Order, OrderAction, Subject
from fintech.domain.scope import Face, Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.http.custody import SIGNED_BURST
from fintech.entrypoints.http.custody_metrics import CustodyGauges
from fintech.entrypoints.http.metrics import Meter
from fintech.entrypoints.http.operations import OBJECTS
from fintech.entrypoints.http.schema import ERROR
from fintech.entrypoints.key_settings import DEVELOPMENT
from fintech.entrypoints.noting import Strangers
from fintech.ports.audit_trail import AuditQuery
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_table import RootKey
from tests.unit.application.keys.bank import Officers
from tests.unit.domain.keys.samples import CMK, ring
from tests.unit.entrypoints.http.driving import OFFICER, Api, Reply, driving

KEYLESS: dict[str, Any] = {"Authorization": ""}


@frozen
class Desk:
    """An officer's desk: a client of the API, and the officers' private keys."""

    api: Api
    officers: Officers
    clock: ManualClock
    secret: str
    strangers: Strangers

    async def order(self, sequence: int, action: str, subject: Subject, *, key: str = "ann") -> Reply:
        """What comes back for an order; no API key is sent."""
        order = Order(
            environment=DEVELOPMENT,
            sequence=sequence,
            action=OrderAction(action),
            subject=subject,
            issued_at=self.clock.now(),
            reason="breach drill",
        )
        reply = await self.api.post("/v1/custody/orders", self.signed(order.document(), key), **KEYLESS)
        keeps_its_schema(reply.body)
        return reply

    def signed(self, document: bytes, key: str = "ann") -> dict[str, str]:
        """The form of a signed document."""
        signature = self.officers.sign(key, document).signature
        return {
            "document": document.decode(),
            "key": key,
            "signature": base64.b64encode(signature).decode(),
        }

    async def sees(self, what: str, **query: Any) -> Any:
        """What an officer is shown."""
        reply = await self.asks(f"/v1/custody/{what}", **query)
        assert reply.status == 200, reply.text
        for each in reply.body["data"]:
            keeps_its_schema(each)
        return reply.body

    async def asks(self, path: str, **query: Any) -> Reply:
        """The same, whatever it is."""
        return await self.api.get(path, query, Authorization=f"Bearer {self.secret}")


def keeps_its_schema(body: Any) -> None:
    """What is answered is as it is documented, also when it is an error."""
    schema = OBJECTS[body["object"]] if "object" in body else ERROR
    components = {"schemas": {**OBJECTS, "error": ERROR}}
    jsonschema_rs.validator_for(schema | {"components": components}).validate(body)


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[Desk]:
    officers, strangers = Officers("ann", "ben"), Strangers()
    async with (
        profiles.testing(clock=clock, officers=officers) as core,
        driving(core, strangers=strangers) as api,
    ):
        made = (await core.create_api_key()(OFFICER, OFFICERS, "ann")).unwrap()
        await core.key_table().save(evolve(ring(), version=0, scope=api.shop.scope))
        yield Desk(api, officers, clock, made.secret, strangers)


async def test_an_order_needs_a_signature_and_no_api_key(desk: Desk) -> None:
    scope = desk.api.shop.scope
    reply = await desk.order(1, "suspend", scope)
    assert reply.status == 200, reply.text
    assert (reply.body["action"], reply.body["merchant"], reply.body["livemode"]) == (
        "suspend",
        scope.merchant,
        False,
    )
    assert (reply.body["sequence"], reply.body["signed_by"]) == (1, ["ann"])
    kept = await desk.api.core.key_table().ring(scope)
    assert kept is not None
    assert kept.custody is Custody.SUSPENDED


async def test_the_same_order_again_is_answered_as_applied(desk: Desk) -> None:
    first = await desk.order(1, "suspend", desk.api.shop.scope)
    again = await desk.order(1, "suspend", desk.api.shop.scope)
    assert again.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_gap_is_told_the_number_that_is_next(desk: Desk) -> None:
    reply = await desk.order(3, "suspend", desk.api.shop.scope)
    assert (reply.status, reply.error["code"], reply.error["expected_sequence"]) == (
        409,
        "order_out_of_sequence",
        1,
    )
    assert reply.headers["Stripe-Should-Retry"] == "false"


async def test_who_signed_nothing_is_told_nothing(desk: Desk) -> None:
    form = desk.signed(
        Order(
            environment=DEVELOPMENT,
            sequence=9,
            action=OrderAction.REVOKE,
            subject=desk.api.shop.scope,
            issued_at=desk.clock.now(),
            reason="not mine",
        ).document()
    )
    replies = [
        await desk.api.post("/v1/custody/orders", form | {"key": key}, **KEYLESS) for key in ("ben", "eve")
    ]
    assert [(reply.status, reply.error["code"]) for reply in replies] == [(403, "signature_invalid")] * 2
    assert replies[0].error["message"] == replies[1].error["message"]


async def test_strangers_are_counted_and_make_no_entry_each(desk: Desk) -> None:
    core = desk.api.core
    form = desk.signed(b"{}") | {"key": "ben"}
    now = desk.clock.now()
    everything = AuditQuery(since=now - timedelta(days=1), until=now + timedelta(days=1))
    before = len(await core.audit_sink().find(everything, 100))
    for _ in range(30):
        reply = await desk.api.post("/v1/custody/orders", form, **KEYLESS)
        assert (reply.status, reply.error["code"]) == (403, "signature_invalid")
    assert len(await core.audit_sink().find(everything, 100)) == before
    (((why, _, face), count),) = desk.strangers.taken().items()
    assert (why, face, count) == ("signature_invalid", Face.HTTP, 30)


async def test_what_strangers_send_takes_nothing_from_the_officers(desk: Desk) -> None:
    forged = desk.signed(b"{}") | {"key": "ben"}
    for _ in range(2 * SIGNED_BURST):
        assert (await desk.api.post("/v1/custody/orders", forged, **KEYLESS)).status == 403
    assert (await desk.order(1, "suspend", desk.api.shop.scope)).status == 200


async def test_what_somebody_got_hold_of_is_not_handed_in_without_end(desk: Desk) -> None:
    replies = [await desk.order(1, "suspend", desk.api.shop.scope) for _ in range(SIGNED_BURST + 1)]
    assert [reply.status for reply in replies] == [200] * SIGNED_BURST + [429]
    assert (await desk.order(2, "restore", desk.api.shop.scope)).status == 200


async def test_it_takes_two_officers_to_shred(desk: Desk) -> None:
    order = Order(
        environment=DEVELOPMENT,
        sequence=1,
        action=OrderAction.SHRED,
        subject=desk.api.shop.scope,
        issued_at=desk.clock.now(),
        reason="gone",
    )
    ann, ben = (desk.signed(order.document(), name) for name in ("ann", "ben"))
    second = {"second_key": "ben", "second_signature": ben["signature"]}
    alone = await desk.api.post("/v1/custody/orders", ann, **KEYLESS)
    assert (alone.status, alone.error["code"]) == (400, "two_officers_needed")
    half = await desk.api.post("/v1/custody/orders", ann | {"second_key": "ben"}, **KEYLESS)
    assert (half.status, half.error["param"]) == (400, "second_signature")
    forged = await desk.api.post("/v1/custody/orders", ann | second | {"second_key": "eve"}, **KEYLESS)
    assert forged.status == 403
    reply = await desk.api.post("/v1/custody/orders", ann | second, **KEYLESS)
    assert reply.status == 200, reply.text
    keeps_its_schema(reply.body)
    assert (reply.body["signed_by"], len(reply.body["signatures"])) == (["ann", "ben"], 2)
    assert json.loads(reply.body["destruction"]["certificate"])["environment"] == DEVELOPMENT


async def test_what_is_for_another_deployment_is_refused_by_name(desk: Desk) -> None:
    order = Order(
        environment="staging",
        sequence=1,
        action=OrderAction.REVOKE,
        subject=desk.api.shop.scope,
        issued_at=desk.clock.now(),
        reason="drill",
    )
    reply = await desk.api.post("/v1/custody/orders", desk.signed(order.document()), **KEYLESS)
    assert (reply.status, reply.error["code"]) == (400, "another_environment")
    assert "staging" in reply.error["message"]
    assert DEVELOPMENT in reply.error["message"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"signature": "AAAA"}, "signature"),
        ({"signature": "A" * 88}, "signature"),
        ({"signature": "?" * 88}, "signature"),
        ({"document": "{}"}, "document"),
        ({"document": "x" * 4_097}, "document"),
        ({"key": "4242424242424242"}, "key"),
        ({"more": "1"}, "more"),
    ],
)
async def test_what_is_malformed_is_named(desk: Desk, change: dict[str, str], param: str) -> None:
    reply = await desk.api.post("/v1/custody/orders", desk.signed(b"{}") | change, **KEYLESS)
    assert (reply.status, reply.error["param"]) == (400, param)


async def test_refusals_have_codes(desk: Desk) -> None:
    scope = desk.api.shop.scope
    step = await desk.order(1, "restore", scope)
    assert (step.status, step.error["code"]) == (400, "custody_unexpected_state")
    nobody = await desk.order(1, "suspend", Scope(scope.merchant, livemode=True))
    assert (nobody.status, nobody.error["code"]) == (404, "resource_missing")
    unknown = await desk.order(1, "suspend", CMK)
    assert (unknown.status, unknown.error["code"]) == (404, "resource_missing")


async def test_two_officers_break_glass_and_everybody_sees_until_when(desk: Desk) -> None:
    scope = desk.api.shop.scope
    await desk.order(1, "revoke", scope)
    until = desk.clock.now() + timedelta(hours=1)
    document = GlassRequest(
        environment=DEVELOPMENT, sequence=2, scope=scope, until=until, reason="evidence"
    ).document()
    form = desk.signed(document)
    second = desk.signed(document, "ben")
    both = form | {"second_key": "ben", "second_signature": second["signature"]}
    alone = form | {"second_key": "ann", "second_signature": form["signature"]}
    refused = await desk.api.post("/v1/custody/break_glass", alone, **KEYLESS)
    assert (refused.status, refused.error["code"]) == (400, "two_officers_needed")
    reply = await desk.api.post("/v1/custody/break_glass", both, **KEYLESS)
    assert reply.status == 200, reply.text
    keeps_its_schema(reply.body)
    assert (reply.body["action"], reply.body["until"]) == ("break_glass", int(until.timestamp()))
    assert reply.body["signed_by"] == ["ann", "ben"]
    assert len(reply.body["signatures"]) == 2
    (shown,) = (await desk.sees("keys", merchant=scope.merchant))["data"]
    assert (shown["custody"], shown["usable"], shown["opened_until"]) == (
        "revoked",
        True,
        int(until.timestamp()),
    )
    desk.clock.advance(timedelta(hours=1))
    (shown,) = (await desk.sees("keys", merchant=scope.merchant))["data"]
    assert shown["usable"] is False


async def test_officers_see_what_the_bank_said(desk: Desk) -> None:
    scope = desk.api.shop.scope
    for sequence, action in enumerate(("suspend", "restore", "suspend"), start=1):
        await desk.order(sequence, action, scope)
    page = await desk.sees("orders", limit=2)
    assert [(each["sequence"], each["action"]) for each in page["data"]] == [(1, "suspend"), (2, "restore")]
    assert page["has_more"]
    rest = await desk.sees("orders", starting_after=2)
    assert [each["sequence"] for each in rest["data"]] == [3]
    assert not rest["has_more"]
    shown = rest["data"][0]
    signature = base64.b64decode(shown["signatures"][0])
    assert desk.officers.check("ann", shown["document"].encode(), signature)
    assert json.loads(shown["document"])["reason"] == shown["reason"] == "breach drill"


async def test_officers_see_every_merchants_keys_in_both_modes_and_nothing_of_what_they_are(
    desk: Desk,
) -> None:
    scope = desk.api.shop.scope
    live = Scope(scope.merchant, livemode=True)
    await desk.api.core.key_table().save(evolve(ring(), version=0, scope=live))
    page = await desk.sees("keys", limit=1)
    assert [each["id"] for each in page["data"]] == [f"{scope.merchant}/test"]
    assert page["has_more"]
    rest = await desk.sees("keys", starting_after=page["data"][0]["id"], root_key=CMK)
    assert [each["id"] for each in rest["data"]] == [f"{scope.merchant}/live"]
    assert "wrapped-1" not in json.dumps(rest)
    assert "grant" not in json.dumps(rest)
    assert (await desk.sees("keys", root_key="another"))["data"] == []
    wrong = await desk.asks("/v1/custody/keys", starting_after="acct_1")
    assert (wrong.status, wrong.error["param"]) == (400, "starting_after")


async def test_officers_see_the_banks_root_keys(desk: Desk) -> None:
    known = RootKey(cmk=CMK, status=CmkStatus.ENABLED, custody_open=True, authorised_at=desk.clock.now())
    await desk.api.core.key_table().save_root_key(known)
    await desk.order(1, "suspend", CMK)
    (shown,) = (await desk.sees("root_keys"))["data"]
    assert shown == {
        "id": CMK,
        "object": "custody_root_key",
        "authorised": int(desk.clock.now().timestamp()),
        "custody": "suspended",
        "status": "enabled",
    }


async def test_who_looks_is_written_down(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who, what and from where; and he sees it also where it cannot be: in a breach he has to."""
    core, merchant = desk.api.core, desk.api.shop.scope.merchant

    async def looks() -> None:
        await desk.sees("orders")
        await desk.sees("keys", merchant=merchant)
        await desk.sees("root_keys")

    await looks()
    query = AuditQuery(
        since=desk.clock.now() - timedelta(days=1),
        until=desk.clock.now() + timedelta(days=1),
        action=AuditAction.CUSTODY_READ,
    )
    entries = [entry_of(each.document) for each in await core.audit_sink().find(query, 100)]
    told = [(each.subject, each.face, each.origin, each.details) for each in entries[::-1] if each]
    assert told == [
        ("orders", Face.HTTP, "127.0.0.1", {"at": "orders"}),
        (merchant, Face.HTTP, "127.0.0.1", {"at": "keys"}),
        ("root keys", Face.HTTP, "127.0.0.1", {"at": "root keys"}),
    ]
    assert {each.actor for each in entries if each} == {
        key.id for key in await core.queries().api_keys(OFFICERS)
    }

    async def down(*_: object) -> None:
        raise AuditUnavailable("down")

    monkeypatch.setattr(type(core.audit()), "write", down)
    await looks()


@pytest.mark.parametrize("what", ["orders", "keys", "root_keys"])
async def test_a_merchants_key_opens_nothing_of_custody(desk: Desk, what: str) -> None:
    reply = await desk.api.get(f"/v1/custody/{what}")
    assert (reply.status, reply.error["code"]) == (403, "role_invalid")
    nobody = await desk.api.get(f"/v1/custody/{what}", Authorization="")
    assert (nobody.status, nobody.error["code"]) == (401, "api_key_missing")


@pytest.mark.parametrize("path", ["/v1/account", "/v1/payment_intents", "/v1/balance", "/v1/events"])
async def test_an_officers_key_opens_nothing_else(desk: Desk, path: str) -> None:
    reply = await desk.asks(path)
    assert (reply.status, reply.error["code"]) == (403, "role_invalid")


async def test_an_officers_key_is_revoked_as_any_other(desk: Desk) -> None:
    assert desk.secret.startswith("ok_")
    (listed,) = await desk.api.core.queries().api_keys(OFFICERS)
    await desk.api.core.end_api_key()(OFFICER, OFFICERS, listed.id)
    desk.clock.advance(timedelta(seconds=1))
    assert (await desk.asks("/v1/custody/orders")).status == 401


async def test_a_signed_order_needs_no_form_of_idempotency_but_its_number(desk: Desk) -> None:
    operations = (await desk.api.get("/v1/openapi.json")).body["paths"]
    for path in ("/v1/custody/orders", "/v1/custody/break_glass"):
        assert operations[path]["post"]["security"] == []
        assert operations[path]["post"]["parameters"] == []
    assert "security" not in operations["/v1/custody/orders"]["get"]


async def test_figures_say_what_the_bank_said_and_how_it_stands(desk: Desk) -> None:
    core = desk.api.core
    known = RootKey(cmk=CMK, status=CmkStatus.ENABLED, custody_open=True, authorised_at=desk.clock.now())
    await core.key_table().save_root_key(known)
    await desk.order(1, "suspend", desk.api.shop.scope)
    await desk.order(9, "suspend", desk.api.shop.scope)
    gauges = CustodyGauges(core.order_figures(), core.sum_up_custody())
    meter = Meter()
    meter.also(gauges)
    before = meter.exposition().decode()
    assert 'fintech_custody_orders_total{action="suspend"} 1.0' in before
    assert 'fintech_custody_orders_refused_total{reason="out_of_sequence"} 1.0' in before
    assert "fintech_custody_rings" not in before
    desk.clock.advance(timedelta(seconds=7))
    assert await gauges.look() == 0
    told = meter.exposition().decode()
    assert "fintech_custody_last_order 1.0" in told
    assert 'fintech_custody_rings{custody="suspended"} 1.0' in told
    assert f'fintech_custody_root_key_usable{{root_key="{CMK}"}} 1.0' in told
    assert f'fintech_custody_key_versions{{root_key="{CMK}",status="active"}} 1.0' in told
    assert f'fintech_custody_key_versions_overdue{{root_key="{CMK}"}} 0.0' in told
    assert f'fintech_custody_key_version_age_seconds{{root_key="{CMK}"}}' in told
    assert f'fintech_custody_heartbeat_age_seconds{{root_key="{CMK}"}} 7.0' in told
