"""The promise of `KeyTable` about what is counted and whose keys are in use, for every adapter's tests."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import Custody, KeyRing, LeftGrant
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.key_table import FIRST, SECOND, SOON, fresh, kept, key_version
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import LISTED_MAX, KeyCount, KeyTable

NOTHING_KEPT = dict.fromkeys(Custody, 0)


class KeyCensusContract:
    """Subclass it and provide what `KeyTableContract` asks for."""

    @pytest.fixture
    def table(self, key_tables: tuple[KeyTable, KeyTable]) -> KeyTable:
        return key_tables[0]

    @pytest.fixture
    async def rings(self, table: KeyTable, ids: IdSource, clock: Clock) -> Sequence[KeyRing]:
        """Three, in the order of their scopes."""
        scopes = sorted(ids.new(MerchantId) for _ in range(3))
        return [await kept(table, fresh(Scope(each, livemode=True), ids, clock)) for each in scopes]

    async def test_of_nothing_there_is_nothing(self, table: KeyTable, clock: Clock) -> None:
        census = await table.census(clock.now(), clock.now())
        assert (census.rings, census.opened, census.hanging) == (NOTHING_KEPT, 0, {})

    async def test_rings_are_counted_by_custody(
        self, table: KeyTable, rings: Sequence[KeyRing], clock: Clock
    ) -> None:
        now = clock.now()
        suspended = await kept(table, rings[0].placed(Custody.SUSPENDED).unwrap())
        revoked = await kept(table, rings[1].placed(Custody.REVOKED).unwrap())
        census = await table.census(now, now)
        assert census.rings == NOTHING_KEPT | {
            Custody(each): 1 for each in ("active", "suspended", "revoked")
        }
        assert census.opened == 0
        await kept(table, suspended.opened(now + SOON).unwrap())
        opened = await kept(table, revoked.opened(now + 2 * SOON).unwrap())
        passed = [(await table.census(now + wait * SOON, now)).opened for wait in (0, 1, 2)]
        assert passed == [2, 1, 0]
        gone = await kept(table, opened.shredded(now).unwrap())
        assert (await table.census(now, now)).uncertified == 1
        certified = await kept(table, gone.certified(now + SOON))
        assert await table.ring(gone.scope) == certified
        assert certified.certified(now).certified_at == now + SOON
        assert (await table.census(now, now)).uncertified == 0
        census = await table.census(now, now)
        assert (census.rings[Custody.SHREDDED], census.rings[Custody.REVOKED], census.opened) == (1, 0, 1)

    async def test_versions_are_counted_by_the_root_key_that_they_hang_from(
        self, table: KeyTable, rings: Sequence[KeyRing], clock: Clock
    ) -> None:
        now = clock.now()
        made = rings[0].keys[0].created_at
        rotated = await kept(table, rings[0].rotated(key_version(2, now + SOON)).unwrap())
        elsewhere = await kept(table, rings[1].rotated(key_version(2, now + SOON, SECOND)).unwrap())
        assert (await table.census(now, now)).hanging == {
            FIRST: KeyCount(rings=3, active=2, decrypt_only=2, oldest=made, due=1),
            SECOND: KeyCount(rings=1, active=1, oldest=now + SOON),
        }
        assert (await table.census(now, made - timedelta(microseconds=1))).hanging[FIRST].due == 0
        await kept(table, rotated.shredded(now).unwrap())
        left = (LeftGrant(FIRST, "grant-8"), LeftGrant(FIRST, "grant-9"))
        await kept(table, evolve(elsewhere.retired(1, now).unwrap(), left=left))
        await kept(table, evolve(rings[2].shredded(now).unwrap(), left=()))
        assert (await table.census(now, now + SOON)).hanging == {
            FIRST: KeyCount(left=4),
            SECOND: KeyCount(rings=1, active=1, oldest=now + SOON, due=1),
        }

    async def test_rings_are_listed_by_whether_their_keys_may_be_in_use(
        self, key_tables: tuple[KeyTable, KeyTable], rings: Sequence[KeyRing], clock: Clock
    ) -> None:
        table, other = key_tables
        now, epoch = clock.now(), await table.epoch()
        first, second, third = rings
        stranger = Scope(first.scope.merchant, livemode=False)
        await table.use([third.scope, stranger, first.scope, third.scope], now + SOON)
        assert await other.rings_by_use(now, in_use=True, after=None, limit=10) == [first, third]
        assert await other.rings_by_use(now, in_use=True, after=None, limit=1) == [first]
        assert await other.rings_by_use(now, in_use=True, after=first.scope, limit=10) == [third]
        assert await other.rings_by_use(now, in_use=False, after=None, limit=10) == [second]
        assert await other.rings_by_use(now, in_use=False, after=second.scope, limit=10) == []
        assert await other.rings_by_use(now + SOON, in_use=True, after=None, limit=10) == []
        assert await other.rings_by_use(now + SOON, in_use=False, after=None, limit=2) == [first, second]
        assert (await table.epoch(), await table.ring(first.scope)) == (epoch, first)

    async def test_a_later_word_stands_whoever_says_an_earlier_one(
        self, key_tables: tuple[KeyTable, KeyTable], rings: Sequence[KeyRing], clock: Clock
    ) -> None:
        now, scopes = clock.now(), [ring.scope for ring in rings]
        ends = [now + turn * SOON for turn in (1, 5, 3)]
        said = [each.use(scopes[::way], end) for each in key_tables for end in ends for way in (1, -1)]
        await asyncio.gather(*said)
        listed = [
            len(await key_tables[0].rings_by_use(now + turn * SOON, in_use=True, after=None, limit=10))
            for turn in (4, 5)
        ]
        assert listed == [3, 0]

    async def test_how_many_are_told_of_at_once_has_a_limit(
        self, table: KeyTable, rings: Sequence[KeyRing], clock: Clock
    ) -> None:
        for scopes in ([], [rings[0].scope] * (LISTED_MAX + 1)):
            with pytest.raises(ValueError, match="listed at once"):
                await table.use(scopes, clock.now())
        for limit in (0, LISTED_MAX + 1):
            with pytest.raises(ValueError, match="listed at once"):
                await table.rings_by_use(clock.now(), in_use=True, after=None, limit=limit)
