"""What a process looks at, how often, and that nothing is lost in a flood of changes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from fintech.adapters.crypto import watching
from fintech.domain.keys.custody import Custody
from fintech.domain.keys.refusals import CustodyReason
from fintech.ports.errors import StoreUnavailable
from fintech.ports.key_table import RingChange, RootKey
from tests.unit.adapters.crypto.desk import Desk, Table, lent, refused


class Counting(Table):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    async def root_keys(self) -> Sequence[RootKey]:
        self.asked["root_keys"] += 1
        return await super().root_keys()

    async def changes(self, since: int, limit: int) -> Sequence[RingChange]:
        self.asked["changes"] += 1
        return await super().changes(since, limit)


@pytest.fixture
def table() -> Counting:
    return Counting()


@pytest.fixture
def desk(table: Any) -> Desk:
    return Desk(table=table)


async def test_a_root_key_that_is_shut_behind_more_changes_than_are_listed_is_shut(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LISTED_MAX", 5)
    scopes, vault = [desk.merchant() for _ in range(8)], desk.vault()
    for scope in scopes:
        await vault.lease(scope)
    desk.pass_(1)
    await vault.lease(scopes[0])
    for scope in scopes:
        await desk.rotate(scope)
    await desk.close_all()
    desk.pass_(1)
    assert await vault.lease(scopes[0]) == refused(CustodyReason.SUSPENDED)


async def test_root_keys_are_read_when_they_change_and_now_and_then(desk: Desk, table: Counting) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    table.asked.clear()
    for _ in range(20):
        desk.pass_(1)
        assert lent(await vault.lease(scope))
    assert table.asked == {"changes": 20, "root_keys": 4}
    await desk.close_all()
    desk.pass_(1)
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
    assert table.asked["root_keys"] == 5


async def test_a_table_that_is_away_is_asked_again_after_a_pause(desk: Desk, table: Counting) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    table.away = True
    desk.pass_(1)
    table.asked.clear()
    for _ in range(10):
        assert lent(await vault.lease(scope))
    assert table.asked["changes"] == 1
    desk.pass_(31)
    with pytest.raises(StoreUnavailable):
        await vault.lease(desk.merchant())
    table.away = False
    desk.pass_(1)
    await desk.order(scope, Custody.SUSPENDED)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
