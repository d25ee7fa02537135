import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.application.commits import LEASE
from fintech.entrypoints.http.errors import Refused
from fintech.entrypoints.http.idempotency import Idempotency
from tests.unit.entrypoints.http.driving import Api, open_shop

INTENTS = "/v1/payment_intents"
PAID = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa", "confirm": True}
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}


async def test_a_repeat_is_answered_as_the_first_time_and_done_once(
    api: Api, acquirer: SimulatedAcquirer
) -> None:
    first = await api.post(INTENTS, PAID, Idempotency_Key="one")
    again = await api.post(INTENTS, PAID, Idempotency_Key="one")
    assert (again.status, again.text) == (200, first.text)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == "one"
    assert first.headers["Request-Id"] != again.headers["Request-Id"]
    assert len(acquirer.calls) == 1


async def test_a_repeat_is_the_answer_of_then_and_not_of_now(api: Api) -> None:
    made = await api.post(INTENTS, {"amount": 1000, "currency": "aud"}, Idempotency_Key="one")
    await api.post(f"{INTENTS}/{made.body['id']}", {"amount": 2000})
    again = await api.post(INTENTS, {"amount": 1000, "currency": "aud"}, Idempotency_Key="one")
    assert again.text == made.text


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("", {"description": "x", "metadata": {"a": "1"}}),
        ("/capture", {"amount_to_capture": 400}),
        ("/cancel", {}),
        ("/increment_authorization", {"amount": 12_000}),
    ],
)
async def test_every_verb_of_a_payment_has_its_replay(api: Api, verb: str, form: dict[str, Any]) -> None:
    held = await api.authorised(10_000)
    path = f"{INTENTS}/{held['id']}{verb}"
    first = await api.post(path, form, Idempotency_Key="verb")
    again = await api.post(path, form, Idempotency_Key="verb")
    assert (first.status, again.status, again.text) == (200, 200, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_decline_is_replayed_too(api: Api, acquirer: SimulatedAcquirer) -> None:
    declined = PAID | {"payment_method": "pm_card_chargeDeclined"}
    first = await api.post(INTENTS, declined, Idempotency_Key="no")
    again = await api.post(INTENTS, declined, Idempotency_Key="no")
    assert (again.status, again.text) == (402, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(acquirer.calls) == 1


async def test_a_refund_is_done_once(api: Api) -> None:
    paid = await api.paid(10_000)
    form = {"payment_intent": paid["id"], "amount": 100}
    first = await api.post("/v1/refunds", form, Idempotency_Key="back")
    again = await api.post("/v1/refunds", form, Idempotency_Key="back")
    assert again.text == first.text
    assert len((await api.get("/v1/refunds")).body["data"]) == 1


async def test_a_card_that_is_typed_in_again_is_the_same_method(api: Api) -> None:
    form = {"amount": 1000, "currency": "aud", "payment_method_data": {"type": "card", "card": CARD}}
    replies = [await api.post(INTENTS, form, Idempotency_Key="typed") for _ in range(3)]
    methods = (await api.get("/v1/payment_methods")).body["data"]
    assert [method["id"] for method in methods] == [replies[0].body["payment_method"]]
    assert {reply.text for reply in replies} == {replies[0].text}


async def test_a_key_is_not_burnt_by_what_was_never_done(api: Api) -> None:
    wrong = {"amount": 1, "currency": "aud", "payment_method_data": {"type": "card", "card": CARD}}
    assert (await api.post(INTENTS, wrong, Idempotency_Key="k")).status == 400
    other_card = {"type": "card", "card": CARD | {"number": "5555555555554444"}}
    right = await api.post(
        INTENTS, wrong | {"amount": 1000, "payment_method_data": other_card}, Idempotency_Key="k"
    )
    assert right.status == 200


@pytest.mark.parametrize(
    "change", [{"amount": 1001}, {"metadata": {"a": "1"}}, {"payment_method": "pm_card_amex"}]
)
async def test_a_key_is_for_one_request_only(api: Api, change: dict[str, Any]) -> None:
    await api.post(INTENTS, PAID, Idempotency_Key="one")
    refused = await api.post(INTENTS, PAID | change, Idempotency_Key="one")
    assert (refused.status, refused.error["type"]) == (400, "idempotency_error")
    assert refused.headers["Stripe-Should-Retry"] == "false"


async def test_a_key_is_for_one_operation_and_one_thing_only(api: Api) -> None:
    first, second = await api.authorised(), await api.authorised()
    assert (await api.post(f"{INTENTS}/{first['id']}/cancel", Idempotency_Key="one")).status == 200
    for path in (f"{INTENTS}/{second['id']}/cancel", f"{INTENTS}/{first['id']}/capture"):
        assert (await api.post(path, Idempotency_Key="one")).error["type"] == "idempotency_error"


async def test_the_order_of_parameters_does_not_matter(api: Api) -> None:
    form = "amount=1000&currency=aud&metadata[a]=1&metadata[b]=2"
    first = await api.post(INTENTS, form, Idempotency_Key="one")
    again = await api.post(INTENTS, "&".join(form.split("&")[::-1]), Idempotency_Key="one")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.body["id"] == first.body["id"]


async def test_shops_and_modes_have_keys_apart(api: Api) -> None:
    ids = set()
    live = await open_shop(api.core, 1, livemode=True)
    for shop in (api.shop, await open_shop(api.core, 2), live):
        reply = await api.of(shop).post(INTENTS, {"amount": 1000, "currency": "aud"}, Idempotency_Key="one")
        ids.add(reply.body["id"])
    assert len(ids) == 3


async def test_a_key_at_work_elsewhere_is_a_conflict_that_is_worth_another_try(
    api: Api, acquirer: SimulatedAcquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave, authorise = asyncio.Event(), asyncio.Event(), acquirer.authorise

    async def slow(*question: Any) -> Any:
        entered.set()
        await leave.wait()
        return await authorise(*question)

    monkeypatch.setattr(acquirer, "authorise", slow)
    first = asyncio.create_task(api.post(INTENTS, PAID, Idempotency_Key="slow"))
    await entered.wait()
    refused = await api.post(INTENTS, PAID, Idempotency_Key="slow")
    assert (refused.status, refused.error["code"]) == (409, "idempotency_key_in_use")
    assert refused.headers["Stripe-Should-Retry"] == "true"
    leave.set()
    assert (await first).status == 200
    assert (await api.post(INTENTS, PAID, Idempotency_Key="slow")).text == (await first).text


async def test_what_was_abandoned_is_continued_and_never_run_again(
    api: Api, acquirer: SimulatedAcquirer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorise = acquirer.authorise

    async def killed(*question: Any) -> Any:
        await authorise(*question)
        raise RuntimeError("the process ends here")

    monkeypatch.setattr(acquirer, "authorise", killed)
    assert (await api.post(INTENTS, PAID, Idempotency_Key="cut")).status == 500
    assert (await api.post(INTENTS, PAID, Idempotency_Key="cut")).status == 409
    clock.advance(LEASE + timedelta(seconds=1))
    again = await api.post(INTENTS, PAID, Idempotency_Key="cut")
    assert (again.status, again.body["status"]) == (200, "succeeded")
    assert [call for call in acquirer.calls if call.startswith("ch_")] == [again.body["latest_charge"]]


@pytest.mark.parametrize("key", ["k" * 256, "clé", "a\tb"])
async def test_a_key_is_printable_and_short(api: Api, key: str) -> None:
    refused = await api.post(INTENTS, PAID, Idempotency_Key=key)
    assert (refused.status, refused.error["code"]) == (400, "idempotency_key_invalid")
    assert "Idempotency-Key" not in refused.headers


async def test_a_key_means_nothing_where_nothing_changes(api: Api) -> None:
    for _ in range(2):
        reply = await api.get(INTENTS, Idempotency_Key="one")
        assert reply.status == 200
        assert "Idempotent-Replayed" not in reply.headers


def test_a_fingerprint_is_keyed_and_nothing_can_be_shifted_about() -> None:
    keys = Idempotency(LocalDigest(b"k" * 32))
    others = Idempotency(LocalDigest(b"o" * 32))
    seen = {
        each.key("k", operation, path, pairs).fingerprint
        for each in (keys, others)
        for operation, path, pairs in (
            ("a", "/b", [("c", "d")]),
            ("a", "/b", [("c", "d"), ("e", "f")]),
            ("a", "/b", [("c", "de"), ("", "f")]),
            ("a", "/bc", [("", "d")]),
            ("a/b", "", [("c", "d")]),
        )
    }
    assert len(seen) == 10


@pytest.mark.parametrize("key", ["", "\x7f", "é"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Refused):
        Idempotency(LocalDigest(b"k" * 32)).key(key, "a", "/b", [])
