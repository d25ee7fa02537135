"""How much an endpoint is sent at once, and how that shrinks and grows."""

from itertools import pairwise

from fintech.application.webhooks.lanes import (
    ALONE_FROM,
    HELD_MAX,
    PAUSE_MAX_S,
    RUNNING_MAX,
    UNPROVEN_MAX,
    Lane,
)


def proven(**members: object) -> Lane:
    lane = Lane(**members)  # type: ignore[arg-type] # of a test
    lane.succeeded()
    return lane


def test_one_that_nothing_has_arrived_at_gets_little() -> None:
    lane = Lane()
    assert (lane.most, lane.room(0)) == (UNPROVEN_MAX, UNPROVEN_MAX)
    lane.running = UNPROVEN_MAX
    assert lane.room(0) == 0
    lane.succeeded()
    assert (lane.most, lane.room(0)) == (RUNNING_MAX, HELD_MAX - UNPROVEN_MAX)


def test_failures_one_after_the_other_make_it_narrow_and_then_slow() -> None:
    lane, now, pauses = proven(), 100.0, []
    widths = []
    for _ in range(12):
        lane.failed(now, now + 1, hung=False)
        now = max(now + 2, lane.free_at)
        widths.append(lane.most)
        pauses.append(lane.free_at)
    assert widths[:5] == [8, 4, 2, 1, 1]
    assert pauses[:ALONE_FROM] == [0] * ALONE_FROM
    waits = [free - before for before, free in pairwise(pauses[5:])]
    assert all(wait <= PAUSE_MAX_S + 2 for wait in waits)
    assert waits == sorted(waits)
    assert lane.room(lane.free_at - 0.1) == 0
    assert lane.room(lane.free_at) == 1


def test_a_wave_that_fails_is_one_failure() -> None:
    lane = proven()
    for _ in range(RUNNING_MAX):
        lane.failed(10.0, 11.0, hung=False)
    assert lane.failures == 1


def test_one_that_hangs_is_alone_at_once() -> None:
    lane = proven()
    lane.failed(10.0, 20.0, hung=True)
    assert (lane.most, lane.room(20.0)) == (1, 1)


def test_a_success_makes_good() -> None:
    lane = proven()
    for now in range(20):
        lane.failed(now + 0.5, now + 1, hung=True)
    lane.succeeded()
    assert (lane.most, lane.room(0.0)) == (RUNNING_MAX, HELD_MAX)


def test_a_failing_lane_is_remembered_for_a_while() -> None:
    lane = proven()
    assert lane.idle(0.0)
    for now in (10.0, 30.0):
        lane.failed(now, now + 1, hung=True)
    assert not lane.idle(lane.free_at)
    assert lane.idle(lane.free_at + PAUSE_MAX_S)
    lane.running = 1
    assert not lane.idle(lane.free_at + PAUSE_MAX_S)
