"""A month's fees and GST: what is supplied, what is given back, and what the document is."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.abn import Abn
from fintech.domain.cards import Scheme
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Books, Movement, Phase, TransferKind
from fintech.domain.merchants import FIXED_MAX_MINOR, NO_FEE, RATE_MAX_BPS, FeePlan, SchemeFee
from fintech.domain.money import Currency
from fintech.domain.periods import Period
from fintech.domain.tax import TaxCode, tax_minor, taxed_rightly
from fintech.domain.tax_invoices import (
    SPECIMEN,
    FeeTally,
    InvoiceKind,
    InvoiceLine,
    Recipient,
    TaxInvoice,
    tax_invoice,
)
from tests.unit.domain.desk import NOON, merchant

MONTH = Period.of_month(date(2026, 11, 23))
BOOKS = Books.of(merchant().id, Currency.AUD)
IDS = CountingIdSource()
AVAILABLE = BOOKS.account("available")
CHARGES = {
    "acquiring": (TransferKind.CAPTURE, TransferKind.ACQUIRING_FEE),
    "instant_payout": (TransferKind.PAYOUT, TransferKind.INSTANT_PAYOUT_FEE),
    "dispute": (TransferKind.DISPUTE, TransferKind.DISPUTE_FEE),
}


def charged(service: str, fee: int, tax: int, code: str = "gst") -> Movement:
    kind, fee_kind = CHARGES[service]
    movement = Movement(MovementId.of(IDS.new(ChangesetId), 0), source="x", at=NOON)
    movement.move(kind, BOOKS.account("client_cash"), AVAILABLE, 10_000)
    movement.move(fee_kind, AVAILABLE, BOOKS.account(f"fees/{service}"), fee)
    movement.move(TransferKind.FEE_TAX, AVAILABLE, BOOKS.account(f"gst_payable/{code}"), tax)
    return movement


def returned(fee: int, tax: int) -> Movement:
    movement = Movement(MovementId.of(IDS.new(ChangesetId), 0), source="x", at=NOON)
    movement.move(TransferKind.REFUND, AVAILABLE, BOOKS.account("client_cash"), 10_000)
    movement.move(TransferKind.FEE_RETURN, BOOKS.account("fees/acquiring"), AVAILABLE, fee)
    movement.move(TransferKind.FEE_TAX_RETURN, BOOKS.account("gst_payable/gst"), AVAILABLE, tax)
    return movement


def invoice(
    *movements: Movement, codes: Mapping[str, TaxCode] | None = None, livemode: bool = True
) -> TaxInvoice | None:
    tally = FeeTally(codes or {})
    for movement in movements:
        tally.add(movement.legs)
    return tax_invoice(
        tally,
        month=MONTH,
        supplier=SPECIMEN,
        recipient=Recipient(merchant=merchant().id, name="Kiosk", abn=Abn("51824753556")),
        livemode=livemode,
        currency=Currency.AUD,
    )


def made(*movements: Movement, **more: object) -> TaxInvoice:
    found = invoice(*movements, **more)  # type: ignore[arg-type] # passed on as they are
    assert found is not None
    return found


def test_fees_are_summed_by_service_and_tax_code() -> None:
    found = made(
        charged("acquiring", 175, 18),
        charged("acquiring", 220, 22),
        charged("instant_payout", 150, 15),
        charged("dispute", 2_500, 250),
    )
    assert found.supplies == (
        InvoiceLine(service="acquiring", tax_code=TaxCode.GST, count=2, fee_minor=395, tax_minor=40),
        InvoiceLine(service="dispute", tax_code=TaxCode.GST, count=1, fee_minor=2_500, tax_minor=250),
        InvoiceLine(service="instant_payout", tax_code=TaxCode.GST, count=1, fee_minor=150, tax_minor=15),
    )
    assert found.adjustments == ()
    assert (found.fee_minor, found.tax_minor, found.total_minor) == (3_045, 305, 3_350)
    assert found.kind is InvoiceKind.TAX_INVOICE


def test_what_is_given_back_is_an_adjustment() -> None:
    found = made(charged("acquiring", 395, 40), returned(175, 18), returned(20, 2))
    assert found.adjustments == (
        InvoiceLine(service="acquiring", tax_code=TaxCode.GST, count=2, fee_minor=-195, tax_minor=-20),
    )
    assert (found.fee_minor, found.tax_minor) == (200, 20)
    assert found.kind is InvoiceKind.TAX_INVOICE


def test_a_month_that_nets_negative_is_an_adjustment_note() -> None:
    found = made(charged("acquiring", 100, 10), returned(175, 18))
    assert (found.kind, found.total_minor) == (InvoiceKind.ADJUSTMENT_NOTE, -83)
    assert made(returned(175, 18)).kind is InvoiceKind.ADJUSTMENT_NOTE


def test_without_a_taxable_supply_it_is_an_invoice() -> None:
    found = made(charged("acquiring", 100, 0), codes={"acquiring": TaxCode.INPUT_TAXED})
    assert (found.kind, found.tax_minor) == (InvoiceKind.INVOICE, 0)
    assert found.supplies[0].tax_code is TaxCode.INPUT_TAXED


def test_a_tax_that_is_booked_tells_the_code() -> None:
    assert (
        made(charged("acquiring", 5, 1), codes={"acquiring": TaxCode.GST_FREE}).supplies[0].tax_code
        is TaxCode.GST
    )


def test_a_month_without_fees_has_none() -> None:
    hold = Movement(MovementId.of(IDS.new(ChangesetId), 0), source="x", at=NOON)
    hold.move(
        TransferKind.HOLD, BOOKS.account("holds"), BOOKS.account("holds_contra"), 5, phase=Phase.PENDING
    )
    assert invoice() is None
    assert invoice(hold, charged("acquiring", 0, 0)) is None


def test_its_number_and_its_date_are_those_of_the_month() -> None:
    found = made(charged("acquiring", 175, 18))
    assert found.number == f"2026-11-{'m' * 24}"
    assert found.issued_on == date(2026, 12, 1)
    assert made(charged("acquiring", 175, 18), livemode=False).number == f"TEST-2026-11-{'m' * 24}"


FEES = st.integers(0, 100_000)


@given(st.lists(st.tuples(st.sampled_from(sorted(CHARGES)), FEES), max_size=20), st.lists(FEES, max_size=5))
def test_totals_are_the_legs_to_the_cent(charges: list[tuple[str, int]], returns: list[int]) -> None:
    movements = [
        charged(service, fee, tax_minor(fee, TaxCode.GST, MONTH.first_day)) for service, fee in charges
    ]
    movements += [returned(fee, tax_minor(fee, TaxCode.GST, MONTH.first_day)) for fee in returns]
    legs = [leg for movement in movements for leg in movement.legs]

    def net(bucket: str) -> int:
        came = sum(leg.amount_minor for leg in legs if leg.credit.code.startswith(bucket))
        return came - sum(leg.amount_minor for leg in legs if leg.debit.code.startswith(bucket))

    found = invoice(*movements)
    totals = (found.fee_minor, found.tax_minor) if found else (0, 0)
    assert totals == (net("fees/"), net("gst_payable/"))


@pytest.mark.parametrize(
    ("tax", "rightly"), [(100, True), (97, True), (103, True), (96, False), (104, False), (0, False)]
)
def test_a_tax_is_right_but_for_rounding(tax: int, rightly: bool) -> None:
    assert taxed_rightly(1_000, tax, TaxCode.GST, NOON.date()) is rightly
    assert taxed_rightly(1_000, tax, TaxCode.GST_FREE, NOON.date()) is (tax == 0)


@given(
    st.integers(0, RATE_MAX_BPS),
    st.integers(0, FIXED_MAX_MINOR),
    st.lists(st.integers(1, 3_000) | st.integers(1, 10_000_000), min_size=1, max_size=6),
)
def test_no_capture_in_parts_is_further_off_than_rounding_explains(
    rate_bps: int, fixed_minor: int, parts: list[int]
) -> None:
    plan = FeePlan(standard=SchemeFee(rate_bps=rate_bps, fixed_minor=fixed_minor))
    paid, taken = NO_FEE, 0
    for part in parts:
        taken += part
        fee = plan.fee(Scheme.VISA, taken, MONTH.first_day).less(paid)
        paid = paid.plus(fee)
        assert taxed_rightly(fee.fee_minor, fee.tax_minor, TaxCode.GST, MONTH.first_day)
