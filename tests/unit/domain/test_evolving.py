"""Copies of frozen values."""

import pytest

from fintech.domain.evolving import evolve
from tests.unit.domain.desk import merchant


def test_a_copy_differs_in_what_was_named_and_the_original_in_nothing() -> None:
    before = merchant()
    after = evolve(before, name="Stall", version=2)
    assert (after.name, after.version) == ("Stall", 2)
    assert (before.name, before.version) == ("Kiosk", 1)
    assert evolve(after, name="Kiosk", version=1) == before
    assert type(after) is type(before)


def test_a_field_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="Merchant has no field nmae"):
        evolve(merchant(), nmae="Stall")
