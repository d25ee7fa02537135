"""The bank takes a merchant's keys back, and what needs none goes on: with the vault that a service has."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.webhook_sender import MemoryWebhookSender
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.domain.keys.custody import Custody
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from tests.unit.entrypoints.http.driving import OFFICER, Api, open_shop

METHODS, INTENTS = "/v1/payment_methods", "/v1/payment_intents"
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
OWNER = {"name": "Ada Lovelace", "email": "ada@example.com"}
NEW_CARD = {"type": "card", "card": CARD, "billing_details": OWNER}


@pytest.fixture
async def core(clock: ManualClock, acquirer: SimulatedAcquirer) -> AsyncIterator[Core]:
    async with profiles.testing(acquirer=acquirer, clock=clock, sender=MemoryWebhookSender()) as core:
        yield core


async def placed(api: Api, clock: ManualClock, custody: Custody) -> None:
    """What the bank's order comes to, and the time that a process has to hear of it."""
    table, scope = api.core.key_table(), api.shop.scope
    ring = await table.ring(scope)
    assert ring is not None
    (await table.save(ring.placed(custody).unwrap())).unwrap()
    clock.advance(timedelta(seconds=2))


async def refusals(api: Api) -> list[tuple[int, str]]:
    """What needs the merchant's keys: new cards and accounts, and looking for them."""
    account = {
        "object": "bank_account",
        "country": "AU",
        "account_holder_name": "Kiosk",
        "routing_number": "000-000",
        "account_number": "000123456",
    }
    path = f"/v1/accounts/{api.shop.scope.merchant}/external_accounts"
    pay = {"amount": 500, "currency": "aud", "confirm": True, "payment_method_data": NEW_CARD}
    hooks = {"url": "https://example.com/h", "enabled_events": ["*"]}
    replies = [
        await api.post(METHODS, NEW_CARD),
        await api.post(INTENTS, pay),
        await api.post(f"{METHODS}/find", {"email": OWNER["email"]}),
        await api.post(path, {"external_account": account}),
        await api.post("/v1/webhook_endpoints", hooks),
        await api.post("/v1/payouts", {"amount": 1_000, "currency": "aud", "method": "instant"}),
    ]
    return [(reply.status, reply.error["code"]) for reply in replies]


async def test_what_needs_no_key_goes_on_under_revocation(api: Api, clock: ManualClock) -> None:
    kept = (await api.post(METHODS, NEW_CARD)).body
    bank = await api.bank_account()
    before = await api.settled(100_000)
    other = api.of(await open_shop(api.core, 2))
    await placed(api, clock, Custody.SUSPENDED)

    assert set(await refusals(api)) == {(403, "merchant_key_revoked")}
    assert (await other.post(METHODS, NEW_CARD)).status == 200

    named, stored = await api.paid(20_000), await api.paid(30_000, payment_method=kept["id"])
    assert (named["status"], stored["status"]) == ("succeeded", "succeeded")
    assert (await api.get(f"{INTENTS}/{before['id']}")).body["status"] == "succeeded"
    assert len((await api.get(INTENTS)).body["data"]) == 3
    refunded = await api.post("/v1/refunds", {"payment_intent": stored["id"], "amount": 1_000})
    assert refunded.body["status"] == "succeeded"
    clock.advance(timedelta(days=1))
    settled = await api.core.settle_merchant()(OFFICER, api.shop.scope, date(2030, 1, 1))
    assert settled.unwrap().released_minor > 0
    assert (await api.get("/v1/balance")).body["available"][0]["amount"] > 100_000
    await api.core.sweep()()

    (method,) = (await api.get(METHODS)).body["data"]
    assert method == kept | {"billing_details": method["billing_details"], "protection": "revoked"}
    assert method["billing_details"]["name"] is None
    (account,) = (await api.get(f"/v1/accounts/{api.shop.scope.merchant}/external_accounts")).body["data"]
    assert account == bank | {"account_holder_name": None, "protection": "revoked"}
    assert (await api.get("/v1/events")).status == 200
    payout = (await api.post("/v1/payouts", {"amount": 1_000, "currency": "aud"})).body
    clock.advance(timedelta(seconds=6))
    await api.core.sweep()()
    assert (await api.get(f"/v1/payouts/{payout['id']}")).body["status"] == "pending"

    await placed(api, clock, Custody.ACTIVE)
    assert (await api.get(f"{METHODS}/{kept['id']}")).body == kept
    assert (await api.post(METHODS, NEW_CARD)).body["card"]["fingerprint"] == kept["card"]["fingerprint"]
    clock.advance(timedelta(hours=1))
    await api.core.sweep()()
    assert (await api.get(f"/v1/payouts/{payout['id']}")).body["status"] in ("in_transit", "paid")


async def test_nothing_is_sealed_or_sent_for_who_is_refused(
    api: Api, clock: ManualClock, acquirer: SimulatedAcquirer
) -> None:
    await api.post(METHODS, NEW_CARD)
    sealed = await api.core.protected().counts(api.shop.scope)
    await placed(api, clock, Custody.REVOKED)
    await refusals(api)
    assert (await api.core.protected().counts(api.shop.scope), acquirer.calls) == (sealed, [])
    assert (await api.get(INTENTS)).body["data"] == []


async def test_what_was_destroyed_is_said_to_be(api: Api, clock: ManualClock) -> None:
    kept: Any = (await api.post(METHODS, NEW_CARD)).body
    table, scope = api.core.key_table(), api.shop.scope
    ring = await table.ring(scope)
    assert ring is not None
    (await table.save(ring.shredded(clock.now()).unwrap())).unwrap()
    clock.advance(timedelta(seconds=2))
    assert (await api.post(METHODS, NEW_CARD)).error["code"] == "merchant_data_destroyed"
    assert (await api.get(METHODS)).body["data"][0]["protection"] == "destroyed"
    assert (await api.paid(payment_method=kept["id"]))["status"] == "succeeded"
