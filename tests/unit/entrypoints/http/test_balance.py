from datetime import date

from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.money import Currency
from fintech.entrypoints.http.balance import render_balance
from tests.unit.entrypoints.http.driving import OFFICER, Api


def amounts(body: dict, name: str) -> dict[str, int]:
    return {each["currency"]: each["amount"] for each in body[name]}


async def test_a_new_account_has_nothing_in_its_currency(api: Api) -> None:
    body = (await api.get("/v1/balance")).body
    [nothing] = [{"amount": 0, "currency": "aud", "source_types": {"card": 0}}]
    assert body == {
        "object": "balance",
        "available": [nothing],
        "instant_available": [nothing | {"net_available": []}],
        "livemode": False,
        "pending": [nothing],
        "risk_reserved": {"available": [], "pending": []},
    }


async def test_money_is_pending_until_it_is_settled(api: Api) -> None:
    """1,000.00 less 1.75 % and the GST on it."""
    await api.paid(100_000)
    body = (await api.get("/v1/balance")).body
    assert (amounts(body, "pending"), amounts(body, "available")) == ({"aud": 98_075}, {"aud": 0})
    (await api.core.settle_merchant()(OFFICER, api.shop.scope, date(2026, 11, 30))).unwrap()
    body = (await api.get("/v1/balance")).body
    assert (amounts(body, "pending"), amounts(body, "available")) == ({"aud": 0}, {"aud": 98_075})


async def test_what_an_open_refund_will_take_is_gone_already(api: Api) -> None:
    paid = await api.paid(100_000, payment_method="pm_card_pendingRefund")
    refund = (await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 1000})).body
    assert refund["status"] == "pending"
    assert amounts((await api.get("/v1/balance")).body, "pending") == {"aud": 97_075}


async def test_a_share_of_what_is_pending_can_be_had_at_once(api: Api) -> None:
    """80 % of 980.75, of which 1.5 % of what arrives, with 10 % GST on that, is the fee."""
    account = await api.bank_account()
    await api.paid(100_000)
    [instant] = (await api.get("/v1/balance")).body["instant_available"]
    [net] = instant["net_available"]
    assert (instant["amount"], net["amount"], net["destination"]) == (78_460, 77_186, account["id"])
    payout = await api.paid_out(net["amount"], method="instant")
    [instant] = (await api.get("/v1/balance")).body["instant_available"]
    assert (payout["status"], instant["amount"], instant["net_available"][0]["amount"]) == ("paid", 0, 0)


async def test_an_advance_is_taken_off_what_is_pending(api: Api) -> None:
    await api.bank_account()
    await api.paid(100_000)
    await api.paid_out(50_000, method="instant")
    body = (await api.get("/v1/balance")).body
    lines = (await api.get("/v1/balance_transactions")).body["data"]
    assert amounts(body, "pending")["aud"] == 98_075 - 50_825 == sum(line["net"] for line in lines)
    assert amounts(body, "available") == {"aud": 0}


def test_what_is_held_back_is_apart() -> None:
    shop = MerchantId("acct_" + "0" * 24)
    books = {AccountId(shop, "reserved", Currency.AUD): Balances(credits_posted=500)}
    body = render_balance(books, Currency.AUD, livemode=True)
    assert amounts(body["risk_reserved"], "available") == {"aud": 500}
    assert amounts(body, "available") == amounts(body, "pending") == {"aud": 0}


def test_what_is_owed_is_taken_off_what_is_available() -> None:
    shop = MerchantId("acct_" + "0" * 24)
    books = {
        AccountId(shop, "available", Currency.AUD): Balances(credits_posted=500),
        AccountId(shop, "receivable", Currency.AUD): Balances(debits_posted=600, debits_pending=100),
        AccountId(shop, "unsettled/2026-11-23", Currency.NZD): Balances(credits_posted=7),
        AccountId(shop, "fees/acquiring", Currency.AUD): Balances(credits_posted=9),
    }
    body = render_balance(books, Currency.AUD, livemode=True)
    assert amounts(body, "available") == {"aud": -200}
    assert amounts(body, "pending") == {"aud": 0, "nzd": 7}
