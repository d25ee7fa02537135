"""How papers spell amounts, days and kinds: for people, the same in every locale."""

from datetime import date, datetime
from typing import Final

from fintech.domain.business_days import SYDNEY
from fintech.domain.ledger import TransferKind
from fintech.domain.money import Currency, format_minor
from fintech.domain.periods import Period

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def amount(minor: int, currency: Currency) -> str:
    """``-1,234.50``."""
    whole, point, part = format_minor(minor, currency).partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{point}{part}"


def day_words(day: date) -> str:
    """``23 November 2026``."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def period_words(period: Period) -> str:
    """``November 2026``, or its days."""
    if period.is_month:
        return f"{_MONTHS[period.first_day.month - 1]} {period.first_day.year}"
    if period.first_day == period.last_day:
        return day_words(period.first_day)
    return f"{day_words(period.first_day)} to {day_words(period.last_day)}"


def moment(at: datetime) -> str:
    """``2026-11-23 12:00:00 AEDT``: with the zone, since one hour of the year comes twice."""
    return at.astimezone(SYDNEY).strftime("%Y-%m-%d %H:%M:%S %Z")


def kind_words(kind: TransferKind) -> str:
    """``Refund failure``."""
    return kind.value.replace("_", " ").capitalize()
