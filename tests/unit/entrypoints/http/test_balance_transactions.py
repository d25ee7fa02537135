from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.queries import MemoryQueries
from fintech.domain.business_days import settles_at, sydney_day
from fintech.domain.lines import LINE_KINDS
from fintech.domain.merchants import DEFAULT_FEES
from fintech.entrypoints.http.balance_transaction_rendering import TYPES
from fintech.ports.queries import Listed, MovementLine
from tests.unit.entrypoints.http.driving import OFFICER, Api

LINES = "/v1/balance_transactions"


def test_every_kind_of_line_has_a_type_on_the_wire() -> None:
    assert {kind for kinds in TYPES.values() for kind in kinds} == LINE_KINDS


async def test_a_capture_is_a_line_with_its_fee_and_the_tax_on_it(api: Api, clock: ManualClock) -> None:
    paid = await api.paid(100_000)
    charge = (await api.get(f"/v1/charges/{paid['latest_charge']}")).body
    line = (await api.get(f"{LINES}/{charge['balance_transaction']}")).body
    assert line == {
        "id": charge["balance_transaction"],
        "object": "balance_transaction",
        "amount": 100_000,
        "available_on": int(settles_at(sydney_day(clock.now())).timestamp()),
        "balance_type": "payments",
        "created": int(clock.now().timestamp()),
        "currency": "aud",
        "description": None,
        "exchange_rate": None,
        "fee": 1925,
        "fee_details": [
            {"amount": 1750, "application": None, "currency": "aud", "description": "Acquiring fee", "type": "stripe_fee"},
            {"amount": 175, "application": None, "currency": "aud", "description": "GST", "type": "tax"},
        ],
        "net": 98_075,
        "reporting_category": "charge",
        "source": charge["id"],
        "status": "pending",
        "type": "charge",
    }  # fmt: skip


async def test_lines_add_up_to_the_balance(api: Api) -> None:
    paid = await api.paid(100_000)
    await api.paid(2_000)
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 40_000})
    returned = await api.paid(3_000, payment_method="pm_card_refundFail")
    await api.post("/v1/refunds", {"payment_intent": returned["id"], "amount": 500})
    await api.core.sweep()()
    lines = (await api.get(LINES)).body["data"]
    assert [line["type"] for line in lines] == [
        "refund_failure",
        "refund",
        "charge",
        "refund",
        "charge",
        "charge",
    ]
    balance = (await api.get("/v1/balance")).body
    assert sum(line["net"] for line in lines) == balance["pending"][0]["amount"]


async def test_a_fee_that_is_given_back_is_a_negative_fee(api: Api) -> None:
    from attrs import evolve  # noqa: PLC0415 - for this test only

    from fintech.domain.ids import MerchantId  # noqa: PLC0415 - for this test only
    from fintech.domain.scope import Scope  # noqa: PLC0415 - for this test only
    from tests.unit.entrypoints.http.driving import Shop  # noqa: PLC0415 - for this test only

    generous = Scope(MerchantId("acct_" + "9" * 24), livemode=False)
    fees = evolve(DEFAULT_FEES, returned_on_refund=True)
    await api.core.onboard_merchant()(OFFICER, generous.merchant, livemode=False, name="Generous", fees=fees)
    made = (await api.core.create_api_key()(OFFICER, generous, "tests")).unwrap()
    shop = api.of(Shop(generous, made.secret))
    paid = await shop.paid(100_000)
    refund = (await shop.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 50_000})).body
    line = (await shop.get(f"{LINES}/{refund['balance_transaction']}")).body
    assert (line["amount"], line["fee"], line["net"]) == (-50_000, -963, -49_037)
    assert [detail["amount"] for detail in line["fee_details"]] == [-875, -88]


async def test_a_line_is_available_once_its_day_is_settled(api: Api) -> None:
    await api.paid(1000)
    assert (await api.get(LINES)).body["data"][0]["status"] == "pending"
    (await api.core.settle_merchant()(OFFICER, api.shop.scope, date(2026, 11, 30))).unwrap()
    assert (await api.get(LINES)).body["data"][0]["status"] == "available"


async def test_lines_are_found_by_what_they_come_from(api: Api) -> None:
    held = await api.authorised(1000)
    for amount in (100, 200, 300):
        form = {"amount_to_capture": amount, "final_capture": False}
        await api.post(f"/v1/payment_intents/{held['id']}/capture", form)
    refund = (await api.post("/v1/refunds", {"payment_intent": held["id"], "amount": 50})).body
    await api.paid(5000)

    async def amounts(**query: Any) -> list[int]:
        return [line["amount"] for line in (await api.get(LINES, query)).body["data"]]

    charge = held["latest_charge"]
    assert await amounts(source=charge) == [300, 200, 100]
    assert await amounts(source=refund["id"]) == [-50]
    assert await amounts(source=charge, type="refund") == []
    assert await amounts(source=charge, limit=2) == [300, 200]
    ids = [line["id"] for line in (await api.get(LINES, {"source": charge})).body["data"]]
    assert await amounts(source=charge, starting_after=ids[0]) == [200, 100]
    assert await amounts(source=charge, ending_before=ids[2], limit=1) == [200]
    assert await amounts(source=charge, created={"gt": 4_000_000_000}) == []


async def test_a_payout_tells_what_it_pays_for_to_the_cent(api: Api) -> None:
    await api.bank_account()
    for amount in (10_000, 20_000, 30_000):
        await api.settled(amount)
    charges = (await api.get(LINES)).body["data"][::-1]
    assert [line["net"] for line in charges] == [9_807, 19_615, 29_422]
    first, second = await api.paid_out(20_000), await api.paid_out(38_844)

    async def paid_for(payout: Any, **query: Any) -> list[tuple[str, int]]:
        lines = (await api.get(LINES, {"payout": payout["id"], **query})).body["data"]
        return [(line["id"], line["payout_amount"]) for line in lines]

    own = [(each["balance_transaction"], -each["amount"]) for each in (first, second)]
    ids = [line["id"] for line in charges]
    assert await paid_for(first) == [own[0], (ids[1], 10_193), (ids[0], 9_807)]
    assert await paid_for(second) == [own[1], (ids[2], 29_422), (ids[1], 9_422)]
    for payout in (first, second):
        assert sum(minor for _, minor in await paid_for(payout)) == 0
    assert await paid_for(second, type="charge", limit=1) == [(ids[2], 29_422)]
    assert await paid_for(second, type="payout") == [own[1]]
    assert await paid_for(second, starting_after=ids[2]) == [(ids[1], 9_422)]
    assert await paid_for(second, ending_before=ids[1], limit=1) == [(ids[2], 29_422)]
    assert await paid_for(second, created={"gt": 4_000_000_000}) == []
    body = (await api.get(LINES, {"payout": second["id"], "limit": 2})).body
    assert body["has_more"] is True
    assert "payout_amount" not in (await api.get(LINES)).body["data"][0]


async def test_what_a_payout_pays_for_includes_what_was_given_back(api: Api) -> None:
    await api.bank_account()
    paid = await api.settled(10_000)
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 1_000})
    await api.settled(10_000)
    payout = await api.paid_out(18_000)
    lines = (await api.get(LINES, {"payout": payout["id"]})).body["data"]
    assert [(line["type"], line["payout_amount"]) for line in lines] == [
        ("payout", -18_000),
        ("charge", 9_193),
        ("refund", -1_000),
        ("charge", 9_807),
    ]


async def test_the_lines_of_a_payout_itself_are_found_by_source(api: Api) -> None:
    await api.bank_account()
    await api.settled()
    payout = await api.paid_out(20_000)
    await api.post(f"/v1/payouts/{payout['id']}/cancel")
    query = {"source": payout["id"], "expand[]": "data.source"}
    lines = (await api.get(LINES, query)).body["data"]
    assert [(line["type"], line["net"], line["source"]["id"]) for line in lines] == [
        ("payout_cancel", 20_000, payout["id"]),
        ("payout", -20_000, payout["id"]),
    ]
    assert {line["fee"] for line in lines} == {0}


async def test_a_type_is_looked_for_through_the_pages(api: Api) -> None:
    paid = await api.paid(100_000)
    for amount in (1, 2, 3):
        await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": amount})
        await api.paid(1000)

    async def page(**query: Any) -> tuple[list[int], bool]:
        body = (await api.get(LINES, query)).body
        return [line["amount"] for line in body["data"]], body["has_more"]

    assert await page(type="refund") == ([-3, -2, -1], False)
    assert await page(type="refund", limit=2) == ([-3, -2], True)
    last = (await api.get(LINES, {"type": "refund", "limit": 3})).body["data"][-1]["id"]
    assert await page(type="refund", limit=1, ending_before=last) == ([-2], True)
    assert await page(type="refund_failure") == ([], False)


async def test_a_type_is_asked_for_once_however_much_else_there_is(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = await api.paid(100_000)
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 1})
    await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 2})
    for _ in range(120):
        await api.paid(1000)
    read: list[int] = []
    movements = MemoryQueries.movements

    async def watched(self: MemoryQueries, *asked: Any) -> Listed[MovementLine]:
        listed = await movements(self, *asked)
        read.append(len(listed.items))
        return listed

    monkeypatch.setattr(MemoryQueries, "movements", watched)
    body = (await api.get(LINES, {"type": "refund", "limit": 1})).body
    assert ([line["amount"] for line in body["data"]], body["has_more"]) == ([-2], True)
    assert read == [1]


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"source": "ch_000000000000000000000zzz00"}, 404, "source"),
        ({"source": "re_000000000000000000000zzz"}, 404, "source"),
        ({"source": "acct_1"}, 404, "source"),
        ({"type": "topup"}, 400, "type"),
        ({"payout": "po_000000000000000000000zzz"}, 404, "payout"),
        ({"source": "po_000000000000000000000zzz"}, 404, "source"),
        (
            {"payout": "po_000000000000000000000zzz", "source": "re_000000000000000000000zzz"},
            400,
            "payout",
        ),
        ({"starting_after": "txn_1"}, 404, "starting_after"),
    ],
)
async def test_what_there_is_not_is_refused(api: Api, query: dict[str, str], status: int, param: str) -> None:
    refused = await api.get(LINES, query)
    assert (refused.status, refused.error["param"]) == (status, param)


async def test_a_hold_is_no_line(api: Api) -> None:
    await api.authorised(1000)
    assert (await api.get(LINES)).body["data"] == []
    assert (await api.get(f"{LINES}/txn_000000000000000000000zzz00")).status == 404


async def test_lines_are_found_by_time(api: Api, clock: ManualClock) -> None:
    await api.paid(1000)
    clock.advance(timedelta(days=1))
    await api.paid(2000)
    midnight = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())
    data = (await api.get(LINES, {"created[gte]": midnight})).body["data"]
    assert [line["amount"] for line in data] == [2000]
