"""Fixtures of the HTTP face's tests: a core in memory and a client of its server."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from tests.unit.entrypoints.http.driving import Api, driving


@pytest.fixture
def clock() -> ManualClock:
    """Time, moved by hand."""
    return ManualClock()


@pytest.fixture
def acquirer() -> SimulatedAcquirer:
    """An acquirer whose next calls a test may script."""
    return SimulatedAcquirer(answer_timeout_s=0)


@pytest.fixture
async def core(clock: ManualClock, acquirer: SimulatedAcquirer) -> AsyncIterator[Core]:
    """A core in memory."""
    async with profiles.testing(acquirer=acquirer, clock=clock) as core:
        yield core


@pytest.fixture
async def api(core: Core) -> AsyncIterator[Api]:
    """A shop's client of a server over the core."""
    async with driving(core) as api:
        yield api
