"""The key table on Postgres.

Every change of a ring or of a root key's status or custody locks one row first (`key_epoch`) and holds it until it is
committed: epochs become visible in their own order, a number of an order is given once, and of two who save a ring the
later sees what the earlier did. That is about a thousand changes a second, where a day has a few hundred. Reads,
heartbeats and the leader's lock are one statement each and wait for no change.

A version that is retired or shredded is emptied by an update, and a check sees to it. The row as it was stays in its page
until vacuum comes by (the table asks for it after any change), and in the server's log and backups for as long as those
are kept: that is the horizon of a shredding (docs/operations/key-table.md).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Final

import asyncpg

from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.key_listener import KeyListener
from fintech.adapters.postgres.key_rows import census_of, ring_columns, ring_of, scope_of, version_columns
from fintech.adapters.postgres.key_statements import (
    CENSUS,
    CHANGES,
    EPOCH,
    HEARTBEAT,
    KEEP_CUSTODY,
    KEEP_ORDER,
    KEEP_RING,
    KEEP_STATUS,
    LAST_ORDER,
    LEAD,
    LOCK,
    MOVE_ON,
    ORDERS,
    RING,
    RINGS,
    RINGS_IN_USE,
    RINGS_NOT_IN_USE,
    RINGS_OF_CMK,
    ROOT_KEYS,
    STANDING,
    USE,
)
from fintech.adapters.postgres.pooled import asked, changing
from fintech.domain.evolving import evolve
from fintech.domain.keys.custody import CmkName, CmkStatus, KeyRing
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.key_table import (
    LISTED_MAX,
    WAIT_MAX_S,
    AppliedOrder,
    Census,
    KeyTable,
    OrderOutOfSequence,
    RingChange,
    RingTaken,
    RootKey,
    StaleRing,
)

_FIRST: Final = ("", False)


class PostgresKeyTable(KeyTable):
    """Use it through `open_database`. Whoever looks for changes has ``looks`` to himself: nothing slow that goes on in the
    ``pool`` keeps an order from being heeded. Whoever awaits one needs one connection more, which ``listener`` has."""

    def __init__(self, pool: asyncpg.Pool, looks: asyncpg.Pool, listener: KeyListener) -> None:
        self._pool = pool
        self._looks = looks
        self._listener = listener

    async def ring(self, scope: Scope) -> KeyRing | None:
        rows = await asked(self._pool, RING, scope.merchant, scope.livemode)
        return ring_of(rows) if rows else None

    async def rings(self, cmk: CmkName | None, after: Scope | None, limit: int) -> Sequence[KeyRing]:
        _within(limit)
        place = _FIRST if after is None else (after.merchant, after.livemode)
        if cmk is None:
            rows = await asked(self._pool, RINGS, *place, limit)
        else:
            rows = await asked(self._pool, RINGS_OF_CMK, *place, limit, cmk)
        return [ring_of(list(each)) for _, each in groupby(rows, scope_of)]

    async def rings_by_use(
        self, at: datetime, *, in_use: bool, after: Scope | None, limit: int
    ) -> Sequence[KeyRing]:
        _within(limit)
        place = _FIRST if after is None else (after.merchant, after.livemode)
        rows = await asked(self._pool, RINGS_IN_USE if in_use else RINGS_NOT_IN_USE, *place, limit, at)
        return [ring_of(list(each)) for _, each in groupby(rows, scope_of)]

    async def use(self, scopes: Sequence[Scope], until: datetime) -> None:
        _within(len(scopes))
        each = set(scopes)
        await asked(self._pool, USE, [one.merchant for one in each], [one.livemode for one in each], until)

    async def census(self, now: datetime, due: datetime) -> Census:
        return census_of(await asked(self._pool, CENSUS, now, due))

    async def save(
        self, ring: KeyRing, order: AppliedOrder | None = None
    ) -> Outcome[KeyRing, StaleRing | RingTaken | OrderOutOfSequence]:
        async with changing(self._pool) as connection:
            epoch = 1 + await connection.fetchval(LOCK)
            if (refused := await _out_of_sequence(connection, order)) is not None:
                return refused
            there = await connection.fetchrow(STANDING, ring.scope.merchant, ring.scope.livemode)
            if there is not None and ring.version == 0:
                return Failure(RingTaken())
            current, versions = (0, 0) if there is None else there
            if current != ring.version:
                return Failure(StaleRing(current))
            assert len(ring.keys) >= versions, "a ring loses no version"
            saved = evolve(ring, version=current + 1)
            await connection.execute(KEEP_RING, *ring_columns(saved, epoch), *version_columns(saved))
            await _move_on(connection, epoch, order)
            return Success(saved)

    async def root_keys(self) -> Sequence[RootKey]:
        return [
            RootKey(
                cmk=CmkName(row["cmk"]),
                status=CmkStatus(row["status"]),
                custody_open=row["custody_open"],
                authorised_at=row["authorised_at"],
            )
            for row in await asked(self._looks, ROOT_KEYS)
        ]

    async def save_root_key(
        self, root_key: RootKey, order: AppliedOrder | None = None
    ) -> Outcome[None, OrderOutOfSequence]:
        heartbeat = (root_key.cmk, root_key.status, root_key.authorised_at)
        if order is None and await asked(self._pool, HEARTBEAT, *heartbeat):
            return Success(None)
        async with changing(self._pool) as connection:
            epoch = 1 + await connection.fetchval(LOCK)
            if (refused := await _out_of_sequence(connection, order)) is not None:
                return refused
            if order is None and await connection.fetch(HEARTBEAT, *heartbeat):
                return Success(None)  # somebody else was faster to say the same
            keep = KEEP_STATUS if order is None else KEEP_CUSTODY
            facts = (root_key.cmk, root_key.status, root_key.custody_open, root_key.authorised_at)
            await connection.execute(keep, *facts, epoch)
            await _move_on(connection, epoch, order)
            return Success(None)

    async def epoch(self) -> int:
        (row,) = await asked(self._looks, EPOCH)
        epoch: int = row["epoch"]
        return epoch

    async def await_change(self, since: int, timeout_s: float) -> int:
        if not 0 <= timeout_s <= WAIT_MAX_S:
            message = f"a change is awaited for up to {WAIT_MAX_S:.0f} s"
            raise ValueError(message)
        end = asyncio.get_running_loop().time() + timeout_s
        heard = await self._listener.listen(timeout_s)
        epoch = await self.epoch()
        if epoch > since:
            return epoch
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await heard.wait()
        return await self.epoch()

    async def changes(self, since: int, limit: int) -> Sequence[RingChange]:
        _within(limit)
        return [
            RingChange(row["epoch"], None, CmkName(row["cmk"]))
            if row["cmk"] is not None
            else RingChange(row["epoch"], scope_of(row), None)
            for row in await asked(self._looks, CHANGES, since, limit)
        ]

    async def last_order(self) -> int:
        (row,) = await asked(self._pool, LAST_ORDER)
        sequence: int = row["sequence"]
        return sequence

    async def orders(self, after: int, limit: int) -> Sequence[AppliedOrder]:
        _within(limit)
        return [AppliedOrder(**row) for row in await asked(self._pool, ORDERS, after, limit)]

    async def lead(self, name: str, now: datetime, until: datetime) -> bool:
        return bool(await asked(self._pool, LEAD, name, now, until))


async def _out_of_sequence(
    connection: Connection, order: AppliedOrder | None
) -> Failure[OrderOutOfSequence] | None:
    if order is None:
        return None
    expected = 1 + await connection.fetchval(LAST_ORDER)
    return None if order.sequence == expected else Failure(OrderOutOfSequence(expected))


async def _move_on(connection: Connection, epoch: int, order: AppliedOrder | None) -> None:
    if order is not None:
        facts = (order.sequence, order.document, order.signature, order.applied_at)
        await connection.execute(KEEP_ORDER, *facts)
    await connection.execute(MOVE_ON, epoch)


def _within(limit: int) -> None:
    if not 1 <= limit <= LISTED_MAX:
        message = f"1 to {LISTED_MAX} are listed at once"
        raise ValueError(message)
