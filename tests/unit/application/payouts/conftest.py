"""What tests of payouts ask for."""

from collections.abc import AsyncIterator

import pytest

from fintech.entrypoints.profiles import testing
from tests.cores import OpenCore, on_postgres
from tests.unit.application.payouts.counter import Counter, open_counter


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    async with open_counter() as counter:
        yield counter


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    """Where it is stored."""
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))
