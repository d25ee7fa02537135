from datetime import timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.merchants import Standing
from tests.unit.entrypoints.http.driving import OFFICER, Api, open_shop

PAYOUTS = "/v1/payouts"
NOBODY = "po_" + "z" * 24


async def until_paid(api: Api, clock: ManualClock) -> None:
    """The bank's window comes, the money arrives, and the bank says so."""
    for _ in range(3):
        clock.advance(timedelta(seconds=5))
        await api.core.sweep()()


async def test_a_payout_waits_for_the_banks_window(api: Api, clock: ManualClock) -> None:
    account = await api.bank_account()
    await api.settled()
    payout = await api.paid_out(
        20_000, description="rent", statement_descriptor="KIOSK", metadata={"week": "47", "none": ""}
    )
    assert payout == {
        "id": payout["id"],
        "object": "payout",
        "amount": 20_000,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(clock.now().timestamp()) + 5,
        "automatic": False,
        "balance_transaction": payout["balance_transaction"],
        "created": int(clock.now().timestamp()),
        "currency": "aud",
        "description": "rent",
        "destination": account["id"],
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {"week": "47"},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": "KIOSK",
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    assert (await api.get(f"{PAYOUTS}/{payout['id']}")).body == payout


async def test_it_is_in_transit_and_then_paid(api: Api, clock: ManualClock) -> None:
    await api.bank_account()
    await api.settled()
    path = f"{PAYOUTS}/{(await api.paid_out(20_000))['id']}"
    clock.advance(timedelta(seconds=5))
    await api.core.sweep()()
    sent = (await api.get(path)).body
    assert (sent["status"], sent["trace_id"]["status"]) == ("in_transit", "pending")
    await until_paid(api, clock)
    paid = (await api.get(path)).body
    assert (paid["status"], paid["trace_id"]["status"]) == ("paid", "supported")
    assert paid["trace_id"]["value"]


async def test_an_instant_payout_arrives_at_once_and_costs(api: Api) -> None:
    await api.bank_account()
    await api.paid(100_000)
    payout = await api.paid_out(20_000, method="instant")
    assert (payout["status"], payout["method"]) == ("paid", "instant")
    line = (await api.get(f"/v1/balance_transactions/{payout['balance_transaction']}")).body
    assert (line["type"], line["amount"], line["fee"], line["net"]) == ("payout", -20_000, 330, -20_330)
    assert [(each["description"], each["type"], each["amount"]) for each in line["fee_details"]] == [
        ("Instant payout fee", "stripe_fee", 300),
        ("GST", "tax", 30),
    ]


async def test_one_that_is_pending_can_be_cancelled(api: Api, clock: ManualClock) -> None:
    await api.bank_account()
    await api.settled()
    path = f"{PAYOUTS}/{(await api.paid_out(20_000))['id']}"
    canceled = (await api.post(path + "/cancel", {"expand": ["failure_balance_transaction"]})).body
    assert canceled["status"] == "canceled"
    back = canceled["failure_balance_transaction"]
    assert (back["type"], back["net"], back["reporting_category"]) == (
        "payout_cancel",
        20_000,
        "payout_reversal",
    )
    again = await api.post(path + "/cancel")
    assert (again.status, again.error["code"]) == (400, "payout_unexpected_state")
    assert "canceled" in again.error["message"]


async def test_one_that_fails_says_why_and_gives_the_money_back(api: Api, clock: ManualClock) -> None:
    await api.bank_account("111111113")
    await api.settled()
    path = f"{PAYOUTS}/{(await api.paid_out(20_000))['id']}"
    await until_paid(api, clock)
    failed = (await api.get(path, {"expand[]": "failure_balance_transaction"})).body
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    assert failed["failure_message"] == "The bank account has been closed."
    assert failed["failure_balance_transaction"]["type"] == "payout_failure"
    assert failed["failure_balance_transaction"]["net"] == 20_000
    assert failed["trace_id"] == {"status": "unsupported", "value": None}


async def test_a_paid_one_is_brought_back_by_another(api: Api, clock: ManualClock) -> None:
    await api.bank_account()
    await api.settled()
    payout = await api.paid_out(20_000)
    await until_paid(api, clock)
    path = f"{PAYOUTS}/{payout['id']}"
    form = {"metadata": {"why": "typo"}, "expand": ["original_payout"]}
    reversal = (await api.post(path + "/reverse", form)).body
    assert (reversal["amount"], reversal["original_payout"]["id"]) == (-20_000, payout["id"])
    assert (reversal["metadata"], reversal["reconciliation_status"]) == ({"why": "typo"}, "not_applicable")
    assert (await api.get(path)).body["reversed_by"] == reversal["id"]
    await until_paid(api, clock)
    paid = (await api.get(f"{PAYOUTS}/{reversal['id']}", {"expand[]": "balance_transaction"})).body
    assert paid["status"] == "paid"
    line = paid["balance_transaction"]
    assert (line["type"], line["net"], line["source"]) == ("payout", 20_000, reversal["id"])
    again = await api.post(path + "/reverse")
    assert (again.status, again.error["code"]) == (400, "payout_not_reversible")


async def test_metadata_can_be_changed(api: Api) -> None:
    await api.bank_account()
    await api.settled()
    path = f"{PAYOUTS}/{(await api.paid_out(20_000, metadata={'a': '1'}))['id']}"
    changed = await api.post(path, {"metadata": {"a": "", "b": "2"}})
    assert changed.body["metadata"] == {"b": "2"}
    assert (await api.post(path, {"metadata": ""})).body["metadata"] == {}


async def test_they_are_listed_by_status_and_destination(api: Api, clock: ManualClock) -> None:
    first, second = await api.bank_account(), await api.bank_account("000900045")
    await api.settled()
    done = await api.paid_out(10_000)
    await until_paid(api, clock)
    sent = await api.paid_out(11_000, destination=second["id"])
    await until_paid(api, clock)
    waiting = await api.paid_out(12_000)
    gone = await api.paid_out(13_000)
    await api.post(f"{PAYOUTS}/{gone['id']}/cancel")

    async def ids(**query: Any) -> list[str]:
        return [each["id"] for each in (await api.get(PAYOUTS, query)).body["data"]]

    assert await ids() == [gone["id"], waiting["id"], sent["id"], done["id"]]
    assert await ids(status="paid") == [done["id"]]
    assert await ids(status="in_transit") == [sent["id"]]
    assert await ids(status="pending") == [waiting["id"]]
    assert await ids(status="canceled") == [gone["id"]]
    assert await ids(status="failed") == []
    assert await ids(destination=second["id"]) == [sent["id"]]
    assert await ids(destination=first["id"], limit=1, starting_after=gone["id"]) == [waiting["id"]]
    refused = await api.get(PAYOUTS, {"status": "lost"})
    assert (refused.status, refused.error["param"]) == (400, "status")


async def test_a_repeat_is_done_once(api: Api) -> None:
    await api.bank_account()
    await api.settled()
    form = {"amount": 20_000, "currency": "aud"}
    first = await api.post(PAYOUTS, form, Idempotency_Key="wages")
    again = await api.post(PAYOUTS, form, Idempotency_Key="wages")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert len((await api.get(PAYOUTS)).body["data"]) == 1


async def test_everything_about_it_is_expanded(api: Api) -> None:
    await api.bank_account()
    await api.settled()
    payout = await api.paid_out(20_000, expand=["balance_transaction.source.destination", "destination"])
    assert payout["destination"]["last4"] == "3456"
    assert payout["balance_transaction"]["source"]["destination"]["default_for_currency"] is True
    listed = (await api.get(PAYOUTS, {"expand[]": "data.destination"})).body["data"]
    assert [each["destination"]["object"] for each in listed] == ["bank_account"]


@pytest.mark.parametrize(
    ("form", "status", "code", "param"),
    [
        ({"amount": 99_000}, 400, "balance_insufficient", "amount"),
        ({"amount": 400, "method": "instant"}, 400, "amount_too_small", "amount"),
        ({"amount": 500_001, "method": "instant"}, 400, "amount_too_large", "amount"),
        ({"amount": 0}, 400, "parameter_invalid_integer", "amount"),
        ({"currency": "nzd"}, 400, "currency_not_supported", "currency"),
        ({"destination": "ba_" + "z" * 24}, 404, "resource_missing", "destination"),
        ({"destination": "ba_1"}, 404, "resource_missing", "destination"),
        ({"method": "by_post"}, 400, "parameter_invalid_value", "method"),
        ({"statement_descriptor": "x" * 23}, 400, "parameter_invalid_string_too_long", "statement_descriptor"),
        ({"description": "4242 4242 4242 4242"}, 400, "parameter_invalid_value", "description"),
        ({"source_type": "fpx"}, 400, "parameter_invalid_value", "source_type"),
    ],
)  # fmt: skip
async def test_what_cannot_be_paid_out_is_refused(
    api: Api, form: dict[str, Any], status: int, code: str, param: str
) -> None:
    await api.bank_account()
    await api.settled()
    refused = await api.post(PAYOUTS, {"amount": 20_000, "currency": "aud"} | form)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (status, code, param)


async def test_without_a_bank_account_nothing_is_paid_out(api: Api) -> None:
    await api.settled()
    refused = await api.post(PAYOUTS, {"amount": 20_000, "currency": "aud"})
    assert (refused.status, refused.error["code"]) == (400, "bank_account_unusable")
    assert refused.error["param"] == "destination"


async def test_a_changed_bank_account_stops_instant_payouts_for_a_while(api: Api) -> None:
    await api.bank_account()
    await api.bank_account("000900011", default_for_currency=True)
    await api.paid(100_000)
    refused = await api.post(PAYOUTS, {"amount": 20_000, "currency": "aud", "method": "instant"})
    assert (refused.status, refused.error["code"]) == (400, "instant_payouts_unsupported")
    assert "2026-11-24T01:00:00Z" in refused.error["message"]


async def test_a_day_has_so_many_instant_payouts(api: Api) -> None:
    await api.bank_account()
    await api.paid(1_000_000)
    for _ in range(10):
        await api.paid_out(1_000, method="instant")
    refused = await api.post(PAYOUTS, {"amount": 1_000, "currency": "aud", "method": "instant"})
    assert (refused.error["code"], refused.error["param"]) == ("instant_payouts_limit_exceeded", "method")


async def test_a_day_has_so_much_to_be_paid_out_instantly(api: Api) -> None:
    await api.bank_account()
    await api.paid(2_000_000)
    await api.paid_out(450_000, method="instant")
    refused = await api.post(PAYOUTS, {"amount": 60_000, "currency": "aud", "method": "instant"})
    assert (refused.error["code"], refused.error["param"]) == ("instant_payouts_limit_exceeded", "amount")
    assert "50000" in refused.error["message"]


async def test_a_suspended_account_is_not_paid_out(api: Api) -> None:
    await api.bank_account()
    await api.settled()
    (await api.core.place_merchant()(OFFICER, api.shop.scope, Standing.SUSPENDED)).unwrap()
    refused = await api.post(PAYOUTS, {"amount": 20_000, "currency": "aud"})
    assert (refused.status, refused.error["code"]) == (403, "payouts_not_allowed")


async def test_no_bank_pays_in_live_mode(api: Api) -> None:
    live = api.of(await open_shop(api.core, 9, livemode=True))
    refused = await live.post(PAYOUTS, {"amount": 20_000, "currency": "aud"})
    assert (refused.status, refused.error["code"]) == (403, "payouts_not_allowed")


@pytest.mark.parametrize("id", [NOBODY, "po_1", "pi_1"])
@pytest.mark.parametrize("verb", ["", "/cancel", "/reverse"])
async def test_a_payout_that_there_is_not_is_missing(api: Api, id: str, verb: str) -> None:
    refused = await api.post(f"{PAYOUTS}/{id}{verb}")
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        404,
        "resource_missing",
        "payout",
    )
    assert (await api.get(f"{PAYOUTS}/{id}")).status == 404


async def test_what_happened_to_it_is_told(api: Api, clock: ManualClock) -> None:
    await api.bank_account()
    await api.settled()
    payout = await api.paid_out(20_000)
    await until_paid(api, clock)
    events = (await api.get("/v1/events", {"limit": 100})).body["data"]
    told = {event["type"]: event["data"]["object"] for event in reversed(events)}
    assert told["payout.created"] == payout
    assert (told["payout.updated"]["status"], told["payout.paid"]["status"]) == ("in_transit", "paid")
    assert told["remittance.created"] == {
        "id": told["remittance.created"]["id"],
        "object": "remittance",
        "amount": 20_000,
        "created": payout["created"],
        "lines": 1,
        "livemode": False,
        "payout": payout["id"],
    }
    assert told["balance_settings.updated"]["object"] == "balance_settings"
    assert told["account.external_account.created"]["last4"] == "3456"
    assert "000123456" not in str(events)
