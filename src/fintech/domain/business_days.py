"""The day that money counts under: a calendar day in Sydney, where the bank's books close."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SYDNEY: Final = ZoneInfo("Australia/Sydney")


def sydney_day(at: datetime) -> date:
    """The day in Sydney at a moment, daylight saving observed."""
    return at.astimezone(SYDNEY).date()


def next_settlement_at(at: datetime) -> datetime:
    """When what is captured now is expected to be settled: the start of the next week day in Sydney, as UTC."""
    day = sydney_day(at) + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=SYDNEY).astimezone(UTC)
