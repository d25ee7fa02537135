from fintech.domain.merchants import Standing
from tests.unit.entrypoints.http.driving import OFFICER, Api


async def test_a_key_tells_whose_it_is(api: Api) -> None:
    body = (await api.get("/v1/account")).body
    assert (body["id"], body["object"]) == (api.shop.scope.merchant, "account")
    assert (body["charges_enabled"], body["payouts_enabled"], body["default_currency"]) == (True, True, "aud")


async def test_a_suspended_account_takes_no_payments_but_has_its_money(api: Api) -> None:
    (await api.core.place_merchant()(OFFICER, api.shop.scope, Standing.SUSPENDED)).unwrap()
    body = (await api.get("/v1/account")).body
    assert (body["charges_enabled"], body["payouts_enabled"]) == (False, True)
