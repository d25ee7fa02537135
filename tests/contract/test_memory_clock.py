"""A clock that is moved by hand keeps the promise of `Clock`."""

from datetime import timedelta

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.ports.contracts.clock import ClockContract


class TestManualClock(ClockContract):
    def test_it_moves_when_it_is_moved(self, clock: ManualClock) -> None:
        before = clock.now()
        clock.advance(timedelta(seconds=3))
        assert clock.now() - before == timedelta(seconds=3)

    def test_it_is_not_moved_backwards(self, clock: ManualClock) -> None:
        with pytest.raises(ValueError, match="backwards"):
            clock.advance(timedelta(seconds=-1))
