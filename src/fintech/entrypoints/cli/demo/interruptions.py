"""Signals that are noticed between two steps, and never come in the middle of one.

A handler that raises may do so anywhere, also where Python swallows exceptions (in a finaliser, at a fork), so this
one only takes note, and whoever waits looks at what it noted.
"""

import signal
import time
from types import FrameType, TracebackType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_INTERVAL_S: Final = 0.05


class Interrupted(BaseException):
    """Somebody told us to stop. Not an `Exception`: nothing that merely handles errors may swallow it."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class Interruptions:
    """Takes note of the first signal; further ones change nothing."""

    def __init__(self) -> None:
        self._noted: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {each: signal.signal(each, self._note) for each in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def look(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self._noted is not None:
            raise Interrupted(self._noted)

    def pause(self, seconds: float) -> None:
        """Let time pass, unless a signal comes. Raises `Interrupted`."""
        end = time.monotonic() + seconds
        self.look()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_INTERVAL_S))
            self.look()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._noted is None:
            self._noted = number
