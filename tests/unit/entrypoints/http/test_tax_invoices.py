"""Tax invoices over HTTP."""

from datetime import timedelta

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.abn import Abn
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.scope import Scope
from tests.unit.entrypoints.http.driving import OFFICER, Api, Shop
from tests.unit.entrypoints.http.test_statements import fetched

MONTH = "2026-11"


async def shop_of(api: Api, number: int, currency: Currency, *, livemode: bool = False) -> Api:
    scope = Scope(MerchantId(f"acct_{number:024d}"), livemode)
    onboard = api.core.onboard_merchant()
    abn = Abn("53004085616")
    (
        await onboard(OFFICER, scope.merchant, livemode=livemode, name="Other", currency=currency, abn=abn)
    ).unwrap()
    return api.of(Shop(scope, (await api.core.create_api_key()(OFFICER, scope, "tests")).unwrap().secret))


async def test_a_tax_invoice_is_an_object(api: Api, clock: ManualClock) -> None:
    await api.paid(10_000)
    clock.advance(timedelta(days=8))
    supply = {
        "count": 1,
        "description": "Card acquiring",
        "fee": 175,
        "gst": 18,
        "service": "acquiring",
        "tax_code": "gst",
        "total": 193,
    }
    assert (await api.get(f"/v1/tax_invoices/{MONTH}")).body == {
        "id": f"TEST-2026-11-{api.shop.scope.merchant.body}",
        "object": "tax_invoice",
        "adjustments": [],
        "currency": "aud",
        "fee": 175,
        "gst": 18,
        "issued_on": "2026-12-01",
        "kind": "tax_invoice",
        "livemode": False,
        "month": MONTH,
        "recipient": {"abn": None, "account": api.shop.scope.merchant, "name": "Shop 1"},
        "supplier": {
            "abn": "51824753556",
            "address": "1 Specimen Street, Sydney NSW 2000",
            "legal_name": "Specimen Payments Pty Ltd",
            "specimen": True,
        },
        "supplies": [supply],
        "total": 193,
    }


async def test_pdf_is_a_file(api: Api, clock: ManualClock) -> None:
    await api.paid(10_000)
    clock.advance(timedelta(days=8))
    response, content = await fetched(api, f"/v1/tax_invoices/{MONTH}", format="pdf")
    assert (response.status, response.content_type) == (200, "application/pdf")
    name = f"tax-invoice-2026-11-{api.shop.scope.merchant}-test.pdf"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert content.startswith(b"%PDF-")


async def test_a_month_that_is_not_over(api: Api) -> None:
    await api.paid(10_000)
    reply = await api.get(f"/v1/tax_invoices/{MONTH}")
    assert (reply.status, reply.error["code"], reply.error["param"]) == (
        400,
        "tax_invoice_not_ready",
        "month",
    )
    assert "2026-11-30T13:05:00+00:00" in reply.error["message"]


@pytest.mark.parametrize("month", ["2026-10", "2026-12", "2026-11-23", "2026-13", "x"])
async def test_a_month_that_is_not_there(api: Api, clock: ManualClock, month: str) -> None:
    await api.paid(10_000)
    clock.advance(timedelta(days=6))
    reply = await api.get(f"/v1/tax_invoices/{month}")
    assert (reply.status, reply.error["code"]) == (404, "resource_missing")


async def test_a_month_without_fees(api: Api, clock: ManualClock) -> None:
    clock.advance(timedelta(days=8))
    reply = await api.get(f"/v1/tax_invoices/{MONTH}")
    assert (reply.status, reply.error["message"]) == (
        404,
        "No such tax_invoice: there were no fees in 2026-11.",
    )


async def test_csv_is_not_for_invoices(api: Api) -> None:
    reply = await api.get(f"/v1/tax_invoices/{MONTH}", {"format": "csv"})
    assert (reply.status, reply.error["param"]) == (400, "format")


async def test_books_in_another_currency(api: Api, clock: ManualClock) -> None:
    other = await shop_of(api, 2, Currency.NZD)
    clock.advance(timedelta(days=8))
    reply = await other.get(f"/v1/tax_invoices/{MONTH}")
    assert (reply.status, reply.error["code"]) == (400, "currency_not_supported")


async def test_a_specimen_supplies_nobody_in_live_mode(api: Api, clock: ManualClock) -> None:
    live = await shop_of(api, 3, Currency.AUD, livemode=True)
    clock.advance(timedelta(days=8))
    reply = await live.get(f"/v1/tax_invoices/{MONTH}")
    assert (reply.status, reply.error["code"]) == (503, "supplier_not_set")
    assert reply.headers["Stripe-Should-Retry"] == "false"


async def test_an_account_tells_whether_it_has_a_tax_number(api: Api) -> None:
    assert (await api.get("/v1/account")).body["company"] == {"tax_id_provided": False}
    other = await shop_of(api, 2, Currency.AUD)
    assert (await other.get("/v1/account")).body["company"] == {"tax_id_provided": True}
