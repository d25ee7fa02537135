"""A world in which a merchant has a key."""

import pytest

from fintech.application.keys import permissions
from tests.unit.application.keys.world import World


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for permissions to get about."""
    monkeypatch.setattr(permissions, "PAUSE_S", 0)


@pytest.fixture
async def world() -> World:
    made = World()
    await made.open_ring()
    return made
