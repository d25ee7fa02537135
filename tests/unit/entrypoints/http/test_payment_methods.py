from typing import Any

import pytest

from tests.unit.entrypoints.http.driving import Api, open_shop

METHODS = "/v1/payment_methods"
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}


async def test_a_card_is_kept_without_its_number(api: Api) -> None:
    reply = await api.post(METHODS, {"type": "card", "card": CARD, "metadata": {"who": "Ada"}})
    assert reply.status == 200
    card = reply.body["card"]
    assert (card["brand"], card["last4"], card["exp_month"], card["exp_year"]) == ("visa", "4242", 12, 2030)
    assert (reply.body["metadata"], reply.body["type"]) == ({"who": "Ada"}, "card")
    assert "424242" not in reply.text
    assert (await api.get(f"{METHODS}/{reply.body['id']}")).body == reply.body


async def test_a_number_may_have_spaces_and_a_year_two_digits(api: Api) -> None:
    card = {"number": "4242 4242-4242 4242", "exp_month": "9", "exp_year": "31"}
    kept = (await api.post(METHODS, {"type": "card", "card": card})).body["card"]
    assert (kept["exp_month"], kept["exp_year"], kept["last4"]) == (9, 2031, "4242")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "12"}, "incorrect_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2020}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "1x"}, "invalid_cvc", "cvc"),
        ({"number": "4111111111111111"}, "card_declined", "number"),
    ],
)
async def test_details_that_are_wrong_are_card_errors(
    api: Api, change: dict[str, Any], code: str, param: str
) -> None:
    refused = await api.post(METHODS, {"type": "card", "card": CARD | change})
    assert (refused.status, refused.error["type"]) == (402, "card_error")
    assert (refused.error["code"], refused.error["param"]) == (code, param)
    assert str(change.get("number", "-")) not in refused.text


async def test_test_cards_have_names(api: Api) -> None:
    named = (await api.get(f"{METHODS}/pm_card_mastercard")).body
    assert (named["id"], named["card"]["brand"]) == ("pm_card_mastercard", "mastercard")


@pytest.mark.parametrize("id", ["pm_card_nobody", "pm_000000000000000000000zzz", "4242424242424242"])
async def test_a_method_that_there_is_not_is_missing(api: Api, id: str) -> None:
    refused = await api.get(f"{METHODS}/{id}")
    assert (refused.status, refused.error["code"]) == (404, "resource_missing")
    assert "4242" not in refused.text


async def test_methods_are_listed_and_each_shop_has_its_own(api: Api) -> None:
    made = [(await api.post(METHODS, {"type": "card", "card": CARD})).body for _ in range(3)]
    listed = (await api.get(METHODS, {"type": "card", "limit": 2})).body
    assert ([each["id"] for each in listed["data"]], listed["has_more"]) == (
        [made[2]["id"], made[1]["id"]],
        True,
    )
    other = api.of(await open_shop(api.core, 2))
    assert (await other.get(METHODS)).body["data"] == []
    theirs = (await other.post(METHODS, {"type": "card", "card": CARD})).body
    assert theirs["card"]["fingerprint"] != made[0]["card"]["fingerprint"]
    assert (await other.get(f"{METHODS}/{made[0]['id']}")).status == 404


async def test_only_cards_are_kept(api: Api) -> None:
    refused = await api.post(METHODS, {"type": "klarna"})
    assert refused.error["param"] == "type"
    assert (await api.post(METHODS, {"type": "card"})).error["param"] == "card"
    assert (await api.post(METHODS, {"type": "card", "card": "4242424242424242"})).error["param"] == "card"
    assert (await api.post(METHODS, {"type": "card", "card": {"number": "4242424242424242"}})).error[
        "param"
    ] == ("card[exp_month]")
