import pytest

from tests.unit.entrypoints.http.driving import Api

INTENTS = "/v1/payment_intents"


async def test_four_levels_are_expanded(api: Api) -> None:
    paid = await api.paid(
        1000, expand=["latest_charge.balance_transaction.source.payment_intent", "payment_method"]
    )
    charge = paid["latest_charge"]
    line = charge["balance_transaction"]
    assert (charge["object"], line["object"], line["source"]["object"]) == (
        "charge",
        "balance_transaction",
        "charge",
    )
    assert line["source"]["payment_intent"]["id"] == paid["id"]
    assert paid["payment_method"]["card"]["brand"] == "visa"


async def test_lists_expand_each_of_their_objects(api: Api) -> None:
    for amount in (1000, 2000):
        await api.paid(amount)
    query = {"expand": ["data.latest_charge.balance_transaction", "data.payment_method"]}
    data = (await api.get(INTENTS, query)).body["data"]
    assert [each["latest_charge"]["balance_transaction"]["amount"] for each in data] == [2000, 1000]
    assert all(each["payment_method"]["object"] == "payment_method" for each in data)


async def test_refunds_expand_to_what_they_give_back(api: Api) -> None:
    paid = await api.paid(1000)
    form = {
        "payment_intent": paid["id"],
        "amount": 10,
        "expand": ["charge.refunds.data.charge", "payment_intent", "balance_transaction.source"],
    }
    refund = (await api.post("/v1/refunds", form)).body
    assert refund["payment_intent"]["id"] == paid["id"]
    assert refund["balance_transaction"]["source"]["id"] == refund["id"]
    [listed] = refund["charge"]["refunds"]["data"]
    assert (listed["id"], listed["charge"]["id"]) == (refund["id"], paid["latest_charge"])


async def test_a_charge_has_its_refunds_only_where_they_are_asked_for(api: Api) -> None:
    paid = await api.paid(1000)
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 10})
    path = f"/v1/charges/{paid['latest_charge']}"
    assert "refunds" not in (await api.get(path)).body
    refunds = (await api.get(path, {"expand[]": "refunds"})).body["refunds"]
    assert (refunds["object"], refunds["has_more"], len(refunds["data"])) == ("list", False, 1)


async def test_null_stays_null(api: Api) -> None:
    form = {"amount": 1000, "currency": "aud", "expand": ["latest_charge", "payment_method"]}
    made = (await api.post(INTENTS, form)).body
    assert (made["latest_charge"], made["payment_method"]) == (None, None)


async def test_a_method_that_was_typed_in_is_expanded_from_the_store(api: Api) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
    made = (await api.post("/v1/payment_methods", {"type": "card", "card": card})).body
    paid = await api.paid(1000, payment_method=made["id"], expand=["payment_method"])
    assert paid["payment_method"] == made


@pytest.mark.parametrize(
    "path", ["customer", "amount", "latest_charge.nobody", "data.latest_charge", "", ".", "latest_charge..x"]
)
async def test_what_leads_nowhere_is_refused_before_anything_is_done(api: Api, path: str) -> None:
    form = {
        "amount": 1000,
        "currency": "aud",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "expand": [path],
    }
    refused = await api.post(INTENTS, form)
    assert (refused.status, refused.error["param"]) == (400, "expand[0]")
    assert (await api.get(INTENTS)).body["data"] == []


@pytest.mark.parametrize("path", ["data", "latest_charge", "data.customer", "data.latest_charge.a.b.c"])
async def test_lists_expand_by_their_data_only(api: Api, path: str) -> None:
    assert (await api.get(INTENTS, {"expand": [path]})).status == 400


async def test_five_levels_are_too_deep(api: Api) -> None:
    deep = "latest_charge.payment_intent.latest_charge.payment_intent.latest_charge"
    refused = await api.post(INTENTS, {"amount": 1000, "currency": "aud", "expand": [deep]})
    assert "4 levels" in refused.error["message"]


async def test_expansions_have_a_bound(api: Api) -> None:
    refused = await api.get(INTENTS, {"expand": ["data.latest_charge"] * 21})
    assert refused.error["param"] == "expand"
    assert (await api.get(INTENTS, {"expand": "data.latest_charge"})).error["param"] == "expand"


async def test_a_repeat_expands_what_was_answered_then(api: Api) -> None:
    form = {
        "amount": 10_000,
        "currency": "aud",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "expand": ["latest_charge"],
    }
    first = await api.post(INTENTS, form, Idempotency_Key="one")
    await api.post("/v1/refunds", {"payment_intent": first.body["id"], "amount": 10})
    assert (await api.post(INTENTS, form, Idempotency_Key="one")).text == first.text
