"""The Australian Business Number and its check digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.abn import Abn

#: Published numbers: the Taxation Office, Woolworths Group, Telstra, Commonwealth Bank, Australia Post.
KNOWN = ["51824753556", "88000014675", "33051775556", "48123123124", "28864970579"]


@pytest.mark.parametrize("digits", KNOWN)
def test_numbers_that_exist_pass(digits: str) -> None:
    assert Abn.parse(digits) == digits
    assert Abn.parse(f" {digits[:2]} {digits[2:5]} {digits[5:8]} {digits[8:]} ") == digits


@given(st.sampled_from(KNOWN), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_found(digits: str, place: int, off: int) -> None:
    wrong = str((int(digits[place]) + off) % 10)
    assert Abn.parse(digits[:place] + wrong + digits[place + 1 :]) is None


@given(st.sampled_from(KNOWN), st.integers(0, 9))
def test_two_digits_that_changed_places_are_found(digits: str, place: int) -> None:
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    assert (Abn.parse(swapped) is None) == (digits[place] != digits[place + 1])


@pytest.mark.parametrize(
    "text",
    ["", "5182475355", "518247535560", "5182475355x", "-1824753556", "５１８２４７５３５５６", "01234567890"],
)
def test_anything_else_is_none(text: str) -> None:
    assert Abn.parse(text) is None


def test_people_write_it_in_groups() -> None:
    assert Abn("51824753556").spaced == "51 824 753 556"
