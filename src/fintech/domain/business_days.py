"""The day that money counts under, in Sydney, where the bank's books close; and the days on which banks settle.

What was captured on a day is settled on the next business day (T+1): Friday's, Saturday's and Sunday's money comes
together on Monday. Banks settle retail cards the day after at about nine (Reserve Bank, "About RITS").
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fintech.domain.holidays import HOLIDAYS

SYDNEY: Final = ZoneInfo("Australia/Sydney")
MIDNIGHT: Final = time(0)
#: From then on, Sydney time, the bank has paid for what is due on a business day.
SETTLED_BY: Final = time(9)

_NOON: Final = time(12)
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


def sydney_day(at: datetime) -> date:
    """The day in Sydney at a moment, daylight saving observed."""
    return at.astimezone(SYDNEY).date()


def trading_day(at: datetime, cut_off: time = MIDNIGHT) -> date:
    """The day that a capture at a moment counts under, when days end at ``cut_off``, Sydney time.

    A cut-off in the afternoon or evening ends a day early: what comes after it counts as the next day's. One in the
    morning ends the day before late: a bar that closes at three counts the small hours with the evening.
    """
    day = sydney_day(at)
    passed = at >= _moment(day, cut_off)
    if cut_off < _NOON:
        return day if passed else day - _DAY
    return day + _DAY if passed else day


def ends_a_day(cut_off: time) -> bool:
    """Whether days may end at a time: on a full minute, not between the moment at which a day is paid for and noon."""
    full = cut_off.second == cut_off.microsecond == 0
    return full and cut_off.tzinfo is None and not SETTLED_BY < cut_off < _NOON


def is_business_day(day: date) -> bool:
    """Whether banks settle on a day. From the end of the calendar on (`holidays`), only week ends are known."""
    return day.weekday() < _SATURDAY and day not in HOLIDAYS


def next_business_day(day: date) -> date:
    """The first business day after a day."""
    day += _DAY
    while not is_business_day(day):
        day += _DAY
    return day


def settles_at(day: date) -> datetime:
    """When what was captured on a day is expected to be settled, as UTC."""
    return _moment(next_business_day(day), SETTLED_BY)


def last_day_due(at: datetime) -> date:
    """The last day whose captures the bank has paid for by a moment, if it pays as it should."""
    day = sydney_day(at)
    if not (is_business_day(day) and at >= _moment(day, SETTLED_BY)):
        day -= _DAY
        while not is_business_day(day):
            day -= _DAY
    return day - _DAY


def _moment(day: date, at: time) -> datetime:
    """A time of a Sydney day, as UTC, since only there two moments compare as they follow one another."""
    return datetime.combine(day, at, SYDNEY).astimezone(UTC)
