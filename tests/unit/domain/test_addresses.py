"""Addresses: what is one in Australia, and what may change."""

from typing import Any

import pytest

from fintech.domain.addresses import COUNTRY, LINE_MAX, STATES, Address, AddressChanges, AddressFault
from fintech.domain.evolving import evolve
from fintech.domain.outcome import Failure, Success

SHOP = Address(
    line1="1 George Street", line2="Level 2", city="Sydney", state="NSW", postcode="2000", country=COUNTRY
)


@pytest.mark.parametrize("state", STATES)
def test_every_state_and_territory_has_addresses_in_any_case(state: str) -> None:
    assert evolve(SHOP, state=state.lower()).checked() == Success(evolve(SHOP, state=state))


def test_the_postcode_is_text_so_that_darwins_keeps_its_zero() -> None:
    assert evolve(SHOP, state="NT", postcode="0800").checked().unwrap().postcode == "0800"


@pytest.mark.parametrize(
    ("part", "value", "fault"),
    [
        ("line1", " ", AddressFault.LINE1),
        ("line1", "x" * (LINE_MAX + 1), AddressFault.LINE1),
        ("line1", "1 George\nStreet", AddressFault.LINE1),
        ("line2", "", AddressFault.LINE2),
        ("city", "", AddressFault.CITY),
        ("state", "New South Wales", AddressFault.STATE),
        ("state", "", AddressFault.STATE),
        ("postcode", "200", AddressFault.POSTCODE),
        ("postcode", "２０００", AddressFault.POSTCODE),
        ("postcode", "2000 ", AddressFault.POSTCODE),
        ("country", "NZ", AddressFault.COUNTRY),
    ],
)
def test_the_part_that_is_wrong_is_named(part: str, value: str, fault: AddressFault) -> None:
    assert evolve(SHOP, **{part: value}).checked() == Failure(fault)


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, {}),
        ({"line1": "2 George Street"}, {"line1": "2 George Street"}),
        ({"line2": ""}, {"line2": None}),
        ({"state": "vic", "postcode": "3000"}, {"state": "VIC", "postcode": "3000"}),
        ({"country": "AU"}, {}),
    ],
)
def test_parts_are_changed_one_by_one(changes: dict[str, Any], after: dict[str, Any]) -> None:
    assert SHOP.changed(AddressChanges(**changes)) == Success(evolve(SHOP, **after))


def test_a_place_stays_in_its_country_and_right() -> None:
    assert SHOP.changed(AddressChanges(country="NZ")) == Failure(AddressFault.COUNTRY)
    assert SHOP.changed(AddressChanges(city="")) == Failure(AddressFault.CITY)


def test_no_repr_says_where_somebody_may_live() -> None:
    for value in (SHOP, AddressChanges(line1="1 George Street", line2="Level 2", city="Sydney")):
        assert not any(part in repr(value) for part in ("George", "Level", "Sydney"))
