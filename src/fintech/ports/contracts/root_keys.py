"""The promise of `KeyTable` about root keys, the bank's orders and who leads the sweep, for every adapter's tests."""

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve as evolved

from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkStatus, Custody, KeyRing
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.key_table import FIRST, SECOND, SOON, fresh, kept, order, root_key
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import KeyTable, OrderOutOfSequence, RingChange, StaleRing


class RootKeysContract:
    """Subclass it and provide what `KeyTableContract` asks for."""

    @pytest.fixture
    def table(self, key_tables: tuple[KeyTable, KeyTable]) -> KeyTable:
        return key_tables[0]

    @pytest.fixture
    def other(self, key_tables: tuple[KeyTable, KeyTable]) -> KeyTable:
        return key_tables[1]

    @pytest.fixture
    async def ring(self, table: KeyTable, ids: IdSource, clock: Clock) -> KeyRing:
        return await kept(table, fresh(Scope(ids.new(MerchantId), livemode=False), ids, clock))

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
