"""Periods that the books are looked at by: Sydney days and months, and spans of days."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self

from attrs import field, frozen

from fintech.domain.business_days import SYDNEY, sydney_day

#: Nobody asks about other years, and the calendar ends not long after.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2999
#: A commit carries the time at which it was decided, and lands within this or never: so long after its end a period
#: may still get lines. (Three hand-ins of 40 s each, and the wait for a place in a group.)
LANDS_WITHIN: Final = timedelta(minutes=5)

_NAME: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?", re.ASCII)


def _ends(instance: "Period", _attribute: object, last_day: date) -> None:
    if last_day < instance.first_day:
        message = "a period does not end before it begins"
        raise ValueError(message)
    if not FIRST_YEAR <= instance.first_day.year <= last_day.year <= LAST_YEAR:
        message = f"a period is in the years {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(message)


@frozen
class Period:
    """Whole Sydney days, the first to the last. A day is 23 or 25 hours long when clocks change.

    Raises ``ValueError`` for one that ends before it begins, or that is not in the years that there are periods of.
    """

    first_day: date
    last_day: date = field(validator=_ends)

    @classmethod
    def of_month(cls, day: date) -> Self:
        """The month that a day is in."""
        first = day.replace(day=1)
        return cls(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """A day, ``2026-11-23``, or a month, ``2026-11``; None for anything else."""
        found = _NAME.fullmatch(text)
        if found is None:
            return None
        try:
            day = date(int(found[1]), int(found[2]), int(found[3] or 1))
            return cls(day, day) if found[3] else cls.of_month(day)
        except (ValueError, OverflowError):
            return None

    @property
    def is_month(self) -> bool:
        """Whether it is one whole month."""
        return self == Period.of_month(self.first_day)

    @property
    def name(self) -> str:
        """What `parse` reads; of a span of days, both."""
        if self.is_month:
            return f"{self.first_day:%Y-%m}"
        first, last = self.first_day.isoformat(), self.last_day.isoformat()
        return first if first == last else f"{first}_{last}"

    @property
    def start(self) -> datetime:
        """Its first moment, as UTC."""
        return _midnight(self.first_day)

    @property
    def end(self) -> datetime:
        """The first moment after it, as UTC."""
        return _midnight(self.last_day + timedelta(days=1))

    def over(self, now: datetime) -> bool:
        """Whether nothing more can come into it."""
        return now >= self.end + LANDS_WITHIN

    def overlaps(self, first_day: date, last_day: date) -> bool:
        """Whether any of its days is one of those from ``first_day`` to ``last_day``."""
        return self.first_day <= last_day and first_day <= self.last_day


def months_back(since: datetime, now: datetime) -> Iterator[Period]:
    """The months from the one that it is now to the one of ``since``, newest first."""
    first, month = Period.of_month(sydney_day(since)), Period.of_month(sydney_day(now))
    while month.first_day >= first.first_day:
        yield month
        month = Period.of_month(month.first_day - timedelta(days=1))


def days_back(since: datetime, now: datetime) -> Iterator[Period]:
    """The days from today to the one of ``since``, newest first."""
    first, day = sydney_day(since), sydney_day(now)
    while day >= first:
        yield Period(day, day)
        day -= timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SYDNEY).astimezone(UTC)
