from typing import Any

import pytest

from fintech.domain.keys.refusals import CustodyReason
from fintech.entrypoints import profiles
from tests.unit.entrypoints.http.driving import Api, driving, open_shop
from tests.vaults import ScriptedVault

DETAILS = {
    "object": "bank_account",
    "country": "AU",
    "currency": "aud",
    "account_holder_name": "Kiosk Pty Ltd",
    "routing_number": "110 000",
    "account_number": "000-123-456",
}


def path_of(api: Api, id: str = "") -> str:
    return f"/v1/accounts/{api.shop.scope.merchant}/external_accounts{'/' * bool(id)}{id}"


async def test_the_first_account_is_the_default(api: Api) -> None:
    made = (await api.post(path_of(api), {"external_account": DETAILS, "metadata": {"who": "Ada"}})).body
    assert made == {
        "id": made["id"],
        "object": "bank_account",
        "account": api.shop.scope.merchant,
        "account_holder_name": "Kiosk Pty Ltd",
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard", "instant"],
        "bank_name": None,
        "country": "AU",
        "currency": "aud",
        "default_for_currency": True,
        "fingerprint": made["fingerprint"],
        "future_requirements": None,
        "last4": "3456",
        "metadata": {"who": "Ada"},
        "requirements": None,
        "routing_number": "110000",
        "status": "new",
    }
    assert (await api.get(path_of(api, made["id"]))).body == made


async def test_another_one_becomes_the_default_when_it_is_said(api: Api) -> None:
    first, second = await api.bank_account(), await api.bank_account("000900011")
    assert second["default_for_currency"] is False
    form = {"default_for_currency": True, "metadata": {"a": "b"}}
    changed = (await api.post(path_of(api, second["id"]), form)).body
    assert (changed["default_for_currency"], changed["metadata"]) == (True, {"a": "b"})
    listed = (await api.get(path_of(api), {"object": "bank_account"})).body
    assert listed["url"] == path_of(api)
    assert [(each["id"], each["default_for_currency"]) for each in listed["data"]] == [
        (second["id"], True),
        (first["id"], False),
    ]
    refused = await api.post(path_of(api, second["id"]), {"default_for_currency": False})
    assert (refused.status, refused.error["code"]) == (400, "bank_account_unusable")


async def test_one_that_is_not_the_default_can_be_removed(api: Api) -> None:
    default, other = await api.bank_account(), await api.bank_account("000900011")
    refused = await api.send("DELETE", path_of(api, default["id"]))
    assert (refused.status, refused.error["code"]) == (400, "bank_account_unusable")
    gone = await api.send("DELETE", path_of(api, other["id"]))
    assert gone.body == {"id": other["id"], "object": "bank_account", "deleted": True}
    assert (await api.get(path_of(api, other["id"]))).status == 404
    assert (await api.send("DELETE", path_of(api, other["id"]))).status == 404
    assert [each["id"] for each in (await api.get(path_of(api))).body["data"]] == [default["id"]]


async def test_a_payout_still_tells_where_it_went(api: Api) -> None:
    await api.bank_account()
    other = await api.bank_account("000900011")
    await api.settled()
    payout = await api.paid_out(10_000, destination=other["id"])
    await api.send("DELETE", path_of(api, other["id"]))
    shown = (await api.get(f"/v1/payouts/{payout['id']}", {"expand[]": "destination"})).body
    assert shown["destination"]["last4"] == "0011"


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"routing_number": "12345"}, "routing_number_invalid", "routing_number"),
        ({"account_number": "1234567890"}, "account_number_invalid", "account_number"),
        ({"account_number": "12 AB"}, "account_number_invalid", "account_number"),
        ({"account_holder_name": " "}, "parameter_invalid_value", "account_holder_name"),
        ({"object": "card"}, "parameter_invalid_value", "object"),
        ({"country": "NZ"}, "parameter_invalid_value", "country"),
        ({"iban": "x"}, "parameter_unknown", "iban"),
    ],
)
async def test_details_that_are_wrong_are_refused_by_name(
    api: Api, changes: dict[str, str], code: str, name: str
) -> None:
    refused = await api.post(path_of(api), {"external_account": DETAILS | changes})
    assert (refused.status, refused.error["code"]) == (400, code)
    assert refused.error["param"] == f"external_account[{name}]"
    assert not any(value in refused.text for value in changes.values() if len(value) > 5)


async def test_an_account_is_in_the_currency_of_the_books(api: Api) -> None:
    refused = await api.post(path_of(api), {"external_account": DETAILS | {"currency": "nzd"}})
    assert (refused.status, refused.error["code"]) == (400, "currency_not_supported")


async def test_there_are_only_so_many(api: Api) -> None:
    for _ in range(20):
        await api.bank_account()
    refused = await api.post(path_of(api), {"external_account": DETAILS})
    assert (refused.status, refused.error["code"]) == (400, "limit_reached")
    assert "20" in refused.error["message"]


async def test_a_repeat_adds_one_account(api: Api) -> None:
    form = {"external_account": DETAILS}
    first = await api.post(path_of(api), form, Idempotency_Key="one")
    again = await api.post(path_of(api), form, Idempotency_Key="one")
    assert (again.body["id"], again.headers["Idempotent-Replayed"]) == (first.body["id"], "true")


async def test_other_accounts_are_nobodys_business(api: Api) -> None:
    mine = await api.bank_account()
    other = api.of(await open_shop(api.core, 2))

    async def refused(asked: Any) -> None:
        reply = await asked
        assert (reply.status, reply.error["code"]) == (404, "resource_missing")

    await refused(other.get(path_of(api)))
    await refused(other.get(path_of(api, mine["id"])))
    await refused(other.get(path_of(other, mine["id"])))
    await refused(other.post(path_of(api), {"external_account": DETAILS}))
    await refused(other.post(path_of(other, mine["id"]), {"metadata": {"a": "b"}}))
    await refused(other.send("DELETE", path_of(other, mine["id"])))
    await refused(api.get(path_of(api, "ba_1")))


async def test_whose_account_it_is_comes_back_and_is_in_no_event(api: Api) -> None:
    path = path_of(api)
    made = (await api.post(path, {"external_account": DETAILS})).body
    assert (await api.get(f"{path}/{made['id']}")).body == made
    (told,) = (await api.get("/v1/events", {"type": "account.external_account.created"})).body["data"]
    told = told["data"]["object"]
    assert (told["account_holder_name"], told["protection"]) == (None, "withheld")


async def test_the_same_account_has_the_same_fingerprint(api: Api) -> None:
    path = path_of(api)
    others = [DETAILS | {"account_holder_name": "K."}, DETAILS | {"routing_number": "110001"}]
    first, same, other = [
        (await api.post(path, {"external_account": details})).body for details in (DETAILS, *others)
    ]
    assert first["fingerprint"] == same["fingerprint"] != other["fingerprint"]


async def test_without_the_keys_accounts_are_listed_without_their_holders() -> None:
    vault = ScriptedVault()
    async with profiles.testing(key_vault=vault) as core, driving(core) as api:
        path = path_of(api)
        made = (await api.post(path, {"external_account": DETAILS})).body
        vault.refusing[api.shop.scope] = CustodyReason.REVOKED
        refused = await api.post(path, {"external_account": DETAILS})
        assert (refused.status, refused.error["code"]) == (403, "merchant_key_revoked")
        held = made | {"account_holder_name": None, "protection": "revoked"}
        assert (await api.get(path)).body["data"] == [held]
        assert (await api.post(f"{path}/{made['id']}", {"metadata": {"a": "b"}})).body == held | {
            "metadata": {"a": "b"}
        }
