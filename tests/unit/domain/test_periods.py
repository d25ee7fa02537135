"""Days and months in Sydney: their names, how long they are, and when they are over."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.business_days import sydney_day
from fintech.domain.periods import LANDS_WITHIN, Period, days_back, months_back

DAYS = st.dates(date(2000, 1, 1), date(2999, 12, 31))


def period(text: str) -> Period:
    parsed = Period.parse(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("name", "start", "hours"),
    [
        ("2026-11-23", "2026-11-22T13:00:00", 24),  # daylight time
        ("2026-07-01", "2026-06-30T14:00:00", 24),  # standard time
        ("2026-10-04", "2026-10-03T14:00:00", 23),  # clocks go forward
        ("2026-04-05", "2026-04-04T13:00:00", 25),  # clocks go back
        ("2026-11", "2026-10-31T13:00:00", 30 * 24),
        ("2026-10", "2026-09-30T14:00:00", 31 * 24 - 1),
        ("2026-04", "2026-03-31T13:00:00", 30 * 24 + 1),
        ("2028-02", "2028-01-31T13:00:00", 29 * 24),
        ("2026-12", "2026-11-30T13:00:00", 31 * 24),
    ],
)
def test_a_period_begins_at_midnight_and_is_as_long_as_it_is(name: str, start: str, hours: int) -> None:
    found = period(name)
    assert found.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert found.end - found.start == timedelta(hours=hours)
    assert found.name == name


@pytest.mark.parametrize(
    "text",
    [
        "", "2026", "2026-13", "2026-00", "2026-2", "2026-02-30", "2026-11-23 ", "26-11-23", "1999-12", "3000-01", "0000-01",
        "9999-12-31", "2026-11-23T00:00", "２０２６-11", "2026-11-23_2026-11-24", "2026/11",
    ],
)  # fmt: skip
def test_anything_else_is_no_period(text: str) -> None:
    assert Period.parse(text) is None


@given(DAYS)
def test_names_are_read_back(day: date) -> None:
    month = Period.of_month(day)
    assert period(month.name) == month
    assert month.is_month
    assert period(day.isoformat()) == Period(day, day)
    assert not Period(day, day).is_month


@given(DAYS, DAYS)
def test_a_moment_is_in_the_day_that_sydney_has(first: date, second: date) -> None:
    span = Period(min(first, second), max(first, second))
    assert sydney_day(span.start) == span.first_day
    assert sydney_day(span.end - timedelta(microseconds=1)) == span.last_day


def test_a_span_of_days_has_a_name_too() -> None:
    assert Period(date(2026, 11, 1), date(2026, 11, 2)).name == "2026-11-01_2026-11-02"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 11, 2), date(2026, 11, 1)),
        (date(1999, 12, 31), date(2000, 1, 1)),
        (date(2999, 12, 31), date(3000, 1, 1)),
    ],
)
def test_a_period_that_makes_no_sense_is_none(first: date, last: date) -> None:
    with pytest.raises(ValueError, match="a period"):
        Period(first, last)


def test_a_period_is_over_when_nothing_more_can_land_in_it() -> None:
    day = period("2026-10-04")
    assert not day.over(day.end)
    assert not day.over(day.end + LANDS_WITHIN - timedelta(microseconds=1))
    assert day.over(day.end + LANDS_WITHIN)


def test_periods_back_to_the_first() -> None:
    since, now = datetime(2025, 11, 30, 12, tzinfo=UTC), datetime(2026, 1, 31, 13, tzinfo=UTC)
    assert [each.name for each in months_back(since, now)] == ["2026-02", "2026-01", "2025-12", "2025-11"]
    days = [each.name for each in days_back(since, now)]
    assert (days[0], days[1], days[-1], len(days)) == ("2026-02-01", "2026-01-31", "2025-11-30", 64)


def test_overlapping() -> None:
    month = period("2026-11")
    assert month.overlaps(date(2026, 11, 30), date(2027, 1, 1))
    assert month.overlaps(date(2020, 1, 1), date(2026, 11, 1))
    assert not month.overlaps(date(2026, 12, 1), date(2027, 1, 1))
    assert not month.overlaps(date(2020, 1, 1), date(2026, 10, 31))
