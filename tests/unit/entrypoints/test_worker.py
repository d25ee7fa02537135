"""The sweeper's loop: often enough, never too often, and not to be discouraged."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fintech.application.sweep import ROUND_MAX
from fintech.entrypoints import worker
from fintech.entrypoints.worker import sweeping_keys, working
from tests.unit.adapters.crypto.desk import Desk, faster
from tests.unit.application.keys.sweeping import known, sweep_of


class Rounds:
    """A sweep that counts; ``script`` says what each round finds, or what it raises."""

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.count = 0

    async def __call__(self) -> int:
        self.count += 1
        told = self.script.pop(0) if self.script else 0
        if isinstance(told, Exception):
            raise told
        return told


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_it_sweeps_at_intervals() -> None:
    rounds = Rounds()
    async with working(rounds, interval_s=0.02):
        await until(lambda: rounds.count >= 3)


async def test_after_a_full_round_it_sweeps_again_at_once() -> None:
    rounds = Rounds(ROUND_MAX, ROUND_MAX + 3, ROUND_MAX - 1)
    async with working(rounds, interval_s=60):
        await until(lambda: rounds.count >= 3)
        await asyncio.sleep(0.05)
        assert rounds.count == 3


async def test_a_failure_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    rounds = Rounds(RuntimeError("one"), RuntimeError("two"), 0, 0, RuntimeError("three"), 0)
    with caplog.at_level(logging.INFO):
        async with working(rounds, interval_s=0.001):
            await until(lambda: rounds.count >= 8)
    said = [record.getMessage() for record in caplog.records]
    assert said == 2 * ["the sweeper fails; it goes on trying", "the sweeper works again"]


async def test_at_the_end_the_round_under_way_is_finished() -> None:
    finished = asyncio.Event()

    async def slow() -> int:
        await asyncio.sleep(0.1)
        finished.set()
        return ROUND_MAX

    async with working(slow, interval_s=60):
        await asyncio.sleep(0.01)
        assert not finished.is_set()
    assert finished.is_set()


async def test_a_round_that_does_not_end_is_cut(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "STOP_PATIENCE_S", 0.05)

    async def endless() -> int:
        await asyncio.sleep(60)
        return 0

    async with asyncio.timeout(5):
        async with working(endless):
            await asyncio.sleep(0.01)
    assert "in the middle of a round" in caplog.text


async def test_it_stops_when_what_it_works_beside_fails() -> None:
    rounds = Rounds()

    async def broken() -> AsyncIterator[Any]:
        async with working(rounds, interval_s=0.001):
            yield None
            raise RuntimeError("the service")

    with pytest.raises(RuntimeError, match="the service"):
        async for _ in broken():
            pass
    before = rounds.count
    await asyncio.sleep(0.02)
    assert rounds.count == before


async def test_keys_are_swept_and_the_lead_is_given_up() -> None:
    desk = Desk(timing=faster(1_000))
    scope, sweep, next_one = desk.merchant(), sweep_of(desk), sweep_of(desk, "two")
    await known(desk, scope)
    async with sweeping_keys(sweep):
        await until(lambda: sweep.figures.asked >= 3 and sweep.figures.rounds >= 1)
        assert await next_one.try_root_keys() == 0
    assert not sweep.figures.leading
    assert await next_one.try_root_keys() == 1


async def test_a_key_table_that_is_away_does_not_stop_the_sweep_of_keys() -> None:
    desk = Desk(timing=faster(1_000))
    scope, sweep = desk.merchant(), sweep_of(desk)
    await known(desk, scope)
    async with sweeping_keys(sweep):
        desk.table.away = True
        await asyncio.sleep(0.02)
        desk.table.away = False
        asked = sweep.figures.asked
        await until(lambda: sweep.figures.asked > asked)
        desk.table.away = True
