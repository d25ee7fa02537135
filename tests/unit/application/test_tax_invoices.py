"""Tax invoices: one for each month that is over, to the cent of the books."""

from datetime import date, timedelta

import pytest
from attrs import evolve

from fintech.application.commits import NotFound
from fintech.application.statements import NoSuchPeriod
from fintech.application.tax_invoices import (
    InvoiceCurrency,
    MakeTaxInvoice,
    MonthNotOver,
    NothingSupplied,
    SupplierNotSet,
)
from fintech.domain.abn import Abn
from fintech.domain.ids import MerchantId
from fintech.domain.merchants import DEFAULT_FEES, FeePlan, SchemeFee
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure
from fintech.domain.periods import LANDS_WITHIN, Period
from fintech.domain.scope import Scope
from fintech.domain.tax import TaxCode
from fintech.domain.tax_invoices import SPECIMEN, InvoiceKind, Supplier, TaxInvoice
from tests.unit.application.shop import ACTOR, Shop, open_shop, value

NOVEMBER = Period.of_month(date(2026, 11, 23))
DECEMBER = Period.of_month(date(2026, 12, 1))
ABN = Abn("51824753556")
RETURNING = FeePlan(standard=SchemeFee(rate_bps=150, fixed_minor=10), returned_on_refund=True)


def skip_to(shop: Shop, month: Period) -> None:
    """To the moment from which the month's invoice can be had."""
    shop.clock.advance(month.end + LANDS_WITHIN - shop.clock.now())


async def made(shop: Shop, month: Period = NOVEMBER) -> TaxInvoice:
    invoice: TaxInvoice = value(await shop.core.make_tax_invoice()(shop.scope, month))
    return invoice


async def test_a_months_fees_and_gst_are_the_accounts(shop: Shop) -> None:
    for amount in (10_000, 333, 99, 12_345):
        await shop.pay(amount)
    await shop.pay(7_777, "pm_card_amex")
    skip_to(shop, NOVEMBER)
    invoice = await made(shop)
    assert invoice.fee_minor == await shop.net("fees/acquiring")
    assert invoice.tax_minor == await shop.net("gst_payable/gst")
    assert [line.count for line in invoice.supplies] == [5]
    assert (invoice.supplier, invoice.recipient.name) == (SPECIMEN, "Kiosk")
    await shop.assert_proofs_hold()


async def test_each_month_has_its_own(shop: Shop) -> None:
    shop.clock.advance(NOVEMBER.end - shop.clock.now() - timedelta(microseconds=1))
    await shop.pay(10_000)
    shop.clock.advance(timedelta(microseconds=1))
    await shop.pay(20_000)
    skip_to(shop, DECEMBER)
    november, december = await made(shop), await made(shop, DECEMBER)
    assert (november.tax_minor, december.tax_minor) == (18, 35)
    assert november.number != december.number
    assert (november.issued_on, december.issued_on) == (date(2026, 12, 1), date(2027, 1, 1))


async def test_fees_that_go_back_are_adjustments_of_their_own_month() -> None:
    async with open_shop(fees=RETURNING) as shop:
        payment = await shop.pay(10_000)
        skip_to(shop, NOVEMBER)
        await shop.refund(payment.id, 5_000)
        skip_to(shop, DECEMBER)
        november, december = await made(shop), await made(shop, DECEMBER)
        assert (november.fee_minor, november.tax_minor, november.adjustments) == (160, 16, ())
        assert (december.fee_minor, december.tax_minor, december.supplies) == (-80, -8, ())
        assert december.kind is InvoiceKind.ADJUSTMENT_NOTE
        assert november.fee_minor + december.fee_minor == await shop.net("fees/acquiring")
        await shop.assert_proofs_hold()


async def test_it_is_the_same_however_often_it_is_made(shop: Shop) -> None:
    await shop.pay(10_000)
    skip_to(shop, NOVEMBER)
    first = await made(shop)
    shop.advance(days=400)
    await shop.pay(10_000)
    assert await made(shop) == first


async def test_fees_without_tax_have_the_code_of_the_plan() -> None:
    async with open_shop(fees=evolve(DEFAULT_FEES, tax_code=TaxCode.INPUT_TAXED)) as shop:
        await shop.pay(10_000)
        skip_to(shop, NOVEMBER)
        invoice = await made(shop)
        assert [line.tax_code for line in invoice.supplies] == [TaxCode.INPUT_TAXED]
        assert (invoice.kind, invoice.tax_minor) == (InvoiceKind.INVOICE, 0)
        await shop.assert_proofs_hold()


async def test_a_month_that_is_not_over_is_refused(shop: Shop) -> None:
    await shop.pay(10_000)
    until = NOVEMBER.end + LANDS_WITHIN
    for moment in (shop.clock.now(), NOVEMBER.end, until - timedelta(microseconds=1)):
        shop.clock.advance(moment - shop.clock.now())
        outcome = await shop.core.make_tax_invoice()(shop.scope, NOVEMBER)
        assert outcome == Failure(MonthNotOver(until))
    shop.clock.advance(timedelta(microseconds=1))
    await made(shop)


async def test_a_month_without_fees_is_refused(shop: Shop) -> None:
    await shop.authorise(10_000)
    skip_to(shop, NOVEMBER)
    outcome = await shop.core.make_tax_invoice()(shop.scope, NOVEMBER)
    assert outcome == Failure(NothingSupplied(NOVEMBER))


async def test_only_whole_months_with_books_have_one(shop: Shop) -> None:
    skip_to(shop, NOVEMBER)
    no = Failure(NoSuchPeriod(date(2026, 11, 23), date(2026, 12, 1)))
    for period in (Period(date(2026, 11, 23), date(2026, 11, 23)), Period.of_month(date(2026, 10, 1))):
        assert await shop.core.make_tax_invoice()(shop.scope, period) == no
    nobody = Scope(MerchantId("acct_" + "z" * 24), livemode=False)
    outcome = await shop.core.make_tax_invoice()(nobody, NOVEMBER)
    assert outcome == Failure(NotFound("merchant", nobody.merchant))


async def test_books_in_another_currency_have_none() -> None:
    async with open_shop(currency=Currency.NZD) as shop:
        skip_to(shop, NOVEMBER)
        outcome = await shop.core.make_tax_invoice()(shop.scope, NOVEMBER)
        assert outcome == Failure(InvoiceCurrency(Currency.NZD))


@pytest.mark.parametrize("specimen", [True, False])
async def test_a_specimen_supplies_nobody_in_live_mode(shop: Shop, specimen: bool) -> None:
    live = Scope(shop.scope.merchant, livemode=True)
    (await shop.core.onboard_merchant()(ACTOR, live.merchant, livemode=True, name="Kiosk", abn=ABN)).unwrap()
    skip_to(shop, NOVEMBER)
    supplier = SPECIMEN if specimen else Supplier(legal_name="Us Pty Ltd", abn=ABN, address="Sydney")
    make = MakeTaxInvoice(store=shop.store, queries=shop.core.queries(), clock=shop.clock, supplier=supplier)
    expected = SupplierNotSet() if specimen else NothingSupplied(NOVEMBER)
    assert await make(live, NOVEMBER) == Failure(expected)
