"""Merchants' wrapped keys in memory, and what the bank said about them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from attrs import evolve as evolved

from fintech.domain.evolving import evolve
from fintech.domain.keys.custody import CmkName, Custody, KeyRing, KeyStatus, KeyVersion
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.key_table import (
    LISTED_MAX,
    WAIT_MAX_S,
    AppliedOrder,
    Census,
    KeyCount,
    KeyTable,
    OrderOutOfSequence,
    RingChange,
    RingTaken,
    RootKey,
    StaleRing,
)


class MemoryKeyTable(KeyTable):
    """One for all who share it, in any thread. Whoever waits for a change looks every hundredth of a second."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rings: dict[Scope, KeyRing] = {}
        self._in_use_until: dict[Scope, datetime] = {}
        self._root_keys: dict[CmkName, RootKey] = {}
        self._orders: list[AppliedOrder] = []
        self._changed: dict[Scope | CmkName, int] = {}
        self._epoch = 0
        self._leader: tuple[str, datetime] | None = None

    async def ring(self, scope: Scope) -> KeyRing | None:
        return self._rings.get(scope)

    async def rings(self, cmk: CmkName | None, after: Scope | None, limit: int) -> Sequence[KeyRing]:
        _within(limit)
        with self._lock:
            found = [ring for ring in self._rings.values() if cmk is None or _hanging(ring, cmk)]
        return _page(found, after, limit)

    async def rings_by_use(
        self, at: datetime, *, in_use: bool, after: Scope | None, limit: int
    ) -> Sequence[KeyRing]:
        _within(limit)
        with self._lock:
            used = {scope for scope, until in self._in_use_until.items() if at < until}
            found = [ring for ring in self._rings.values() if (ring.scope in used) is in_use]
        return _page(found, after, limit)

    async def use(self, scopes: Sequence[Scope], until: datetime) -> None:
        _within(len(scopes))
        with self._lock:
            for scope in scopes:
                self._in_use_until[scope] = max(until, self._in_use_until.get(scope, until))

    async def census(self, now: datetime, due: datetime) -> Census:
        with self._lock:
            rings = list(self._rings.values())
        kept = [ring.custody for ring in rings]
        opened = [ring for ring in rings if ring.custody is not Custody.ACTIVE and ring.usable(now)]
        cmks = {key.cmk for ring in rings for key in _hanging(ring)} | {
            grant.cmk for ring in rings for grant in ring.left
        }
        return Census(
            rings={custody: kept.count(custody) for custody in Custody},
            opened=len(opened),
            uncertified=sum(ring.custody is Custody.SHREDDED and ring.certified_at is None for ring in rings),
            hanging={cmk: _count(rings, cmk, due) for cmk in cmks},
        )

    async def save(
        self, ring: KeyRing, order: AppliedOrder | None = None
    ) -> Outcome[KeyRing, StaleRing | RingTaken | OrderOutOfSequence]:
        with self._lock:
            if order is not None and order.sequence != len(self._orders) + 1:
                return Failure(OrderOutOfSequence(len(self._orders) + 1))
            there = self._rings.get(ring.scope)
            if there is not None and ring.version == 0:
                return Failure(RingTaken())
            current = 0 if there is None else there.version
            if current != ring.version:
                return Failure(StaleRing(current))
            assert there is None or len(ring.keys) >= len(there.keys), "a ring loses no version"
            saved = evolve(ring, version=current + 1)
            self._rings[ring.scope] = saved
            self._move_on(ring.scope, order)
            return Success(saved)

    async def root_keys(self) -> Sequence[RootKey]:
        with self._lock:
            return [self._root_keys[cmk] for cmk in sorted(self._root_keys)]

    async def save_root_key(
        self, root_key: RootKey, order: AppliedOrder | None = None
    ) -> Outcome[None, OrderOutOfSequence]:
        with self._lock:
            if order is not None and order.sequence != len(self._orders) + 1:
                return Failure(OrderOutOfSequence(len(self._orders) + 1))
            before = self._root_keys.get(root_key.cmk)
            after = root_key
            if before is not None:
                kept = {"custody_open": before.custody_open} if order is None else {"status": before.status}
                heartbeats = [at for at in (before.authorised_at, root_key.authorised_at) if at is not None]
                after = evolved(root_key, authorised_at=max(heartbeats, default=None), **kept)
            self._root_keys[root_key.cmk] = after
            if order is not None or before is None or before.status is not after.status:
                self._move_on(root_key.cmk, order)
            return Success(None)

    async def epoch(self) -> int:
        return self._epoch

    async def await_change(self, since: int, timeout_s: float) -> int:
        if not 0 <= timeout_s <= WAIT_MAX_S:
            message = f"a change is awaited for up to {WAIT_MAX_S:.0f} s"
            raise ValueError(message)
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while self._epoch <= since and (left := end - loop.time()) > 0:  # noqa: ASYNC110 - the changer may be in another loop
            await asyncio.sleep(min(left, 0.01))
        return self._epoch

    async def changes(self, since: int, limit: int) -> Sequence[RingChange]:
        _within(limit)
        with self._lock:
            found = sorted((epoch, subject) for subject, epoch in self._changed.items() if epoch > since)
        return [
            RingChange(epoch, subject, None)
            if isinstance(subject, Scope)
            else RingChange(epoch, None, subject)
            for epoch, subject in found[:limit]
        ]

    async def last_order(self) -> int:
        return len(self._orders)

    async def orders(self, after: int, limit: int) -> Sequence[AppliedOrder]:
        _within(limit)
        return self._orders[after : after + limit]

    async def lead(self, name: str, now: datetime, until: datetime) -> bool:
        with self._lock:
            if self._leader is not None and self._leader[0] != name and self._leader[1] > now:
                return False
            self._leader = (name, until)
            return True

    def _move_on(self, subject: Scope | CmkName, order: AppliedOrder | None) -> None:
        if order is not None:
            self._orders.append(order)
        self._epoch += 1
        self._changed[subject] = self._epoch


def _within(limit: int) -> None:
    if not 1 <= limit <= LISTED_MAX:
        message = f"1 to {LISTED_MAX} are listed at once"
        raise ValueError(message)


def _order(scope: Scope) -> tuple[str, bool]:
    return scope.merchant, scope.livemode


def _page(found: list[KeyRing], after: Scope | None, limit: int) -> Sequence[KeyRing]:
    found.sort(key=lambda ring: _order(ring.scope))
    return [ring for ring in found if after is None or _order(ring.scope) > _order(after)][:limit]


def _hanging(ring: KeyRing, cmk: CmkName | None = None) -> Sequence[KeyVersion]:
    return [
        key for key in ring.keys if key.status is not KeyStatus.RETIRED and (cmk is None or key.cmk == cmk)
    ]


def _count(rings: Sequence[KeyRing], cmk: CmkName, due: datetime) -> KeyCount:
    hanging = [keys for ring in rings if (keys := _hanging(ring, cmk))]
    statuses = [key.status for keys in hanging for key in keys]
    made = [key.created_at for keys in hanging for key in keys if key.status is KeyStatus.ACTIVE]
    return KeyCount(
        rings=len(hanging),
        active=len(made),
        decrypt_only=statuses.count(KeyStatus.DECRYPT_ONLY),
        oldest=min(made, default=None),
        due=sum(at <= due for at in made),
        left=sum(grant.cmk == cmk for ring in rings for grant in ring.left),
    )
