"""Memory keeps the promise of a protected store."""

import pytest

from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.ports.contracts.protected_store import ProtectedStoreContract


@pytest.fixture
def protected_stores() -> tuple[MemoryProtectedStore, MemoryProtectedStore]:
    store = MemoryProtectedStore()
    return store, store


class TestMemoryProtectedStore(ProtectedStoreContract): ...
