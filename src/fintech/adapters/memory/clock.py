"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

from fintech.ports.clock import Clock


class ManualClock(Clock):
    """Starts at a fixed moment; `advance` moves it."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass. Raises ``ValueError`` for a step backwards."""
        if by < timedelta():
            message = "time does not run backwards"
            raise ValueError(message)
        self._now += by
