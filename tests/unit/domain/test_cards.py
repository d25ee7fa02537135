"""Cards: what is wrong with one, and what is never shown of one."""

from datetime import date
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Card, CardDetails, CardFault, Funding, Scheme, fault_of, luhn_valid
from fintech.domain.money import Currency
from fintech.ports.card_acquirer import Authorisation

TODAY = date(2026, 11, 23)
GOOD = CardDetails(number="4242424242424242", exp_month=11, exp_year=2026, cvc="123")
KEPT = Card(
    scheme=Scheme.VISA,
    bin="424242",
    last4="4242",
    exp_month=11,
    exp_year=2026,
    funding=Funding.CREDIT,
    country="AU",
    fingerprint="f",
    token="tok_secret",
)


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424242",
        "378282246310005",
        "6200000000000005",
        "3056930009020004",
        "501800000009",
        "6304000000000000000",
    ],
)
def test_good_numbers_of_every_length(number: str) -> None:
    assert luhn_valid(number)
    assert fault_of(evolve(GOOD, number=number), TODAY) is None


@given(st.text("0123456789", min_size=11, max_size=18), st.integers(0, 18), st.integers(1, 9))
def test_any_single_wrong_digit_is_noticed(body: str, place: int, off: int) -> None:
    number = next(body + digit for digit in "0123456789" if luhn_valid(body + digit))
    place %= len(number)
    wrong = number[:place] + str((int(number[place]) + off) % 10) + number[place + 1 :]
    assert not luhn_valid(wrong)


@given(st.text("0123456789", min_size=11, max_size=18))
def test_one_check_digit_fits_and_only_one(body: str) -> None:
    assert sum(luhn_valid(body + digit) for digit in "0123456789") == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"number": "4242424242424241"}, CardFault.INCORRECT_NUMBER),
        ({"number": "42424242426"}, CardFault.INCORRECT_NUMBER),  # eleven digits, and they check
        ({"number": "0" * 20}, CardFault.INCORRECT_NUMBER),
        ({"number": ""}, CardFault.INCORRECT_NUMBER),
        ({"number": "4242 4242 4242 4242"}, CardFault.INCORRECT_NUMBER),
        ({"number": "٤" * 16}, CardFault.INCORRECT_NUMBER),
        ({"number": "²" * 16}, CardFault.INCORRECT_NUMBER),
        ({"exp_month": 0}, CardFault.INVALID_EXPIRY_MONTH),
        ({"exp_month": 13}, CardFault.INVALID_EXPIRY_MONTH),
        ({"exp_month": 10}, CardFault.INVALID_EXPIRY_MONTH),  # last month
        ({"exp_year": 2025}, CardFault.INVALID_EXPIRY_YEAR),
        ({"exp_year": 26}, CardFault.INVALID_EXPIRY_YEAR),
        ({"exp_year": 2077}, CardFault.INVALID_EXPIRY_YEAR),
        ({"cvc": "12"}, CardFault.INVALID_CVC),
        ({"cvc": "12345"}, CardFault.INVALID_CVC),
        ({"cvc": "12a"}, CardFault.INVALID_CVC),
        ({"cvc": "١٢٣"}, CardFault.INVALID_CVC),
        ({"cvc": ""}, CardFault.INVALID_CVC),
        ({"number": "1", "exp_month": 13, "cvc": "1"}, CardFault.INCORRECT_NUMBER),  # the first is told
    ],
)
def test_what_is_wrong_with_a_card(change: dict[str, Any], fault: CardFault) -> None:
    assert fault_of(evolve(GOOD, **change), TODAY) is fault


@pytest.mark.parametrize(
    "change", [{}, {"cvc": None}, {"cvc": "1234"}, {"exp_year": 2076, "exp_month": 1}, {"exp_month": 12}]
)
def test_what_is_not_wrong_with_a_card(change: dict[str, Any]) -> None:
    assert fault_of(evolve(GOOD, **change), TODAY) is None


@pytest.mark.parametrize(
    ("today", "expired"),
    [
        (date(2026, 10, 1), False),
        (date(2026, 11, 30), False),
        (date(2026, 12, 1), True),
        (date(2027, 1, 1), True),
    ],
)
def test_a_card_is_good_until_the_end_of_its_month(today: date, expired: bool) -> None:
    assert KEPT.expired(today) is expired


def test_no_repr_shows_a_number_a_code_or_a_token() -> None:
    typed = CardDetails(number="4242424242424242", exp_month=11, exp_year=2026, cvc="987")
    for shown in (repr(typed), str(typed), f"{typed}", repr([typed])):
        assert not any(secret in shown for secret in ("4242", "987", "2026", "11"))
    assert "tok_secret" not in repr(KEPT)
    asked = Authorisation(
        request="ch", card_token="tok_secret", amount_minor=1, currency=Currency.AUD, capture=True
    )
    assert "tok_secret" not in repr(asked)
