import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from tests.unit.entrypoints.http.driving import OFFICER, Api

REFUNDS = "/v1/refunds"


async def test_a_payment_is_given_back_in_parts_and_then_the_rest(api: Api) -> None:
    await api.paid(50_000)  # from which the fees come that a refund does not give back
    paid = await api.paid(1000)
    form = {"payment_intent": paid["id"], "amount": 300, "reason": "duplicate", "metadata": {"why": "oops"}}
    some = (await api.post(REFUNDS, form)).body
    assert (
        some
        | {
            "object": "refund",
            "amount": 300,
            "charge": paid["latest_charge"],
            "currency": "aud",
            "failure_reason": None,
            "metadata": {"why": "oops"},
            "payment_intent": paid["id"],
            "pending_reason": None,
            "reason": "duplicate",
            "status": "succeeded",
        }
        == some
    )
    assert some["balance_transaction"].startswith("txn_")
    rest = (await api.post(REFUNDS, {"charge": paid["latest_charge"]})).body
    assert rest["amount"] == 700
    assert (await api.get(f"{REFUNDS}/{rest['id']}")).body == rest
    none = await api.post(REFUNDS, {"payment_intent": paid["id"]})
    assert (none.status, none.error["code"]) == (400, "charge_already_refunded")


@pytest.mark.parametrize("by", ["payment_intent", "charge"])
async def test_more_than_was_captured_is_refused(api: Api, by: str) -> None:
    paid = await api.paid(1000)
    id = paid["id"] if by == "payment_intent" else paid["latest_charge"]
    refused = await api.post(REFUNDS, {by: id, "amount": 1001})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        400,
        "amount_too_large",
        "amount",
    )


async def test_refunds_at_once_never_give_back_more_than_was_captured(api: Api) -> None:
    paid = await api.paid(1000)
    form = {"payment_intent": paid["id"], "amount": 600}
    replies = await asyncio.gather(*(api.post(REFUNDS, form) for _ in range(6)))
    assert sorted(reply.status for reply in replies) == [200, 400, 400, 400, 400, 400]


@pytest.mark.parametrize(
    ("method", "status", "failure", "pending"),
    [
        ("pm_card_refundDeclined", "failed", "declined", None),
        ("pm_card_pendingRefund", "pending", None, "processing"),
        ("pm_card_refundFail", "succeeded", None, None),
    ],
)
async def test_a_refund_says_what_became_of_it(
    api: Api, method: str, status: str, failure: str | None, pending: str | None
) -> None:
    await api.paid(50_000)
    paid = await api.paid(1000, payment_method=method)
    refund = (await api.post(REFUNDS, {"payment_intent": paid["id"]})).body
    assert (refund["status"], refund["failure_reason"], refund["pending_reason"]) == (
        status,
        failure,
        pending,
    )


async def test_a_refund_that_comes_back_later_has_failed(api: Api) -> None:
    await api.paid(50_000)
    paid = await api.paid(1000, payment_method="pm_card_refundFail")
    refund = (await api.post(REFUNDS, {"payment_intent": paid["id"]})).body
    await api.core.sweep()()
    after = (await api.get(f"{REFUNDS}/{refund['id']}")).body
    assert (after["status"], after["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert after["failure_balance_transaction"].startswith("txn_")


@pytest.mark.parametrize(
    ("form", "status", "code", "param"),
    [
        ({}, 400, "parameter_missing", "payment_intent"),
        ({"amount": 5}, 400, "parameter_missing", "payment_intent"),
        ({"payment_intent": "pi_1"}, 404, "resource_missing", "payment_intent"),
        ({"payment_intent": "pi_000000000000000000000zzz"}, 404, "resource_missing", "intent"),
        ({"charge": "ch_000000000000000000000zzz00"}, 404, "resource_missing", "charge"),
        (
            {"payment_intent": "pi_000000000000000000000zzz", "amount": 0},
            400,
            "parameter_invalid_integer",
            "amount",
        ),
        (
            {"payment_intent": "pi_000000000000000000000zzz", "reason": "x"},
            400,
            "parameter_invalid_value",
            "reason",
        ),
    ],
)
async def test_a_refund_of_nothing_is_refused(
    api: Api, form: dict[str, Any], status: int, code: str, param: str
) -> None:
    refused = await api.post(REFUNDS, form)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (status, code, param)


async def test_both_names_of_a_payment_are_one_too_many(api: Api) -> None:
    paid = await api.paid()
    refused = await api.post(REFUNDS, {"payment_intent": paid["id"], "charge": paid["latest_charge"]})
    assert refused.error["code"] == "parameters_exclusive"


async def test_a_charge_that_was_declined_cannot_be_given_back(api: Api) -> None:
    form = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    payment = (await api.post("/v1/payment_intents", form)).error["payment_intent"]
    await api.post(f"/v1/payment_intents/{payment['id']}/confirm", {"payment_method": "pm_card_visa"})
    refused = await api.post(REFUNDS, {"charge": payment["latest_charge"]})
    assert refused.error["code"] == "charge_not_refundable"


async def test_a_payment_that_was_not_captured_cannot_be_given_back(api: Api) -> None:
    held = await api.authorised()
    refused = await api.post(REFUNDS, {"payment_intent": held["id"]})
    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")


async def test_what_the_balance_does_not_bear_is_refused(api: Api, clock: ManualClock) -> None:
    """By the fee: a settled day's payment leaves a little less than was captured."""
    paid = await api.paid(1000)
    (await api.core.settle_merchant()(OFFICER, api.shop.scope, date(2026, 11, 30))).unwrap()
    clock.advance(timedelta(days=2))
    refused = await api.post(REFUNDS, {"payment_intent": paid["id"]})
    assert (refused.status, refused.error["code"]) == (400, "balance_insufficient")


async def test_refunds_are_listed_by_payment_and_by_charge(api: Api) -> None:
    first, second = await api.paid(1000), await api.paid(2000)
    made = [
        (await api.post(REFUNDS, {"payment_intent": id, "amount": 100})).body["id"]
        for id in (first["id"], second["id"], second["id"])
    ]

    async def ids(**query: Any) -> list[str]:
        return [each["id"] for each in (await api.get(REFUNDS, query)).body["data"]]

    assert await ids() == made[::-1]
    assert await ids(payment_intent=second["id"]) == [made[2], made[1]]
    assert await ids(charge=first["latest_charge"]) == [made[0]]
    assert await ids(limit=1, ending_before=made[0]) == [made[1]]
    assert (await api.get(REFUNDS, {"charge": first["latest_charge"][:-2] + "09"})).status == 404


async def test_metadata_may_be_changed(api: Api) -> None:
    paid = await api.paid(1000)
    form = {"payment_intent": paid["id"], "amount": 300, "metadata": {"why": "oops", "who": "Ada"}}
    refund = (await api.post(REFUNDS, form)).body
    one = f"{REFUNDS}/{refund['id']}"
    changed = (await api.post(one, {"metadata": {"why": "", "ticket": "7"}})).body
    assert changed == refund | {"metadata": {"who": "Ada", "ticket": "7"}}
    assert (await api.get(one)).body == changed
    event = (await api.get("/v1/events", {"limit": 1})).body["data"][0]
    assert (event["type"], event["data"]["object"]) == ("refund.updated", changed)
    assert (await api.post(one)).body == changed
    expanded = (await api.post(one, {"metadata": "", "expand": ["payment_intent"]})).body
    assert (expanded["metadata"], expanded["payment_intent"]["id"]) == ({}, paid["id"])


async def test_a_change_of_metadata_is_made_once(api: Api) -> None:
    paid = await api.paid(1000)
    refund = (await api.post(REFUNDS, {"payment_intent": paid["id"], "amount": 300})).body
    one = f"{REFUNDS}/{refund['id']}"
    first = await api.post(one, {"metadata": {"a": "1"}}, Idempotency_Key="once")
    await api.post(one, {"metadata": {"a": "2"}})
    again = await api.post(one, {"metadata": {"a": "1"}}, Idempotency_Key="once")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    reused = await api.post(one, {"metadata": {"a": "3"}}, Idempotency_Key="once")
    assert reused.error["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("id", ["re_000000000000000000000zzz", "re_1", "pi_000000000000000000000zzz"])
async def test_a_refund_that_there_is_not_cannot_be_changed(api: Api, id: str) -> None:
    refused = await api.post(f"{REFUNDS}/{id}", {"metadata": {"a": "1"}})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        404,
        "resource_missing",
        "refund",
    )


async def test_only_metadata_may_be_changed_and_only_so_much_of_it(api: Api) -> None:
    paid = await api.paid(1000)
    refund = (await api.post(REFUNDS, {"payment_intent": paid["id"], "amount": 300})).body
    one = f"{REFUNDS}/{refund['id']}"
    assert (await api.post(one, {"amount": 1})).error["code"] == "parameter_unknown"
    await api.post(one, {"metadata": {f"k{n}": "v" for n in range(50)}})
    refused = await api.post(one, {"metadata": {"one": "more"}})
    assert (refused.status, refused.error["param"], refused.error["message"]) == (
        400,
        "metadata",
        "metadata has at most 50 keys.",
    )
