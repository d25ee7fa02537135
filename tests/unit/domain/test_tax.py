"""Tax codes and rates are dated data."""

from datetime import date

import pytest

from fintech.domain.tax import RATES, TaxCode, TaxRate, rate_bps, tax_minor

CHANGED = (
    TaxRate(TaxCode.GST, date(2030, 7, 1), 1_250),
    *RATES,
    TaxRate(TaxCode.GST, date(2028, 7, 1), 1_200),
)


@pytest.mark.parametrize(
    ("on", "rate"),
    [
        (date(2000, 7, 1), 1_000),
        (date(2028, 6, 30), 1_000),
        (date(2028, 7, 1), 1_200),
        (date(2030, 6, 30), 1_200),
        (date(2030, 7, 1), 1_250),
        (date(2099, 1, 1), 1_250),
    ],
)
def test_the_latest_row_that_has_begun_applies_in_whatever_order_rows_stand(on: date, rate: int) -> None:
    assert rate_bps(TaxCode.GST, on, CHANGED) == rate


def test_a_day_before_the_first_row_has_no_rate() -> None:
    with pytest.raises(LookupError, match="2000-06-30"):
        rate_bps(TaxCode.GST, date(2000, 6, 30))


@pytest.mark.parametrize("code", TaxCode)
def test_every_code_has_a_rate_today(code: TaxCode) -> None:
    assert rate_bps(code, date(2026, 11, 23)) == {TaxCode.GST: 1_000}.get(code, 0)


@pytest.mark.parametrize(("fee", "tax"), [(175, 18), (174, 17), (5, 1), (4, 0), (0, 0)])
def test_gst_is_a_tenth_of_the_fee_half_a_cent_up(fee: int, tax: int) -> None:
    assert tax_minor(fee, TaxCode.GST, date(2026, 11, 23)) == tax


def test_what_is_not_taxed_bears_no_tax() -> None:
    assert tax_minor(10_000, TaxCode.GST_FREE, date(2026, 11, 23)) == 0
    assert tax_minor(10_000, TaxCode.INPUT_TAXED, date(2026, 11, 23)) == 0
