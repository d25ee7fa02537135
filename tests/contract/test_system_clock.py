"""The machine's clock keeps the promise of `Clock`, also when somebody sets it back."""

from datetime import UTC, datetime, timedelta

import pytest

from fintech.adapters.system import clock as module
from fintech.adapters.system.clock import SystemClock
from fintech.ports.contracts.clock import ClockContract


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


class TestSystemClock(ClockContract):
    def test_it_is_the_machines(self, clock: SystemClock) -> None:
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)

    def test_it_stands_still_while_the_machine_catches_up(
        self, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = clock.now()

        class SetBack(datetime):
            @classmethod
            def now(cls, tz=None):
                return before - timedelta(hours=1)

        monkeypatch.setattr(module, "datetime", SetBack)
        assert clock.now() == before
        monkeypatch.undo()
        assert clock.now() >= before
