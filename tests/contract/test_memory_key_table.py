"""Memory keeps the promise of a key table."""

import pytest

from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.ports.contracts.key_census import KeyCensusContract
from fintech.ports.contracts.key_table import KeyTableContract
from fintech.ports.contracts.root_keys import RootKeysContract


@pytest.fixture
def key_tables() -> tuple[MemoryKeyTable, MemoryKeyTable]:
    table = MemoryKeyTable()
    return table, table


class TestMemoryKeyTable(KeyTableContract): ...


class TestMemoryRootKeys(RootKeysContract): ...


class TestMemoryKeyCensus(KeyCensusContract): ...
