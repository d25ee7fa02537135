from collections.abc import AsyncIterator
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.ports.errors import LeaseEnded
from tests.leaks import shows_test_card
from tests.unit.entrypoints.http.driving import Api, open_shop
from tests.vaults import ScriptedLease, ScriptedVault

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
    assert not shows_test_card(refused.text)


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


OWNER = {
    "name": "Ada Lovelace",
    "email": "Ada@Example.com",
    "phone": "+61 2 5550 1234",
    "address": {"line1": "1 George St", "city": "Sydney", "postal_code": "2000", "country": "AU"},
}
NOBODY = {
    "name": None,
    "email": None,
    "phone": None,
    "tax_id": None,
    "address": dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country")),
}


@pytest.fixture
def vault() -> ScriptedVault:
    return ScriptedVault()


@pytest.fixture
async def core(clock: ManualClock, acquirer: SimulatedAcquirer, vault: ScriptedVault) -> AsyncIterator[Core]:
    async with profiles.testing(acquirer=acquirer, clock=clock, key_vault=vault) as core:
        yield core


async def owned(api: Api, **more: Any) -> Any:
    form = {"type": "card", "card": CARD, "billing_details": OWNER} | more
    reply = await api.post(METHODS, form)
    assert reply.status == 200, reply.text
    return reply.body


async def test_whose_card_it_is_comes_back_and_is_in_no_event(api: Api) -> None:
    made = await owned(api)
    address = NOBODY["address"] | OWNER["address"]  # type: ignore[operator] # both are dictionaries
    assert made["billing_details"] == NOBODY | OWNER | {"address": address}
    assert "protection" not in made
    assert (await api.get(f"{METHODS}/{made['id']}")).body == made
    plain = (await api.post(METHODS, {"type": "card", "card": CARD})).body
    assert (plain["billing_details"], "protection" in plain) == (NOBODY, False)
    assert (await api.get(METHODS)).body["data"] == [plain, made]
    events = (await api.get("/v1/events", {"type": "payment_method.created"})).body["data"]
    told = [each["data"]["object"] for each in events]
    assert [(each["billing_details"], each.get("protection")) for each in told] == [
        (NOBODY, None),
        (NOBODY, "withheld"),
    ]


async def test_a_card_of_somebody_pays_and_is_found_by_the_address(api: Api) -> None:
    form = {"amount": 10_000, "currency": "aud", "confirm": True}
    data = {"type": "card", "card": CARD, "billing_details": OWNER}
    paid = (await api.post("/v1/payment_intents", form | {"payment_method_data": data})).body
    found = await api.post(f"{METHODS}/find", {"email": "ada@example.COM"})
    assert [each["id"] for each in found.body["data"]] == [paid["payment_method"]]
    assert found.body["data"][0]["billing_details"]["name"] == "Ada Lovelace"
    assert (await api.post(f"{METHODS}/find", {"email": "bob@example.com"})).body["data"] == []
    refused = await api.get(METHODS, {"email": "ada@example.com"})
    assert (refused.status, refused.error["code"]) == (400, "parameter_unknown")


@pytest.mark.parametrize(
    ("owner", "code", "param"),
    [
        ({"email": "ada"}, "email_invalid", "billing_details[email]"),
        ({"name": "4242 4242 4242 4242"}, "parameter_invalid_value", "billing_details[name]"),
        (
            {"address": {"line1": "4242424242424242"}},
            "parameter_invalid_value",
            "billing_details[address][line1]",
        ),
        (
            {"address": {"country": "AUS"}},
            "parameter_invalid_string_too_long",
            "billing_details[address][country]",
        ),
        ({"address": {"city": " "}}, "parameter_invalid_value", "billing_details[address][city]"),
    ],
)
async def test_billing_details_that_are_none(api: Api, owner: Any, code: str, param: str) -> None:
    refused = await api.post(METHODS, {"type": "card", "card": CARD, "billing_details": owner})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, code, param)


HELD_BACK = [
    (CustodyReason.REVOKED, 403, "revoked", None),
    (CustodyReason.SUSPENDED, 503, "suspended", "60"),
    (CustodyReason.UNREACHABLE, 503, "unreachable", "5"),
    (CustodyReason.INTEGRITY, 500, "damaged", None),
    (CustodyReason.DESTROYED, 410, "destroyed", None),
]


@pytest.mark.parametrize(("reason", "status", "word", "retry_after"), HELD_BACK)
async def test_what_custody_refuses_is_held_back_and_lists_are_told_all_the_same(
    api: Api, vault: ScriptedVault, reason: CustodyReason, status: int, word: str, retry_after: str | None
) -> None:
    made, plain = await owned(api), (await api.post(METHODS, {"type": "card", "card": CARD})).body
    vault.refusing[api.shop.scope] = reason
    for reply in (
        await api.post(METHODS, {"type": "card", "card": CARD}),
        await api.post(f"{METHODS}/find", {"email": "ada@example.com"}),
    ):
        assert (reply.status, reply.error["code"]) == (status, reason.value)
        assert reply.headers.get("Retry-After") == retry_after
    held = made | {"billing_details": NOBODY, "protection": word}
    assert (await api.get(METHODS)).body["data"] == [plain, held]
    assert (await api.get(f"{METHODS}/{made['id']}")).body == held
    paid = await api.paid(payment_method=made["id"], expand=["payment_method"])
    assert paid["payment_method"] == held


async def test_a_lease_that_ends_on_the_way_is_told_as_its_refusal(
    api: Api, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> bytes:
        raise LeaseEnded(CustodyRefused(CustodyReason.REVOKED))

    monkeypatch.setattr(ScriptedLease, "seal", ended)
    reply = await api.post(METHODS, {"type": "card", "card": CARD})
    assert (reply.status, reply.error["code"]) == (403, "merchant_key_revoked")
    assert (await api.get(METHODS)).body["data"] == []
