"""What a message is known by."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.entrypoints.terminals.identity import (
    identity_of,
    identity_of_reference,
    moment_of,
    original_of,
    request_key,
)

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2033, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it


def test_a_reference_is_year_day_hour_and_trace_number() -> None:
    identity = identity_of("T0000001", "000042", "1123103000", NOW)
    assert identity is not None
    assert identity.reference == "6" + "327" + "10" + "000042"
    assert identity.key == "iso8583/T0000001/632710000042"


@given(MOMENTS, st.integers(-30, 30))
def test_the_year_is_the_one_that_brings_it_nearest(now: datetime, days: int) -> None:
    at = (now + timedelta(days=days)).replace(microsecond=0)
    assert moment_of(f"{at:%m%d%H%M%S}", now) == at


@pytest.mark.parametrize(
    ("transmitted", "now", "reference"),
    [
        ("1231235959", datetime(2027, 1, 1, tzinfo=UTC), "636523"),
        ("0101000001", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "700100"),
        ("0229120000", datetime(2027, 3, 1, tzinfo=UTC), "806012"),
    ],
)
def test_new_year_and_leap_day_do_not_matter(transmitted: str, now: datetime, reference: str) -> None:
    identity = identity_of("T0000001", "000001", transmitted, now)
    assert identity is not None
    assert identity.reference == reference + "000001"


@pytest.mark.parametrize("transmitted", ["1332000000", "0000000000", "1123250000", "1123106000"])
def test_what_is_no_moment_identifies_nothing(transmitted: str) -> None:
    assert identity_of("T0000001", "000001", transmitted, NOW) is None


def test_a_reference_leads_back_to_the_same_key() -> None:
    identity = identity_of("T0000001", "000042", "1123103000", NOW)
    assert identity is not None
    assert identity_of_reference("T0000001", identity.reference) == identity


@pytest.mark.parametrize("reference", ["", "63271000004", "63271000004A", "            "])
def test_what_is_no_reference_of_ours_leads_nowhere(reference: str) -> None:
    assert identity_of_reference("T0000001", reference) is None


def test_what_a_reversal_says_of_its_original() -> None:
    told = original_of("0200" + "000042" + "1123103000" + "0" * 22)
    assert told is not None
    assert (told.mti, told.stan, told.transmitted) == ("0200", "000042", "1123103000")


@pytest.mark.parametrize("elements", ["", "0" * 42])
def test_a_reversal_may_say_nothing_of_it(elements: str) -> None:
    assert original_of(elements) is None


@pytest.mark.parametrize(
    "change",
    [{"amount": "2"}, {"processing": "200000"}, {"transmitted": "1123103001"}, {"operation": "other"}],
)
def test_a_fingerprint_tells_a_repeat_from_another_message(change: dict[str, str]) -> None:
    identity = identity_of("T0000001", "000042", "1123103000", NOW)
    assert identity is not None
    digests = LocalDigest(bytes(32))
    said = {"operation": "op", "amount": "1", "processing": "000000", "transmitted": "1123103000"}

    def key(said: dict[str, str]) -> bytes:
        operation = said["operation"]
        terms = {name: value for name, value in said.items() if name != "operation"}
        return request_key(digests, identity, operation, **terms).fingerprint

    assert key(said) == key(dict(said))
    assert key(said) != key(said | change)
