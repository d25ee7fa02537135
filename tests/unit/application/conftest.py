"""A shop for every test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.application.shop import Shop, open_shop


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as shop:
        yield shop
