"""Payouts that nobody has to ask for: when the next one is due."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, assert_never

from fintech.domain.balance_settings import BalanceSettings, Interval, Schedule, SettingsFault
from fintech.domain.business_days import SYDNEY, sydney_day
from fintech.domain.evolving import evolve
from fintech.domain.outcome import Failure, Outcome, Success

#: The hour in Sydney at which scheduled payouts are made, on business days: by then the bank has paid and it is settled.
PAYOUT_HOUR: Final = 10
#: More than any run of days on which banks are closed.
_MOVED_MAX_DAYS: Final = 14
_MINIMUM_MAX_MINOR: Final = 1_000_000_00


def changed(
    settings: BalanceSettings, at: datetime, *, schedule: Schedule | None, minimum_minor: int | None
) -> Outcome[BalanceSettings, SettingsFault]:
    """What the merchant says of its scheduled payouts. What is not given stays."""
    if minimum_minor is not None and not 0 <= minimum_minor <= _MINIMUM_MAX_MINOR:
        return Failure(SettingsFault("minimum_minor", f"is 0 to {_MINIMUM_MAX_MINOR}"))
    if schedule is not None and (fault := _schedule_fault(schedule)):
        return Failure(fault)
    after = evolve(
        settings,
        schedule=settings.schedule if schedule is None else schedule,
        minimum_minor=settings.minimum_minor if minimum_minor is None else minimum_minor,
    )
    return Success(scheduled(after, at) if schedule is not None else after)


def scheduled(settings: BalanceSettings, at: datetime) -> BalanceSettings:
    """When the next scheduled payout is due, from now on."""
    today = sydney_day(at)
    over = payout_time(today) <= at
    day = next_payout_day(settings.schedule, today if over else today - timedelta(days=1))
    if day is None:
        return unscheduled(settings)
    return evolve(settings, next_payout_on=day, due_at=payout_time(day))


def unscheduled(settings: BalanceSettings) -> BalanceSettings:
    """No scheduled payout is due any more."""
    return evolve(settings, next_payout_on=None, due_at=None)


def payout_time(day: date) -> datetime:
    """When scheduled payouts of a Sydney day are made, as UTC. No change of the clocks touches that hour."""
    return datetime.combine(day, time(PAYOUT_HOUR), SYDNEY).astimezone(UTC)


def next_payout_day(schedule: Schedule, after: date) -> date | None:
    """The first Sydney day after one on which the schedule pays: what falls on no business day moves to the next one.

    None where nothing is paid out without being asked for.
    """
    match schedule.interval:
        case Interval.MANUAL:
            return None
        case Interval.DAILY:
            return _business_day_from(after + timedelta(days=1))
        case Interval.WEEKLY:
            first = after - timedelta(days=_MOVED_MAX_DAYS)
            nominal = first + timedelta(days=((schedule.weekday or 0) - first.weekday()) % 7)
            while (day := _business_day_from(nominal)) <= after:
                nominal += timedelta(days=7)
            return day
        case Interval.MONTHLY:
            first = after - timedelta(days=_MOVED_MAX_DAYS)
            year, month = first.year, first.month
            while (day := _business_day_from(_clamped(year, month, schedule.day or 1))) <= after:
                year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            return day
        case _:
            assert_never(schedule.interval)


def _business_day_from(day: date) -> date:
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def _schedule_fault(schedule: Schedule) -> SettingsFault | None:
    weekday, day = schedule.weekday, schedule.day
    if schedule.interval is Interval.WEEKLY and not (weekday is not None and 0 <= weekday <= 4):
        return SettingsFault("weekday", "is 0 (Monday) to 4 (Friday) for a weekly schedule")
    if schedule.interval is Interval.MONTHLY and not (day is not None and 1 <= day <= 31):
        return SettingsFault("day", "is 1 to 31 for a monthly schedule")
    if schedule.interval is not Interval.WEEKLY and weekday is not None:
        return SettingsFault("weekday", "is for a weekly schedule")
    if schedule.interval is not Interval.MONTHLY and day is not None:
        return SettingsFault("day", "is for a monthly schedule")
    return None
