"""Card numbers are found however people write them, and what merchants write beside them is left alone."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.simulator.cards import TEST_CARDS
from fintech.domain.card_numbers import is_security_code, shows_card_number
from fintech.domain.cards import luhn_valid

NUMBERS = [card.number for card in TEST_CARDS]


def grouped(number: str, separator: str) -> str:
    """As embossed: 4-6-5 for American Express, 4-6-4 for Diners, fours for the others."""
    cuts = (4, 10) if len(number) in (14, 15) else range(4, len(number), 4)
    places = [0, *cuts, len(number)]
    return separator.join(number[start:end] for start, end in pairwise(places))


@pytest.mark.parametrize("written", ["{}", "card {}", "PAN:{}, thanks", "no_{}", "カード{}号"])
def test_a_number_in_one_piece(written: str) -> None:
    for number in NUMBERS:
        assert shows_card_number(written.format(number))
        assert not shows_card_number(written.format(number[:-1] + str((int(number[-1]) + 1) % 10)))


@pytest.mark.parametrize(
    "separator", [" ", "-", ".", "/", "_", "\N{NO-BREAK SPACE}", "\N{EN DASH}", "  ", " - ", "\t"]
)
@pytest.mark.parametrize("written", ["{}", "12 {}", "{} 12/30", "two hats ({})"])
def test_a_number_in_groups(separator: str, written: str) -> None:
    for number in [*NUMBERS, "30569309025904", "6205500000000000004"]:
        assert shows_card_number(written.format(grouped(number, separator)))


@pytest.mark.parametrize(
    "number",
    [
        "4222222222222",  # 13 digits
        "30569309025904",
        "371449635398431",
        "2223003122003222",
        "6011000990139424",
        "3530111333300000",
        "6205500000000000004",  # 19 digits
        "４２４２４２４２４２４２４２４２",
    ],
)
def test_numbers_of_every_scheme_and_length(number: str) -> None:
    assert shows_card_number(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "order 6735",
        "+61 2 9374 4000, +61 412 345 678",
        "1795458235000",  # milliseconds
        "1795458235000000",  # microseconds
        "1795458235000000000",  # nanoseconds
        "2026-11-23 18:23:55",
        "23-11-2026 18-23-55 10",
        "4006381000093",  # a barcode whose last digit checks for a card, too
        "356938035643809",  # a telephone's serial number (IMEI), which has a card's check digit
        "9999999999999995",  # no scheme's
        "42424242424242424242",  # 20 digits
        "a1b4242424242424242c9",  # a digest
        "a4242424242424242",  # a random token
        "4242 4242 4242",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",  # nobody writes them so by mistake
        "192.168.100.100 192.168.100.101",
    ],
)
def test_what_else_people_write(text: str) -> None:
    assert not shows_card_number(text)


def test_some_of_it_has_the_check_digit_of_a_card() -> None:
    assert all(map(luhn_valid, ["4006381000093", "356938035643809", "9999999999999995"]))


@given(st.uuids())
def test_a_uuid_is_none(key: UUID) -> None:
    assert not shows_card_number(str(key))


def test_not_even_a_uuid_that_is_all_digits() -> None:
    assert luhn_valid("4242424242424242")
    assert not shows_card_number("42424242-4242-4242-8000-424242424242")


def test_a_long_text_is_read_to_its_end() -> None:
    assert not shows_card_number("1234 " * 10_000)
    assert shows_card_number("1234 " * 10_000 + "4242 4242 4242 4242")


@pytest.mark.parametrize(
    "name", ["cvc", "CVV", "cvv2", "card_cvc", "Card CVV", "security code", " security-code "]
)
def test_a_security_code_under_its_name(name: str) -> None:
    assert is_security_code(name, "123")
    assert is_security_code(name, " 1234 ")
    assert not is_security_code(name, "pass")
    assert not is_security_code(name, "12345")


@pytest.mark.parametrize("name", ["order", "cvc_check", "cid", "service code"])
def test_three_digits_under_another_name_are_none(name: str) -> None:
    assert not is_security_code(name, "123")
