"""Whose keys may be in use is known to the key table before they are lent, and costs it little."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from fintech.domain.scope import Scope
from fintech.ports.errors import StoreUnavailable
from tests.unit.adapters.crypto.desk import Desk, Table, lent


class Noting(Table):
    """Notes of how many it was told, and when; ``shut`` takes no word."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []
        self.shut = False

    async def use(self, scopes: Sequence[Scope], until: datetime) -> None:
        await asyncio.sleep(0)
        if self.shut:
            raise StoreUnavailable("no word is taken")
        self.told.append(len(scopes))
        await super().use(scopes, until)


@pytest.fixture
def table() -> Noting:
    return Noting()


@pytest.fixture
def desk(table: Noting) -> Desk:
    return Desk(table=table)


async def in_use(desk: Desk, scope: Scope) -> bool:
    now = desk.clock.now()
    listed = await desk.table.rings_by_use(now, in_use=True, after=None, limit=10)
    return scope in [ring.scope for ring in listed]


async def test_as_long_as_a_lease_can_be_used_its_merchant_is_in_use(desk: Desk, table: Noting) -> None:
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    for _ in range(300):
        lease = (await vault.lease(scope)).unwrap()
        assert await in_use(desk, scope)
        desk.pass_(10)
    end = desk.clock.now()
    assert table.told == [1] * len(table.told)
    assert 10 <= len(table.told) <= 15  # in fifty minutes: with every lease
    desk.pass_((lease.ends_at - end).total_seconds() - 1)
    assert await in_use(desk, scope)
    desk.pass_(600)
    assert not await in_use(desk, scope)


async def test_many_are_told_of_at_once(desk: Desk, table: Noting) -> None:
    vault, scopes = desk.vault(), [desk.merchant() for _ in range(200)]
    assert all(map(lent, await asyncio.gather(*map(vault.lease, scopes))))
    assert sum(table.told) == 200
    assert len(table.told) <= 20


async def test_where_the_table_takes_no_word_nothing_is_lent(desk: Desk, table: Noting) -> None:
    vault, scopes = desk.vault(), [desk.merchant() for _ in range(3)]
    table.shut = True
    for outcome in await asyncio.gather(*map(vault.lease, scopes), return_exceptions=True):
        assert isinstance(outcome, StoreUnavailable)
    table.shut = False
    assert all(map(lent, await asyncio.gather(*map(vault.lease, scopes))))
    assert all([await in_use(desk, scope) for scope in scopes])
