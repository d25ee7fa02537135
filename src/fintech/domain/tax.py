"""Tax on our own fees. Codes and rates are dated data, so that a change of law is a new row and not new code."""

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import frozen

from fintech.domain.money import BASIS_POINTS, portion_minor


class TaxCode(StrEnum):
    """How a supply is treated under the GST Act 1999 (A New Tax System (Goods and Services Tax) Act 1999)."""

    GST = "gst"  #: a taxable supply: acquiring, instant payout and dispute fees are
    GST_FREE = "gst_free"  #: exports and the like
    INPUT_TAXED = "input_taxed"  #: financial supplies; no tax on the fee, no credit for its inputs


@frozen
class TaxRate:
    """From ``first_day`` on (Sydney date), until a later row of the same code."""

    code: TaxCode
    first_day: date
    rate_bps: int


#: A New Tax System (Goods and Services Tax) Act 1999, s 9-70: 10 % since 1 July 2000.
RATES: Final = (
    TaxRate(TaxCode.GST, date(2000, 7, 1), 1_000),
    TaxRate(TaxCode.GST_FREE, date(2000, 7, 1), 0),
    TaxRate(TaxCode.INPUT_TAXED, date(2000, 7, 1), 0),
)


@lru_cache(maxsize=1024)
def rate_bps(code: TaxCode, on: date, rates: tuple[TaxRate, ...] = RATES) -> int:
    """The rate in basis points that applies on a day. Raises ``LookupError`` for a day before the first row."""
    candidates = [rate for rate in rates if rate.code is code and rate.first_day <= on]
    if not candidates:
        message = f"no rate of {code} on {on.isoformat()}"
        raise LookupError(message)
    return max(candidates, key=lambda rate: rate.first_day).rate_bps


#: How far, in minor units, the tax on what one movement charges may be from the exact share of its fee. A fee and its
#: tax are rounded (half a unit each), and cut down together where they would pass the payment (up to 1.2 in all); the
#: next part of a capture pays the difference of two such sums.
ROUNDING_MAX_MINOR: Final = 3


def taxed_rightly(fee_minor: int, tax_minor: int, code: TaxCode, on: date) -> bool:
    """Whether a fee's tax is the rate's share of it, but for what rounding may have done (`ROUNDING_MAX_MINOR`)."""
    off = BASIS_POINTS * tax_minor - rate_bps(code, on) * fee_minor
    return abs(off) <= BASIS_POINTS * ROUNDING_MAX_MINOR


def tax_minor(fee_minor: int, code: TaxCode, on: date) -> int:
    """The tax on a fee that does not include it, half a cent rounded up (the same act, s 9-90)."""
    return portion_minor(fee_minor, rate_bps(code, on))
