"""A purchase at a terminal, as the HTTP API and the official SDK show it."""

from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest
import stripe
from attrs import evolve, frozen

from fintech.application.commits import Request
from fintech.application.terminals.sales import Sale
from fintech.domain.payments.payment import Payment
from fintech.entrypoints.http.operations import OBJECTS
from tests.unit.application.terminals.till import ANSWER_LOST, NO_FUNDS, VISA, Till, details, open_till
from tests.unit.entrypoints.http.driving import Api, Shop, driving


def check(answer: Any, name: str) -> None:
    """An object is as its schema says."""
    schemas = {"components": {"schemas": dict(OBJECTS)}}
    jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", **schemas}).validate(answer)


@frozen
class Window:
    """A till, and its merchant's view of it."""

    till: Till
    api: Api

    async def charge(self, payment: Payment) -> Any:
        """A payment's first charge."""
        return (await self.api.get(f"/v1/charges/{payment.attempts[0].id}")).body

    async def intent(self, payment: Payment) -> Any:
        """A payment."""
        return (await self.api.get(f"/v1/payment_intents/{payment.id}")).body


@pytest.fixture
async def window() -> AsyncIterator[Window]:
    async with open_till() as till:
        scope = till.shop.scope
        secret = (await till.core.create_api_key()(till.actor, scope, "tests")).unwrap().secret
        async with driving(till.core, shop=Shop(scope, secret)) as api:
            yield Window(till, api)


async def test_a_charge_says_where_and_how_the_card_was_presented(window: Window) -> None:
    payment = await window.till.buy()
    charge = await window.charge(payment)
    check(charge, "charge")
    details = charge["payment_method_details"]
    assert details["type"] == "card_present"
    present = details["card_present"]
    assert (present["brand"], present["last4"], present["read_method"]) == ("visa", "4242", "contact_emv")
    assert present["reader"] == window.till.terminal.id
    assert present["location"] == window.till.terminal.location
    assert present["offline"] is None
    assert present["receipt"]["authorization_code"] == payment.attempts[0].auth_code
    intent = await window.intent(payment)
    check(intent, "payment_intent")
    assert intent["payment_method_types"] == ["card_present"]


async def test_a_decline_says_the_issuers_code(window: Window) -> None:
    payment = await window.till.buy(card=NO_FUNDS)
    charge = await window.charge(payment)
    check(charge, "charge")
    assert charge["payment_method_details"]["card_present"]["receipt"]["authorization_response_code"] == "51"
    error = (await window.intent(payment))["last_payment_error"]
    assert error["payment_method"]["type"] == "card_present"
    check(error["payment_method"], "payment_method")


async def test_a_purchase_off_line_says_so(window: Window) -> None:
    payment = (await window.till.advise()).unwrap().payment
    charge = await window.charge(payment)
    check(charge, "charge")
    assert charge["payment_method_details"]["card_present"]["offline"] == {
        "stored_at": None,
        "type": "deferred",
    }


async def test_a_purchase_that_was_given_up_is_cancelled(window: Window) -> None:
    payment = await window.till.buy(card=ANSWER_LOST)
    check(await window.charge(payment), "charge")
    assert (await window.intent(payment))["status"] == "canceled"


async def test_a_reversed_purchase_is_refunded_for_a_reason_that_nobody_may_choose(window: Window) -> None:
    payment = await window.till.buy()
    await window.till.reverse()
    charge = await window.charge(payment)
    assert (charge["refunded"], charge["amount_refunded"]) == (True, 10_000)
    (refund,) = (await window.api.get("/v1/refunds")).body["data"]
    check(refund, "refund")
    assert (refund["reason"], refund["status"]) == ("terminal_reversal", "succeeded")
    line = (await window.api.get(f"/v1/balance_transactions/{refund['balance_transaction']}")).body
    check(line, "balance_transaction")
    assert (line["amount"], line["fee"], line["net"]) == (-10_000, -193, -9_807)
    other = await window.api.paid(5_000)
    form = {"payment_intent": other["id"], "reason": "terminal_reversal"}
    assert (await window.api.post("/v1/refunds", form)).error["param"] == "reason"


async def test_a_card_that_was_presented_is_found_by_its_name(window: Window) -> None:
    payment = await window.till.buy()
    method = (await window.api.get(f"/v1/payment_methods/{payment.attempts[0].method.id}")).body
    check(method, "payment_method")
    assert (method["type"], method["card_present"]["last4"]) == ("card_present", "4242")
    expanded = await window.api.get(f"/v1/payment_intents/{payment.id}", {"expand": ["payment_method"]})
    assert expanded.body["payment_method"] == method


async def test_a_method_that_was_not_presented_is_not_found_by_a_payments_name(window: Window) -> None:
    paid = await window.api.paid()
    reply = await window.api.get(f"/v1/payment_methods/pm_{paid['id'].removeprefix('pi_')}")
    assert reply.status == 404


async def test_a_card_that_is_typed_in_later_was_not_presented(window: Window) -> None:
    payment = await window.till.buy(card=NO_FUNDS)
    confirmed = await window.api.post(
        f"/v1/payment_intents/{payment.id}/confirm", {"payment_method": "pm_card_visa"}
    )
    charge = (await window.api.get(f"/v1/charges/{confirmed.body['latest_charge']}")).body
    assert charge["payment_method_details"]["type"] == "card"
    first = await window.charge(payment)
    assert first["payment_method_details"]["type"] == "card_present"


@pytest.mark.parametrize(
    ("entry_mode", "read_method"),
    [("071", "contactless_emv"), ("901", "magnetic_stripe_track2"), ("011", None), ("000", None)],
)
async def test_how_a_card_was_read(window: Window, entry_mode: str, read_method: str | None) -> None:
    till = window.till
    sale = till.sale(1)
    sale = Sale(
        amount_minor=sale.amount_minor,
        currency=sale.currency,
        presented=evolve(sale.presented, entry_mode=entry_mode),
    )
    request = Request(actor=till.actor, key=till.key(1))
    payment = (await till.core.take_purchase()(request, till.shop.scope, sale, details(VISA))).unwrap()
    charge = await window.charge(payment)
    check(charge, "charge")
    assert charge["payment_method_details"]["card_present"]["read_method"] == read_method


async def test_what_happened_is_in_the_log(window: Window) -> None:
    await window.till.buy(1)
    await window.till.refund(2, 1, 100)
    await window.till.reverse(2, 100, refund=True)
    events = (await window.api.get("/v1/events", {"type": "refund.*"})).body["data"]
    assert events[0]["type"] == "refund.reversal_requested"
    check(events[0], "event")


async def test_the_official_sdk_reads_it(window: Window) -> None:
    payment = await window.till.buy()
    client = stripe.StripeClient(
        window.api.shop.secret,
        base_addresses={"api": window.api.url},
        http_client=stripe.AIOHTTPClient(session=window.api.session),
    )
    charge = await client.v1.charges.retrieve_async(payment.attempts[0].id)
    paid_with = charge.payment_method_details
    assert paid_with is not None
    assert paid_with.card_present is not None
    assert paid_with.card_present.last4 == "4242"
