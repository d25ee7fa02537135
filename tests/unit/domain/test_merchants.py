"""Merchants: standing, fees, limits."""

from datetime import date, time
from itertools import pairwise
from typing import Any

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Scheme
from fintech.domain.merchants import (
    DEFAULT_FEES,
    FIXED_MAX_MINOR,
    RATE_MAX_BPS,
    TRANSITIONS,
    Fee,
    FeePlan,
    Merchant,
    SchemeFee,
    Standing,
    StandingRefused,
)
from fintech.domain.money import portion_minor
from fintech.domain.outcome import Failure, Success
from fintech.domain.tax import TaxCode, tax_minor
from tests.unit.domain.desk import merchant

DAY = date(2026, 11, 23)
RULES = st.builds(
    SchemeFee, rate_bps=st.integers(0, RATE_MAX_BPS), fixed_minor=st.integers(0, FIXED_MAX_MINOR)
)


def flat(rate_bps: int = 0, fixed_minor: int = 0, **more: Any) -> FeePlan:
    return FeePlan(standard=SchemeFee(rate_bps=rate_bps, fixed_minor=fixed_minor), **more)


@pytest.mark.parametrize("current", Standing)
@pytest.mark.parametrize("wanted", Standing)
def test_every_step_of_standing_is_allowed_or_refused_by_the_table(
    current: Standing, wanted: Standing
) -> None:
    allowed = {
        ("active", "suspended"),
        ("active", "closed"),
        ("suspended", "active"),
        ("suspended", "closed"),
    }
    outcome = merchant(standing=current).placed(wanted)
    if (current, wanted) in allowed:
        assert outcome == Success(merchant(standing=wanted))
    else:
        assert outcome == Failure(StandingRefused(current, wanted))


def test_the_table_knows_every_standing() -> None:
    assert set(TRANSITIONS) == set(Standing)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_scheme_that_is_not_listed_costs_the_standard_fee(scheme: Scheme) -> None:
    listed = {Scheme.AMEX: 220, Scheme.EFTPOS: 40}
    plan = flat(
        175, by_scheme=tuple((each, SchemeFee(rate_bps=bps, fixed_minor=0)) for each, bps in listed.items())
    )
    assert plan.of(scheme).rate_bps == listed.get(scheme, 175)


@pytest.mark.parametrize(
    ("plan", "scheme", "amount", "fee"),
    [
        (DEFAULT_FEES, Scheme.VISA, 10_000, Fee(175, 18)),
        (DEFAULT_FEES, Scheme.AMEX, 10_000, Fee(220, 22)),
        (flat(175, 30), Scheme.VISA, 10_000, Fee(205, 21)),
        (flat(175, 30, tax_code=TaxCode.GST_FREE), Scheme.VISA, 10_000, Fee(205, 0)),
        (flat(), Scheme.VISA, 10_000, Fee(0, 0)),
        (flat(0, 30), Scheme.VISA, 33, Fee(30, 3)),  # just covered
        (flat(0, 30), Scheme.VISA, 32, Fee(29, 3)),  # the fee and its tax are cut to the amount
        (flat(0, 30), Scheme.VISA, 11, Fee(10, 1)),
        (flat(0, 30), Scheme.VISA, 1, Fee(1, 0)),
        (flat(175, 30), Scheme.VISA, 0, Fee(0, 0)),
    ],
)
def test_what_a_payment_costs(plan: FeePlan, scheme: Scheme, amount: int, fee: Fee) -> None:
    assert plan.fee(scheme, amount, DAY) == fee
    assert fee.total_minor == fee.fee_minor + fee.tax_minor


@given(RULES, st.integers(0, 10**7))
def test_a_fee_never_costs_more_than_the_payment_and_is_the_price_list_otherwise(
    rule: SchemeFee, amount: int
) -> None:
    fee = FeePlan(standard=rule).fee(Scheme.VISA, amount, DAY)
    listed = portion_minor(amount, rule.rate_bps) + rule.fixed_minor
    tax = tax_minor(listed, TaxCode.GST, DAY)
    assert fee.total_minor == min(amount, listed + tax)
    assert min(fee.fee_minor, fee.tax_minor) >= 0
    if fee.total_minor < amount:
        assert fee == Fee(listed, tax)


@given(RULES)
def test_a_larger_payment_never_costs_less(rule: SchemeFee) -> None:
    plan = FeePlan(standard=rule)
    for less, more in pairwise(plan.fee(Scheme.VISA, amount, DAY) for amount in range(0, 1_400, 7)):
        assert less.fee_minor <= more.fee_minor
        assert less.tax_minor <= more.tax_minor


@pytest.mark.parametrize(
    ("rate_bps", "fixed_minor"), [(-1, 0), (RATE_MAX_BPS + 1, 0), (0, -1), (0, FIXED_MAX_MINOR + 1)]
)
def test_fees_have_bounds(rate_bps: int, fixed_minor: int) -> None:
    with pytest.raises(ValueError, match="0 to"):
        SchemeFee(rate_bps=rate_bps, fixed_minor=fixed_minor)


def test_the_bounds_themselves_are_allowed() -> None:
    assert SchemeFee(rate_bps=RATE_MAX_BPS, fixed_minor=FIXED_MAX_MINOR).rate_bps == RATE_MAX_BPS
    assert SchemeFee(rate_bps=0, fixed_minor=0).fixed_minor == 0


@pytest.mark.parametrize("cut_off", ["00:00", "09:00", "12:00", "23:59"])
def test_a_day_may_end_from_noon_on_or_until_it_is_paid_for(cut_off: str) -> None:
    assert merchant_ending(time.fromisoformat(cut_off)).cut_off == time.fromisoformat(cut_off)


@pytest.mark.parametrize("cut_off", ["09:01", "11:59", "22:00+10:00", "12:00:01", "12:00:00.000001"])
def test_a_day_that_ends_after_it_was_paid_for_or_within_a_minute_is_refused(cut_off: str) -> None:
    with pytest.raises(ValueError, match="by nine the next morning"):
        merchant_ending(time.fromisoformat(cut_off))


def merchant_ending(cut_off: time) -> Merchant:
    members = {each.name: getattr(merchant(), each.name) for each in fields(Merchant)}
    return Merchant(**{**members, "cut_off": cut_off})
