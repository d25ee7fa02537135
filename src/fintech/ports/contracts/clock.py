"""The promise of `Clock`, for every adapter's tests."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

from fintech.ports.clock import Clock


class ClockContract:
    """Subclass it and provide the fixture ``clock``."""

    def test_it_is_in_utc_and_says_so(self, clock: Clock) -> None:
        assert clock.now().tzinfo is not None
        assert clock.now().utcoffset() == timedelta()

    def test_it_never_runs_backwards(self, clock: Clock) -> None:
        moments = [clock.now() for _ in range(10_000)]
        assert all(earlier <= later for earlier, later in pairwise(moments))

    def test_it_runs_backwards_in_no_thread(self, clock: Clock) -> None:
        def watch(_: int) -> list[datetime]:
            return [clock.now() for _ in range(2_000)]

        with ThreadPoolExecutor(4) as threads:
            for moments in threads.map(watch, range(4)):
                assert moments == sorted(moments)
