import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.entrypoints.http.limits import BUCKETS_MAX, Flights, RateLimit


class Hand:
    """A clock in seconds that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Hand()
    limit = RateLimit(per_s=2, burst=3, now=clock)
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert limit.take("b") == 0
    clock.now += 0.5
    assert [limit.take("a") for _ in range(2)] == [0, 1]
    clock.now += 1000
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 1]


def test_a_slow_rate_says_how_long_to_wait() -> None:
    limit = RateLimit(per_s=0.1, burst=1, now=Hand())
    assert [limit.take("a") for _ in range(2)] == [0, 10]


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.5, 5), st.integers(1, 5))
def test_no_more_pass_than_burst_and_rate_allow(pauses: list[float], per_s: float, burst: int) -> None:
    clock = Hand()
    limit = RateLimit(per_s=per_s, burst=burst, now=clock)
    start, passed = clock.now, 0
    for pause in pauses:
        clock.now += pause
        passed += limit.take("a") == 0
        assert passed <= burst + (clock.now - start) * per_s + 1e-6


def test_buckets_have_a_bound() -> None:
    limit = RateLimit(per_s=1, burst=1, now=Hand())
    for number in range(BUCKETS_MAX + 10):
        limit.take(str(number))
    assert limit.take(str(BUCKETS_MAX + 9)) == 1
    assert limit.take("0") == 0


async def test_a_flight_that_is_late_is_ended_and_goes_on() -> None:
    flights = Flights(most=2, timeout_s=0.05)

    async def fly(seconds: float) -> str:
        task = flights.enter()
        assert task is not None
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if not flights.was_late(task):
                raise
            await asyncio.sleep(0)
            return "late"
        finally:
            flights.leave(task)
        return "landed"

    assert tuple(await asyncio.gather(fly(0), fly(5))) == ("landed", "late")
    assert len(flights) == 0
    assert await fly(0) == "landed"


async def test_a_flight_that_somebody_else_ends_is_not_late() -> None:
    flights = Flights(most=2, timeout_s=10)
    late: list[bool] = []

    async def fly() -> None:
        task = flights.enter()
        assert task is not None
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            late.append(flights.was_late(task))
            raise
        finally:
            flights.leave(task)

    task = asyncio.create_task(fly())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert late == [False]


async def test_who_is_slow_to_say_who_he_is_makes_room_for_the_next() -> None:
    flights = Flights(most=2, timeout_s=10, makes_room=True)
    ended: list[str] = []

    async def fly(name: str, *, known: bool, until: asyncio.Event) -> None:
        task = flights.enter()
        if task is None:
            ended.append(f"{name} shed")
            return
        try:
            if known:
                flights.settle()
            await until.wait()
            ended.append(f"{name} landed")
        except asyncio.CancelledError:
            assert flights.was_late(task)
            ended.append(f"{name} pushed out")
        finally:
            flights.leave(task)

    over = asyncio.Event()
    flying = [asyncio.create_task(fly("slow", known=False, until=over))]
    await asyncio.sleep(0)
    for name in ("ann", "ben", "cho"):
        flying.append(asyncio.create_task(fly(name, known=True, until=over)))
        await asyncio.sleep(0)
    assert ended == ["slow pushed out", "cho shed"]  # who is known keeps his place
    over.set()
    await asyncio.gather(*flying)
    assert ended[2:] == ["ann landed", "ben landed"]
    assert len(flights) == 0


async def test_no_more_flights_than_there_is_room_for() -> None:
    flights = Flights(most=1, timeout_s=10)
    first = flights.enter()
    assert first is not None
    assert flights.enter() is None
    flights.leave(first)
    assert flights.enter() is first
