"""A world in which a merchant has a key."""

import pytest

from tests.unit.application.keys.world import World


@pytest.fixture
async def world() -> World:
    made = World()
    await made.open_ring()
    return made
