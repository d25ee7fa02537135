"""The machine's clock."""

from datetime import UTC, datetime

from fintech.ports.clock import Clock


class SystemClock(Clock):
    """The machine's time; when the machine's clock is set back, time stands still until it has caught up."""

    def __init__(self) -> None:
        self._latest = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        now = datetime.now(UTC)
        self._latest = max(self._latest, now)
        return self._latest
