import base64

import pytest

from fintech.domain.ids import ApiKeyId
from fintech.entrypoints.http.authentication import secret_in
from tests.unit.entrypoints.http.driving import OFFICER, Api, open_shop

PATH = "/v1/account"


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer sk_test_1", "sk_test_1"),
        ("bearer  sk_test_1 ", "sk_test_1"),
        ("Basic " + base64.b64encode(b"sk_test_1:").decode(), "sk_test_1"),
        ("basic " + base64.b64encode(b"sk_test_1").decode(), "sk_test_1"),
        ("Basic " + base64.b64encode(b"sk_test_1:word").decode(), "sk_test_1"),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"\xff:").decode(), None),
        ("Basic " + base64.b64encode(b":word").decode(), None),
        ("Digest sk_test_1", None),
        ("sk_test_1", None),
    ],
)
def test_a_secret_is_a_bearers_or_a_users(header: str | None, secret: str | None) -> None:
    assert secret_in(header) == secret


async def test_basic_opens_what_bearer_opens(api: Api) -> None:
    basic = base64.b64encode(f"{api.shop.secret}:".encode()).decode()
    assert (await api.get(PATH, Authorization=f"Basic {basic}")).status == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "api_key_missing"),
        ("Bearer sk_test_unknown", "api_key_invalid"),
        ("Bearer " + "x" * 300, "api_key_invalid"),
        ("Bearer é", "api_key_invalid"),
    ],
)
async def test_who_has_no_key_is_not_let_in(api: Api, header: str, code: str) -> None:
    for reply in (
        await api.get(PATH, Authorization=header),
        await api.post("/v1/refunds", Authorization=header),
    ):
        assert (reply.status, reply.error["type"], reply.error["code"]) == (
            401,
            "invalid_request_error",
            code,
        )
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert reply.headers["Request-Id"].startswith("req_")


async def test_a_key_that_was_revoked_opens_nothing(api: Api) -> None:
    key = (await api.core.queries().api_keys(api.shop.scope))[0]
    (await api.core.end_api_key()(OFFICER, api.shop.scope, ApiKeyId(key.id))).unwrap()
    assert (await api.get(PATH)).error["code"] == "api_key_invalid"


@pytest.mark.parametrize("name", ["Stripe-Account", "Stripe-Context"])
async def test_another_account_cannot_be_named(api: Api, name: str) -> None:
    other = await open_shop(api.core, 2)
    named = await api.send("GET", PATH, headers={name: other.scope.merchant})
    assert (named.status, named.error["code"]) == (403, "account_invalid")
    assert (await api.send("GET", PATH, headers={name: api.shop.scope.merchant})).status == 200


async def test_modes_are_books_apart(api: Api) -> None:
    live = api.of(await open_shop(api.core, 1, livemode=True))
    assert live.shop.secret.startswith("sk_live_")
    assert (await live.get("/v1/balance")).body["livemode"] is True
    await api.paid(1000)
    assert (await live.get("/v1/balance")).body["pending"][0]["amount"] == 0
