"""An estate for every test that asks for one, in memory and on Postgres."""

from collections.abc import AsyncIterator

import pytest

from fintech.entrypoints.profiles import testing
from tests.cores import OpenCore, on_postgres
from tests.unit.application.terminals.estate import Estate, open_estate


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def estate(opens: OpenCore) -> AsyncIterator[Estate]:
    async with open_estate(opens) as estate:
        yield estate
