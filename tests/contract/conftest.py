"""What the contract suites ask for, where several adapters give the same."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.system.id_source import RandomIdSource


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def advance(clock: ManualClock) -> Callable[[timedelta], None]:
    return clock.advance


@pytest.fixture
def ids() -> RandomIdSource:
    return RandomIdSource()


@pytest.fixture
async def database(postgres_dsn: str, clock: ManualClock) -> AsyncIterator[Database]:
    async with open_database(postgres_dsn, clock) as opened:
        yield opened
