"""Money is whole minor units of one currency, and no cent is lost or made."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.money import (
    AMOUNT_MAX_MINOR,
    Currency,
    CurrencyMismatch,
    Money,
    format_minor,
    portion_minor,
    split_minor,
)

AMOUNTS = st.integers(-AMOUNT_MAX_MINOR, AMOUNT_MAX_MINOR)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


def aud(minor: int) -> Money:
    return Money(minor, Currency.AUD)


@pytest.mark.parametrize("minor", [1.0, 1.5, True, False, "1", None, float("nan")])
def test_minor_units_are_whole_numbers_and_nothing_that_passes_for_one(minor: Any) -> None:
    with pytest.raises(TypeError, match="whole numbers"):
        Money(minor, Currency.AUD)


def test_a_currency_is_a_currency_and_not_its_name() -> None:
    name: Any = "AUD"
    with pytest.raises(TypeError):
        Money(1, name)


@pytest.mark.parametrize("minor", [AMOUNT_MAX_MINOR, -AMOUNT_MAX_MINOR])
def test_the_largest_amount_is_an_amount_and_one_more_is_not(minor: int) -> None:
    assert aud(minor).minor == minor
    with pytest.raises(ValueError, match="larger"):
        aud(minor + (1 if minor > 0 else -1))
    with pytest.raises(ValueError, match="larger"):
        aud(minor) + aud(minor)


def test_sums_and_differences() -> None:
    assert aud(1050) + aud(-50) == aud(1000)
    assert aud(10) - aud(25) == aud(-15)
    assert -aud(7) == aud(-7)


def test_order() -> None:
    assert aud(1) < aud(2) <= aud(2)
    assert aud(2) > aud(1) >= aud(1)
    assert not aud(2) < aud(2)
    assert not aud(3) <= aud(2)


@pytest.mark.parametrize(
    "meet", [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a <= b]
)
def test_two_currencies_never_meet(meet: Any) -> None:
    with pytest.raises(CurrencyMismatch):
        meet(aud(1), Money(1, Currency.NZD))


def test_the_same_number_in_another_currency_is_another_amount() -> None:
    assert aud(1) != Money(1, Currency.NZD)


@given(AMOUNTS, WEIGHTS)
def test_parts_add_up_to_the_whole_and_are_fair_to_the_cent(minor: int, weights: list[int]) -> None:
    parts = split_minor(minor, weights)
    assert sum(parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(minor * weight, sum(weights))) < 1
        assert part == 0 or weight > 0


def test_what_is_left_over_goes_to_the_largest_remainder_and_then_to_the_earlier_part() -> None:
    assert aud(100).split((1, 1, 1)) == (aud(34), aud(33), aud(33))
    assert aud(101).split((1, 1, 1)) == (aud(34), aud(34), aud(33))
    assert split_minor(10, (1, 5)) == (2, 8)  # 1.67 and 8.33
    assert aud(-100).split((1, 1, 1)) == (aud(-34), aud(-33), aud(-33))
    assert split_minor(7, (0, 1)) == (0, 7)


@pytest.mark.parametrize("weights", [(), (0,), (0, 0), (3, -1), (-1,)])
def test_weights_must_make_sense(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split_minor(100, weights)


@pytest.mark.parametrize(
    ("minor", "basis_points", "portion"),
    [
        (10_000, 175, 175),
        (100, 50, 1),  # exactly half a cent goes up
        (99, 50, 0),
        (9_999, 175, 175),  # 174.9825
        (0, 175, 0),
        (1, 10_000, 1),
        (1, 5_000, 1),
        (1, 4_999, 0),
        (AMOUNT_MAX_MINOR, 1, AMOUNT_MAX_MINOR // 10_000),
    ],
)
def test_a_portion_is_rounded_half_up(minor: int, basis_points: int, portion: int) -> None:
    assert portion_minor(minor, basis_points) == portion


@given(st.integers(0, AMOUNT_MAX_MINOR), st.integers(0, 10_000))
def test_a_portion_is_the_nearest_cent(minor: int, basis_points: int) -> None:
    exact = Fraction(minor * basis_points, 10_000)
    assert -Fraction(1, 2) < portion_minor(minor, basis_points) - exact <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, Currency.AUD, "1234.50"),
        (5, Currency.AUD, "0.05"),
        (-5, Currency.AUD, "-0.05"),
        (-123450, Currency.EUR, "-1234.50"),
        (0, Currency.USD, "0.00"),
        (500, Currency.JPY, "500"),
        (-500, Currency.JPY, "-500"),
    ],
)
def test_how_amounts_are_written(minor: int, currency: Currency, text: str) -> None:
    assert format_minor(minor, currency) == text
    assert str(Money(minor, currency)) == f"{text} {currency}"


@pytest.mark.parametrize("currency", Currency)
def test_exponents_are_those_of_the_standard(currency: Currency) -> None:
    assert currency.exponent == {"JPY": 0}.get(currency, 2)
