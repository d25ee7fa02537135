"""The promise of `KeyTable`, for every adapter's tests."""

import asyncio
from datetime import datetime, timedelta

import pytest
from attrs import evolve as evolved

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
    OrderOutOfSequence,
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
        moved = evolve(key_version(1, now, SECOND), derivation=Derivation.DERIVED, grant=None)
        steps = [
            ring.rotated(key_version(2, now)).unwrap(),
            ring.rotated(key_version(2, now)).unwrap().retired(1, now + SOON).unwrap(),
            ring.with_key(moved),
            ring.placed(Custody.SUSPENDED).unwrap(),
            ring.placed(Custody.REVOKED).unwrap().opened(now + SOON).unwrap(),
            ring.shredded(now + SOON).unwrap(),
        ]
        for version, step in enumerate(steps, start=1):
            saved = await kept(table, evolve(step, version=version))
            assert saved == evolve(step, version=version + 1) == await table.ring(ring.scope)

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
        saves = [each.save(wish) for each in key_tables for wish in (suspended, revoked)]
        done = await asyncio.gather(*saves)
        assert sum(isinstance(each, Success) for each in done) == 1
        assert done.count(Failure(StaleRing(2))) == 3

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

    async def test_an_order_and_what_it_does_are_kept_together_or_not_at_all(
        self, table: KeyTable, other: KeyTable, ring: KeyRing, clock: Clock
    ) -> None:
        assert (await table.last_order(), await table.orders(0, 10)) == (0, [])
        suspended = ring.placed(Custody.SUSPENDED).unwrap()
        assert await table.save(suspended, order(2, clock)) == Failure(OrderOutOfSequence(1))
        assert await table.save(evolve(suspended, version=9), order(1, clock)) == Failure(StaleRing(1))
        assert (await table.ring(ring.scope), await table.last_order()) == (ring, 0)
        saved = (await table.save(suspended, order(1, clock))).unwrap()
        assert (await other.ring(ring.scope), await other.last_order()) == (saved, 1)
        assert await table.save(saved.placed(Custody.REVOKED).unwrap(), order(1, clock)) == Failure(
            OrderOutOfSequence(2)
        )
        assert await table.save(suspended, order(1, clock)) == Failure(OrderOutOfSequence(2))  # told first
        assert await table.save_root_key(root_key(custody_open=False), order(3, clock)) == Failure(
            OrderOutOfSequence(2)
        )
        assert await table.root_keys() == []
        await table.save_root_key(root_key(custody_open=False), order(2, clock))
        assert await other.root_keys() == [root_key(custody_open=False)]
        assert await other.orders(0, 10) == [order(1, clock), order(2, clock)]
        assert await other.orders(1, 10) == await other.orders(1, 1) == [order(2, clock)]
        assert await other.orders(0, 1) == [order(1, clock)]

    async def test_of_two_orders_of_one_number_one_is_out_of_sequence(
        self, key_tables: tuple[KeyTable, KeyTable], ring: KeyRing, ids: IdSource, clock: Clock
    ) -> None:
        live = await kept(key_tables[0], fresh(Scope(ring.scope.merchant, livemode=True), ids, clock))
        done = await asyncio.gather(
            key_tables[0].save(ring.placed(Custody.SUSPENDED).unwrap(), order(1, clock)),
            key_tables[1].save(live.placed(Custody.SUSPENDED).unwrap(), order(1, clock)),
            key_tables[0].save_root_key(root_key(custody_open=False), order(1, clock)),
            key_tables[1].save_root_key(root_key(SECOND, custody_open=False), order(1, clock)),
        )
        assert sum(isinstance(each, Success) for each in done) == 1
        assert done.count(Failure(OrderOutOfSequence(2))) == 3
        assert await key_tables[0].orders(0, 10) == [order(1, clock)]

    async def test_a_heartbeat_moves_no_epoch_and_never_goes_back(
        self, table: KeyTable, other: KeyTable, clock: Clock
    ) -> None:
        now = clock.now()
        await table.save_root_key(root_key())
        epoch = await table.epoch()
        await table.save_root_key(root_key(authorised_at=now))
        await asyncio.gather(
            *(
                each.save_root_key(root_key(authorised_at=now + timedelta(seconds=second)))
                for second in (3, 1, 2)
                for each in (table, other)
            )
        )
        await table.save_root_key(root_key())
        assert await other.root_keys() == [root_key(authorised_at=now + timedelta(seconds=3))]
        assert await other.epoch() == epoch

    async def test_a_root_keys_status_moves_the_epoch_on_and_leaves_the_heartbeat(
        self, table: KeyTable, other: KeyTable, clock: Clock
    ) -> None:
        now = clock.now()
        await table.save_root_key(root_key(authorised_at=now))
        await table.save_root_key(root_key(SECOND))
        epoch = await table.epoch()
        disabled = root_key(status=CmkStatus.DISABLED, authorised_at=now - SOON)
        await table.save_root_key(disabled)
        assert await other.changes(epoch, 10) == [RingChange(epoch + 1, None, FIRST)]
        assert await other.root_keys() == [evolved(disabled, authorised_at=now), root_key(SECOND)]

    async def test_what_the_root_says_and_what_the_bank_says_do_not_undo_each_other(
        self, table: KeyTable, other: KeyTable, clock: Clock
    ) -> None:
        now = clock.now()
        await table.save_root_key(root_key(authorised_at=now))
        read = (await other.root_keys())[0]  # by a sweeper, who asks the root meanwhile
        await table.save_root_key(evolved(read, custody_open=False), order(1, clock))
        epoch = await table.epoch()
        await other.save_root_key(evolved(read, authorised_at=now + SOON))
        assert await table.root_keys() == [root_key(custody_open=False, authorised_at=now + SOON)]
        assert await table.epoch() == epoch
        await other.save_root_key(evolved(read, status=CmkStatus.DISABLED))
        await table.save_root_key(read, order(2, clock))  # by whoever read it before that
        assert await table.root_keys() == [root_key(status=CmkStatus.DISABLED, authorised_at=now + SOON)]

    async def test_one_leads_at_a_time_until_it_ends_or_gives_up(
        self, key_tables: tuple[KeyTable, KeyTable], clock: Clock
    ) -> None:
        now = clock.now()
        names = ["one", "two", "three", "four"]
        tries = [key_tables[place % 2].lead(name, now, now + SOON) for place, name in enumerate(names)]
        leads = dict(zip(names, await asyncio.gather(*tries), strict=True))
        (leader,) = [name for name, leads_now in leads.items() if leads_now]
        later = now + SOON / 2
        rival = next(name for name in names if name != leader)
        assert not await key_tables[0].lead(rival, later, later + SOON)
        assert await key_tables[1].lead(leader, later, later + SOON)
        assert not await key_tables[0].lead(rival, now + SOON, now + 2 * SOON)
        assert await key_tables[0].lead(rival, later + SOON, later + 2 * SOON)
        assert not await key_tables[1].lead(leader, later + SOON, later + 2 * SOON)
        assert await key_tables[1].lead(rival, later + SOON, later + SOON)
        assert await key_tables[0].lead(leader, later + SOON, later + 2 * SOON)

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
