"""The promise of `KeyTable`, for every adapter's tests."""

import asyncio
from datetime import datetime, timedelta

import pytest

from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import (
    CmkName,
    CmkStatus,
    Custody,
    Derivation,
    KeyRing,
    KeyRingId,
    KeyStatus,
    KeyVersion,
    LeftGrant,
    new_ring,
)
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import (
    LISTED_MAX,
    WAIT_MAX_S,
    AppliedOrder,
    KeyTable,
    RingChange,
    RingTaken,
    RootKey,
    StaleRing,
)

FIRST, SECOND = CmkName("arn:bank:key/first"), CmkName("arn:bank:key/second")
SOON = timedelta(seconds=10)


def key_version(number: int, at: datetime, cmk: CmkName = FIRST) -> KeyVersion:
    """A version that seals; what is wrapped tells which it is."""
    return KeyVersion(
        number=number,
        status=KeyStatus.ACTIVE,
        cmk=cmk,
        derivation=Derivation.WRAPPED,
        wrapped=b"wrapped %d" % number,
        grant=f"grant-{number}",
        created_at=at,
    )


class KeyTableContract:
    """Subclass it and provide the fixtures ``key_tables`` (two on the same empty table, as two processes have them),
    ``clock`` and ``ids`` (an `IdSource`)."""

    @pytest.fixture
    def table(self, key_tables: tuple[KeyTable, KeyTable]) -> KeyTable:
        return key_tables[0]

    @pytest.fixture
    def other(self, key_tables: tuple[KeyTable, KeyTable]) -> KeyTable:
        return key_tables[1]

    @pytest.fixture
    def scope(self, ids: IdSource) -> Scope:
        return Scope(ids.new(MerchantId), livemode=False)

    @pytest.fixture
    async def ring(self, table: KeyTable, scope: Scope, ids: IdSource, clock: Clock) -> KeyRing:
        return await kept(table, fresh(scope, ids, clock))

    async def test_a_ring_is_found_as_it_was_kept(
        self, table: KeyTable, other: KeyTable, scope: Scope, ids: IdSource, clock: Clock
    ) -> None:
        assert await table.ring(scope) is None
        ring = fresh(scope, ids, clock)
        assert await table.save(ring) == Success(evolve(ring, version=1))
        assert await other.ring(scope) == evolve(ring, version=1)
        assert await other.ring(Scope(scope.merchant, livemode=True)) is None

    async def test_a_rings_whole_life_is_kept(self, table: KeyTable, ring: KeyRing, clock: Clock) -> None:
        now = clock.now()

        async def next_one(step: KeyRing) -> KeyRing:
            saved = await kept(table, step)
            assert saved == evolve(step, version=step.version + 1) == await table.ring(ring.scope)
            return saved

        rotated = await next_one(ring.rotated(key_version(2, now)).unwrap())
        elsewhere = evolve(key_version(2, now, SECOND), derivation=Derivation.DERIVED, grant=None)
        moved = await next_one(rotated.with_key(elsewhere))
        retired = await next_one(moved.retired(1, now + SOON).unwrap())
        suspended = await next_one(retired.placed(Custody.SUSPENDED).unwrap())
        restored = await next_one(suspended.placed(Custody.ACTIVE).unwrap())
        revoked = await next_one(restored.placed(Custody.REVOKED).unwrap())
        opened = await next_one(revoked.opened(now + SOON).unwrap())
        await next_one(opened.shredded(now + SOON).unwrap())

    async def test_what_is_still_to_be_withdrawn_is_kept(self, table: KeyTable, ring: KeyRing) -> None:
        grants = (LeftGrant(FIRST, "grant-1"), LeftGrant(SECOND, "grant-2"))
        left = await kept(table, evolve(ring, left=grants))
        assert await table.ring(ring.scope) == left
        await kept(table, left.withdrawn(grants[0]))
        assert [each.left for each in await table.rings(None, None, 10)] == [grants[1:]]

    async def test_a_ring_without_keys_is_kept(
        self, table: KeyTable, scope: Scope, ids: IdSource, clock: Clock
    ) -> None:
        """Of a merchant whom the bank spoke of before anything was sealed."""
        empty = await kept(table, evolve(fresh(scope, ids, clock), keys=()))
        assert await table.ring(scope) == empty
        assert await table.rings(None, None, 10) == [empty]
        first = await kept(table, empty.rotated(key_version(1, clock.now())).unwrap())
        assert await table.ring(scope) == first

    async def test_a_ring_that_has_lost_a_version_is_not_kept(
        self, table: KeyTable, ring: KeyRing, clock: Clock
    ) -> None:
        rotated = await kept(table, ring.rotated(key_version(2, clock.now())).unwrap())
        with pytest.raises(AssertionError, match="loses no version"):
            await table.save(evolve(rotated, keys=rotated.keys[1:]))
        assert await table.ring(ring.scope) == rotated

    async def test_a_scope_has_one_ring(
        self, table: KeyTable, ring: KeyRing, ids: IdSource, clock: Clock
    ) -> None:
        assert await table.save(fresh(ring.scope, ids, clock)) == Failure(RingTaken())
        assert await table.ring(ring.scope) == ring

    async def test_whoever_saves_what_he_read_before_is_told_so_and_changes_nothing(
        self, table: KeyTable, ring: KeyRing, ids: IdSource, clock: Clock
    ) -> None:
        suspended = await kept(table, ring.placed(Custody.SUSPENDED).unwrap())
        epoch = await table.epoch()
        assert await table.save(ring.placed(Custody.REVOKED).unwrap()) == Failure(StaleRing(2))
        stranger = evolve(fresh(Scope(ids.new(MerchantId), livemode=True), ids, clock), version=3)
        assert await table.save(stranger) == Failure(StaleRing(0))
        assert await table.ring(ring.scope) == suspended
        assert await table.epoch() == epoch

    async def test_of_two_who_save_one_ring_one_is_stale(
        self, key_tables: tuple[KeyTable, KeyTable], ring: KeyRing
    ) -> None:
        suspended, revoked = ring.placed(Custody.SUSPENDED).unwrap(), ring.placed(Custody.REVOKED).unwrap()
        saves = [each.save(wish) for _ in range(4) for each in key_tables for wish in (suspended, revoked)]
        done = await asyncio.gather(*saves)
        assert sum(isinstance(each, Success) for each in done) == 1
        assert done.count(Failure(StaleRing(2))) == 15

    async def test_of_two_who_make_a_ring_one_is_too_late(
        self, key_tables: tuple[KeyTable, KeyTable], scope: Scope, ids: IdSource, clock: Clock
    ) -> None:
        saves = [each.save(fresh(scope, ids, clock)) for each in key_tables for _ in range(2)]
        done = await asyncio.gather(*saves)
        assert sum(isinstance(each, Success) for each in done) == 1
        assert done.count(Failure(RingTaken())) == 3

    async def test_a_shredded_ring_has_nothing_left_to_unwrap(
        self, table: KeyTable, ring: KeyRing, clock: Clock
    ) -> None:
        rotated = await kept(table, ring.rotated(key_version(2, clock.now())).unwrap())
        await kept(table, rotated.shredded(clock.now()).unwrap())
        found = await table.ring(ring.scope)
        assert found is not None
        assert [(key.number, key.wrapped, key.status) for key in found.keys] == [
            (1, b"", KeyStatus.RETIRED),
            (2, b"", KeyStatus.RETIRED),
        ]

    async def test_rings_are_listed_by_scope_and_by_the_root_key_that_they_hang_from(
        self, table: KeyTable, ids: IdSource, clock: Clock
    ) -> None:
        rings = []
        for cmk in (FIRST, SECOND, FIRST):
            merchant = ids.new(MerchantId)
            for livemode in (True, False):
                scope = Scope(merchant, livemode)
                rings.append(await kept(table, fresh(scope, ids, clock, cmk)))
        rings.sort(key=lambda ring: (ring.scope.merchant, ring.scope.livemode))
        assert await table.rings(None, None, 10) == rings
        assert await table.rings(None, None, 2) == rings[:2]
        assert await table.rings(None, rings[1].scope, 3) == rings[2:5]
        hanging = [ring for ring in rings if ring.keys[0].cmk == FIRST]
        assert await table.rings(FIRST, None, 10) == hanging
        assert await table.rings(FIRST, hanging[0].scope, 2) == hanging[1:3]
        assert await table.rings(CmkName("arn:bank:key/other"), None, 10) == []

    async def test_a_ring_hangs_from_a_root_key_until_its_last_version_under_it_is_retired(
        self, table: KeyTable, ring: KeyRing, clock: Clock
    ) -> None:
        moving = await kept(table, ring.rotated(key_version(2, clock.now(), SECOND)).unwrap())
        assert await table.rings(FIRST, None, 1) == await table.rings(SECOND, None, 1) == [moving]
        moved = await kept(table, moving.retired(1, clock.now()).unwrap())
        assert await table.rings(FIRST, None, 1) == []
        assert await table.rings(SECOND, None, 1) == await table.rings(None, None, 1) == [moved]

    async def test_every_change_moves_the_epoch_on_and_is_told_in_order(
        self, table: KeyTable, other: KeyTable, scope: Scope, ids: IdSource, clock: Clock
    ) -> None:
        assert (await table.epoch(), await table.changes(0, 10)) == (0, [])
        ring = await kept(table, fresh(scope, ids, clock))
        await table.save_root_key(root_key())
        live = Scope(scope.merchant, livemode=True)
        await kept(table, fresh(live, ids, clock))
        changes = await other.changes(0, 10)
        assert [(each.scope, each.cmk) for each in changes] == [(scope, None), (None, FIRST), (live, None)]
        epochs = [each.epoch for each in changes]
        assert epochs == sorted(set(epochs))
        assert epochs[-1] == await other.epoch()
        await kept(table, ring.placed(Custody.SUSPENDED).unwrap())
        epoch = await other.epoch()
        assert await other.changes(epochs[-1], 10) == [RingChange(epoch, scope, None)]
        assert (await other.changes(0, 10))[-1] == RingChange(epoch, scope, None)
        assert await other.changes(0, 1) == [RingChange(epochs[1], None, FIRST)]
        assert await other.changes(epoch, 10) == []

    async def test_a_reader_skips_no_change_however_many_change_at_once(
        self, key_tables: tuple[KeyTable, KeyTable], ids: IdSource, clock: Clock
    ) -> None:
        scopes = [Scope(ids.new(MerchantId), livemode=False) for _ in range(24)]
        writing = True
        seen: list[RingChange] = []

        async def change(table: KeyTable, turn: int) -> None:
            for scope in scopes[turn::4]:
                ring = await kept(table, fresh(scope, ids, clock))
                await kept(table, ring.placed(Custody.SUSPENDED).unwrap())

        async def read() -> None:
            since = 0
            last = False
            while not last:
                await asyncio.sleep(0)
                last = not writing
                for change in await key_tables[1].changes(since, 5):
                    assert change.epoch > since
                    since = change.epoch
                    seen.append(change)
                    last = False

        reader = asyncio.create_task(read())
        await asyncio.gather(*(change(key_tables[turn % 2], turn) for turn in range(4)))
        writing = False
        await reader
        told = {change.scope: change.epoch for change in seen}
        everything = await key_tables[0].changes(0, LISTED_MAX)
        assert told == {change.scope: change.epoch for change in everything}
        assert told.keys() == set(scopes)

    async def test_whoever_awaits_a_change_hears_of_it(
        self, table: KeyTable, other: KeyTable, ring: KeyRing
    ) -> None:
        epoch = await table.epoch()
        assert await other.await_change(epoch - 1, 60.0) == epoch
        assert await other.await_change(epoch, 0.0) == epoch
        waiting = asyncio.create_task(other.await_change(epoch, 60.0))
        await asyncio.sleep(0)
        await kept(table, ring.placed(Custody.SUSPENDED).unwrap())
        async with asyncio.timeout(30):
            assert await waiting == epoch + 1

    async def test_what_is_asked_for_has_a_limit(self, table: KeyTable) -> None:
        for limit in (-1, 0, LISTED_MAX + 1):
            with pytest.raises(ValueError, match="listed at once"):
                await table.rings(None, None, limit)
            with pytest.raises(ValueError, match="listed at once"):
                await table.changes(0, limit)
            with pytest.raises(ValueError, match="listed at once"):
                await table.orders(0, limit)
        with pytest.raises(ValueError, match="awaited"):
            await table.await_change(0, WAIT_MAX_S + 1)


def fresh(scope: Scope, ids: IdSource, clock: Clock, cmk: CmkName = FIRST) -> KeyRing:
    """A ring of one version that is not kept yet."""
    now = clock.now()
    return new_ring(id=ids.new(KeyRingId), scope=scope, key=key_version(1, now, cmk), at=now)


async def kept(table: KeyTable, ring: KeyRing) -> KeyRing:
    """The ring, saved."""
    return (await table.save(ring)).unwrap()


def root_key(
    cmk: CmkName = FIRST,
    *,
    status: CmkStatus = CmkStatus.ENABLED,
    custody_open: bool = True,
    authorised_at: datetime | None = None,
) -> RootKey:
    """A root key as it may be known."""
    return RootKey(cmk=cmk, status=status, custody_open=custody_open, authorised_at=authorised_at)


def order(sequence: int, clock: Clock) -> AppliedOrder:
    """An order that was carried out. The table does not read it."""
    return AppliedOrder(sequence, b'{"sequence":%d}' % sequence, bytes(64), clock.now())
