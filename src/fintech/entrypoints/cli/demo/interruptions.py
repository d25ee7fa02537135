"""Signals as an exception that comes between two steps, never in the middle of a shielded one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody told us to stop. Not an `Exception`: nothing that merely handles errors may swallow it."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class Interruptions:
    """Raises `Interrupted` in the main thread at the first signal; further ones change nothing."""

    def __init__(self) -> None:
        self._shields = 0
        self._pending: int | None = None
        self._raised = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {each: signal.signal(each, self._handle) for each in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """What is done here is done whole; a signal that came meanwhile is raised after it."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self._raise_pending()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = number
        self._raise_pending()

    def _raise_pending(self) -> None:
        if self._pending is not None and not self._shields and not self._raised:
            self._raised = True
            raise Interrupted(self._pending)
