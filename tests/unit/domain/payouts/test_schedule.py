"""When a merchant is paid without asking: on business days in Sydney, at ten, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.balance_settings import Interval, Schedule, default_settings
from fintech.domain.business_days import SYDNEY, is_business_day
from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.payouts.schedule import next_payout_day, payout_time, scheduled

DAILY = Schedule(interval=Interval.DAILY)
SCHEDULES = st.one_of(
    st.just(DAILY),
    st.builds(Schedule, interval=st.just(Interval.WEEKLY), weekday=st.integers(0, 4)),
    st.builds(Schedule, interval=st.just(Interval.MONTHLY), day=st.integers(1, 31)),
)
DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))
NOBODY = default_settings(MerchantId("acct_" + "n" * 24), datetime(2026, 1, 1, tzinfo=UTC))


def weekly(weekday: int) -> Schedule:
    return Schedule(interval=Interval.WEEKLY, weekday=weekday)


def monthly(day: int) -> Schedule:
    return Schedule(interval=Interval.MONTHLY, day=day)


@pytest.mark.parametrize(
    ("schedule", "after", "day"),
    [
        (DAILY, date(2026, 11, 23), date(2026, 11, 24)),
        (DAILY, date(2026, 11, 27), date(2026, 11, 30)),  # over a weekend
        (weekly(0), date(2026, 11, 23), date(2026, 11, 30)),
        (weekly(2), date(2026, 11, 23), date(2026, 11, 25)),
        (weekly(4), date(2026, 11, 28), date(2026, 12, 4)),
        (monthly(15), date(2026, 11, 23), date(2026, 12, 15)),
        (monthly(31), date(2026, 11, 1), date(2026, 11, 2)),  # October's was a Saturday
        (monthly(31), date(2026, 11, 2), date(2026, 11, 30)),  # a short month's last day
        (monthly(31), date(2027, 1, 31), date(2027, 2, 1)),  # the 31st is a Sunday, and paid on Monday
        (monthly(28), date(2027, 2, 1), date(2027, 3, 1)),  # a Sunday in February moves into March
        (monthly(27), date(2027, 2, 28), date(2027, 3, 1)),
        (
            monthly(28),
            date(2027, 3, 1),
            date(2027, 3, 30),
        ),  # and March has its own: a Sunday, and then Easter Monday
        (DAILY, date(2026, 12, 24), date(2026, 12, 29)),  # Christmas, a week end, and Boxing Day on Monday
        (monthly(29), date(2028, 2, 28), date(2028, 2, 29)),
    ],
)
def test_the_next_day_of_a_schedule(schedule: Schedule, after: date, day: date) -> None:
    assert next_payout_day(schedule, after) == day


def test_who_asks_by_hand_has_no_day() -> None:
    assert next_payout_day(Schedule(interval=Interval.MANUAL), date(2026, 11, 23)) is None


@given(SCHEDULES, DAYS)
def test_a_day_is_a_business_day_soon_after(schedule: Schedule, after: date) -> None:
    day = next_payout_day(schedule, after)
    assert day is not None
    assert is_business_day(day)
    longest = {Interval.DAILY: 7, Interval.WEEKLY: 14, Interval.MONTHLY: 40}[schedule.interval]
    assert timedelta() < day - after <= timedelta(days=longest)


@given(SCHEDULES, DAYS)
def test_no_day_is_left_out(schedule: Schedule, after: date) -> None:
    """From any day before the next one, the next one is the same."""
    day = next_payout_day(schedule, after)
    assert day is not None
    between = after + (day - after) / 2
    assert between >= day or next_payout_day(schedule, between) == day


@given(SCHEDULES, st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds it
def test_it_is_due_at_ten_in_sydney_and_later_than_now(schedule: Schedule, at: datetime) -> None:
    after = scheduled(evolve(NOBODY, schedule=schedule), at)
    assert after.due_at is not None
    assert after.due_at > at
    there = after.due_at.astimezone(SYDNEY)
    assert (there.hour, there.minute, there.date()) == (10, 0, after.next_payout_on)
    assert (
        after.due_at
        == scheduled(evolve(NOBODY, schedule=schedule), after.due_at - timedelta(seconds=1)).due_at
    )


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (date(2026, 10, 2), 0),  # the last business day before the clocks go forward
        (date(2026, 10, 6), -1),
        (date(2027, 4, 2), -1),
        (date(2027, 4, 6), 0),  # after they went back
    ],
)
def test_ten_in_sydney_is_another_hour_elsewhere_in_summer(day: date, hour: int) -> None:
    moment = payout_time(day)
    assert moment == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def test_a_payout_day_whose_hour_is_to_come_is_today() -> None:
    before, after = (datetime(2026, 11, 22, hour, 59, tzinfo=UTC) for hour in (22, 23))  # Monday in Sydney
    daily = evolve(NOBODY, schedule=DAILY)
    assert scheduled(daily, before).next_payout_on == date(2026, 11, 23)
    assert scheduled(daily, after).next_payout_on == date(2026, 11, 24)
