"""Sydney's days: daylight saving, week ends, year ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.business_days import SYDNEY, next_settlement_at, sydney_day


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
    ("at", "settled_at"),
    [
        ("2026-11-23T01:00:00", "2026-11-23T13:00:00"),  # Monday: Tuesday's first moment
        ("2026-11-27T12:59:59", "2026-11-29T13:00:00"),  # Friday's last second: Monday
        ("2026-11-27T13:00:00", "2026-11-29T13:00:00"),  # Saturday's first: Monday
        ("2026-11-29T12:59:59", "2026-11-29T13:00:00"),  # Sunday's last second
        ("2026-10-02T00:00:00", "2026-10-04T13:00:00"),  # Friday to Monday, the clocks went forward
        ("2026-04-03T00:00:00", "2026-04-05T14:00:00"),  # Friday to Monday, the clocks went back
        ("2026-12-31T02:00:00", "2026-12-31T13:00:00"),  # Thursday to New Year's Friday
    ],
)
def test_settlement_comes_at_the_start_of_the_next_week_day(at: str, settled_at: str) -> None:
    assert next_settlement_at(utc(at)) == utc(settled_at)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds of aware ones
def test_settlement_is_always_ahead_and_never_far(at: datetime) -> None:
    settled_at = next_settlement_at(at)
    assert timedelta() < settled_at - at <= timedelta(days=3, hours=1)
    local = settled_at.astimezone(SYDNEY)
    assert (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
    assert local.weekday() < 5
    assert settled_at.tzinfo is UTC
