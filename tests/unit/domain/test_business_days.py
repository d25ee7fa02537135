"""Sydney's days: daylight saving, week ends, year ends, holidays and cut-offs."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.business_days import (
    SYDNEY,
    is_business_day,
    last_day_due,
    next_business_day,
    settles_at,
    sydney_day,
    trading_day,
)
from fintech.domain.holidays import CALENDAR_THROUGH, HOLIDAYS


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-23T12:59:59.999999", "2026-11-23"),  # daylight time, eleven hours ahead
        ("2026-11-23T13:00:00", "2026-11-24"),
        ("2026-07-01T13:59:59", "2026-07-01"),  # standard time, ten hours ahead
        ("2026-07-01T14:00:00", "2026-07-02"),
        ("2026-12-31T12:59:59", "2026-12-31"),
        ("2026-12-31T13:00:00", "2027-01-01"),
        ("2026-10-03T13:59:59", "2026-10-03"),  # the night in which clocks go forward, at two
        ("2026-10-03T14:00:00", "2026-10-04"),
        ("2026-10-04T12:59:59", "2026-10-04"),  # that day has 23 hours
        ("2026-10-04T13:00:00", "2026-10-05"),
        ("2026-04-04T13:00:00", "2026-04-05"),  # the night in which clocks go back, at three
        ("2026-04-05T13:59:59", "2026-04-05"),  # that day has 25 hours
        ("2026-04-05T14:00:00", "2026-04-06"),
        ("2028-02-28T13:00:00", "2028-02-29"),
    ],
)
def test_the_day_in_sydney(at: str, day: str) -> None:
    assert sydney_day(utc(at)) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("day", "settled_at"),
    [
        ("2026-11-23", "2026-11-23T22:00:00"),  # Monday: Tuesday at nine, daylight time
        ("2026-07-01", "2026-07-01T23:00:00"),  # Wednesday: Thursday at nine, standard time
        ("2026-11-27", "2026-11-29T22:00:00"),  # Friday, Saturday and Sunday: Monday
        ("2026-11-28", "2026-11-29T22:00:00"),
        ("2026-11-29", "2026-11-29T22:00:00"),
        ("2026-10-02", "2026-10-04T22:00:00"),  # Friday to Labour Day, the clocks went forward: RITS is open
        ("2028-03-31", "2028-04-02T23:00:00"),  # Friday to Monday, the clocks went back
        ("2026-12-31", "2027-01-03T22:00:00"),  # Thursday, New Year's Day and a week end: Monday
        ("2026-04-02", "2026-04-06T23:00:00"),  # Maundy Thursday and Easter: Tuesday
        (
            "2026-12-24",
            "2026-12-28T22:00:00",
        ),  # Christmas, a week end and the day more for Boxing Day: Tuesday
        ("2026-04-24", "2026-04-26T23:00:00"),  # only New South Wales has the Monday after Anzac Day off
        ("2032-04-29", "2032-04-29T23:00:00"),
        ("2032-12-24", "2032-12-26T22:00:00"),  # beyond the calendar nothing but week ends is known
    ],
)
def test_settlement_comes_at_nine_on_the_next_business_day(day: str, settled_at: str) -> None:
    assert settles_at(date.fromisoformat(day)) == utc(settled_at)
    assert last_day_due(utc(settled_at)) >= date.fromisoformat(day)
    assert last_day_due(utc(settled_at) - timedelta(microseconds=1)) < date.fromisoformat(day)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_is_due_from_the_moment_at_which_it_settles(day: date) -> None:
    settled_at = settles_at(day)
    assert timedelta() < settled_at - datetime.combine(day, time(), UTC) < timedelta(days=6)
    local = settled_at.astimezone(SYDNEY)
    assert (local.time(), settled_at.tzinfo) == (time(9), UTC)
    assert is_business_day(local.date())
    assert not any(is_business_day(day + timedelta(n)) for n in range(1, (local.date() - day).days))
    assert last_day_due(settled_at - timedelta(microseconds=1)) < day <= last_day_due(settled_at)


@given(st.datetimes(datetime(2024, 12, 1), datetime(2031, 1, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds of aware ones
def test_what_is_due_is_what_should_have_been_settled(at: datetime) -> None:
    due = last_day_due(at)
    assert settles_at(due) <= at < settles_at(due + timedelta(days=1))


# -- the calendar


def easter(year: int) -> date:
    """Easter Sunday, by the Gregorian computus (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    left = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * left) // 451
    month, day = divmod(h + left - 7 * m + 114, 31)
    return date(year, month, day + 1)


def by_the_acts(year: int) -> set[date]:
    """Week days off in both states, as their laws make them."""
    days = {easter(year) - timedelta(days=2), easter(year) + timedelta(days=1), date(year, 4, 25)}
    australia_day = date(year, 1, 26)
    while australia_day.weekday() > 4:
        australia_day += timedelta(days=1)
    days.add(australia_day)
    days.add(next(date(year, 6, n) for n in range(8, 15) if date(year, 6, n).weekday() == 0))
    new_year, christmas, boxing = date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)
    for holiday in (new_year, christmas, boxing):
        days.add(holiday)
        if holiday.weekday() > 4:
            more = holiday + timedelta(days=1)
            while more.weekday() > 4 or more in days:
                more += timedelta(days=1)
            days.add(more)
    return {day for day in days if day.weekday() < 5}


@pytest.mark.parametrize("year", range(2025, CALENDAR_THROUGH.year + 1))
def test_the_calendar_is_what_the_laws_make_it(year: int) -> None:
    assert {day for day in HOLIDAYS if day.year == year} == by_the_acts(year)


def test_the_calendar_ends_where_it_says() -> None:
    assert {day.year for day in HOLIDAYS} == set(range(2025, CALENDAR_THROUGH.year + 1))
    assert date(CALENDAR_THROUGH.year, 12, 31) == CALENDAR_THROUGH
    christmas = date(CALENDAR_THROUGH.year + 1, 12, 25)
    assert is_business_day(christmas) is (christmas.weekday() < 5)


@pytest.mark.parametrize("day", ["2026-08-03", "2026-10-05", "2026-04-27", "2027-04-26", "2026-11-03"])
def test_holidays_of_one_state_are_business_days(day: str) -> None:
    """Sydney's Bank Holiday, Labour Day and Mondays after Anzac Day, Melbourne's Cup."""
    assert is_business_day(date.fromisoformat(day))
    assert next_business_day(date.fromisoformat(day) - timedelta(days=1)) == date.fromisoformat(day)


# -- cut-offs


@pytest.mark.parametrize(
    ("at", "cut_off", "day"),
    [
        ("2026-11-23T12:59:59", "00:00", "2026-11-23"),
        ("2026-11-23T13:00:00", "00:00", "2026-11-24"),
        ("2026-11-23T10:59:59", "22:00", "2026-11-23"),
        ("2026-11-23T11:00:00", "22:00", "2026-11-24"),
        ("2026-11-23T13:00:00", "22:00", "2026-11-24"),
        ("2026-11-23T15:59:59", "03:00", "2026-11-23"),  # the small hours of Tuesday
        ("2026-11-23T16:00:00", "03:00", "2026-11-24"),
        ("2026-10-03T15:59:59", "02:30", "2026-10-03"),  # the clocks go from two to three: half past is three
        ("2026-10-03T16:30:00", "02:30", "2026-10-04"),
        ("2026-04-04T15:29:59", "02:30", "2026-04-04"),  # half past two comes twice: the first time counts
        ("2026-04-04T15:30:00", "02:30", "2026-04-05"),
        ("2026-04-04T16:15:00", "02:30", "2026-04-05"),  # a quarter past two, the second time
        ("2026-10-04T10:59:59", "22:00", "2026-10-04"),
        ("2026-10-04T11:00:00", "22:00", "2026-10-05"),
    ],
)
def test_a_day_ends_at_the_cut_off(at: str, cut_off: str, day: str) -> None:
    assert trading_day(utc(at), time.fromisoformat(cut_off)) == date.fromisoformat(day)


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds of aware ones
    st.times(timezones=st.none()),
    st.timedeltas(timedelta(), timedelta(days=2)),
)
def test_a_later_capture_never_counts_under_an_earlier_day(
    at: datetime, cut_off: time, later: timedelta
) -> None:
    day = trading_day(at, cut_off)
    assert day <= trading_day(at + later, cut_off)
    assert abs(day - sydney_day(at)) <= timedelta(days=1)
