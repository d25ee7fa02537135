"""A counter for every test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.entrypoints.terminals.driving import Counter, Hand, open_counter


@pytest.fixture
async def at_counter() -> AsyncIterator[Counter]:
    async with open_counter() as opened:
        yield opened


@pytest.fixture
async def hand(at_counter: Counter) -> AsyncIterator[Hand]:
    async with at_counter.line() as hand:
        yield hand
