"""Whatever is done to keys, in whatever order, and whichever call breaks meanwhile: what was sealed and not shredded opens,
only what is active seals, and nothing is retired that something is sealed with."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from fintech.application.keys import permissions, removing, resealing
from fintech.application.keys.tending import Tended
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.custody import Custody, KeyStatus
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.ports.errors import PortError
from tests.unit.application.keys.test_tending import tender
from tests.unit.application.keys.world import (
    ANN,
    LEASE,
    NEW,
    OLD,
    OTHER,
    SHOP,
    Faulty,
    LendingVault,
    World,
    away,
    unreachable,
)

#: Which call of a deed breaks, counted over all ports, and whether what it asked for is done all the same.
Fault: TypeAlias = tuple[int, str]
Deed: TypeAlias = tuple[str, bool, Fault | None]

DEEDS = (
    "keep",
    "rotate",
    "rotate elsewhere",
    "reseal",
    "retire",
    "move",
    "move back",
    "tend",
    "hear",
    "shred other",
)
FAULTS = st.none() | st.tuples(st.integers(1, 12), st.sampled_from(["before", "after"]))
TIMES = st.sampled_from([timedelta(), LEASE, timedelta(days=36)])


class Keepers(World):
    """A world whose ports break once in a deed, at a call that was told; and the same without faults, to look at it."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.calls = 0
        self.fault: Fault | None = None
        self.sound = {name: getattr(self, name) for name in ("table", "root", "protected", "trail")}
        for name, port in self.sound.items():
            broken: Any = unreachable if name == "root" else away
            setattr(self, name, Faulty(port, self.plan, broken))
        self.vault = LendingVault(self.table, self.root, self.clock)
        self.wire()

    def plan(self, _method: str) -> str | None:
        self.calls += 1
        return self.fault[1] if self.fault and self.calls == self.fault[0] else None

    async def do(self, deed: str, chance: bool) -> None:
        deeds: dict[str, Callable[[], Awaitable[object]]] = {
            "keep": self.keep_one,
            "rotate": lambda: self.rotate(ANN, SHOP),
            "rotate elsewhere": lambda: self.rotate(ANN, SHOP, NEW if chance else OLD),
            "reseal": lambda: self.reseal(ANN, SHOP, 2 if chance else 100),
            "retire": lambda: self.retire_all(backwards=chance),
            "move": self.move,
            "move back": lambda: self.move_rings(ANN, NEW, OLD, lambda _: None),
            "tend": tender(self),
            "hear": self.vault.evict,
            "shred other": lambda: self.shred(ANN, OTHER),
        }
        assert deeds.keys() == set(DEEDS)
        await deeds[deed]()

    async def retire_all(self, *, backwards: bool) -> None:
        for number in sorted(await self.numbers(), reverse=backwards):
            await self.retire(ANN, SHOP, number)

    async def keep_one(self) -> None:
        leased = await self.vault.lease(SHOP)
        if isinstance(leased, Failure):
            return
        lease, record = leased.unwrap(), self.ids.secret()
        value = self.sealed(lease, CARD_NUMBER, record, record.encode())
        await self.protected.put(SHOP, [value])
        if lease.refused() is None:
            self.kept[SHOP, value.place] = (CARD_NUMBER, record.encode())

    async def check(self) -> None:
        self.fault = None
        vault = self.vault
        self.vault = LendingVault(self.sound["table"], self.sound["root"], self.clock)
        assert await self.unreadable() == []
        for scope in (SHOP, OTHER):
            await self.check_ring(scope)
        self.vault = vault

    async def check_ring(self, scope: Scope) -> None:
        ring = await self.ring(scope)
        gone = {key.number for key in ring.keys if key.status is KeyStatus.RETIRED}
        assert all((key.number in gone) is (key.wrapped == b"") for key in ring.keys)
        assert not gone & set(await self.protected.counts(scope)) or ring.custody is Custody.SHREDDED
        if ring.custody is Custody.SHREDDED:
            return
        assert [key.status for key in ring.keys].count(KeyStatus.ACTIVE) == 1
        lease = (await self.vault.lease(scope)).unwrap()
        assert ring.active is not None
        assert (lease.number, lease.numbers[0]) == (ring.active.number, ring.active.number)
        needed = {(key.cmk, key.grant) for key in ring.keys if key.grant}
        assert not needed & {(grant.cmk, grant.grant) for grant in ring.left}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.booleans(), FAULTS, TIMES), min_size=3, max_size=14))
def test_what_was_sealed_opens_whatever_is_done_and_breaks(deeds: list[Any]) -> None:
    async def life() -> None:
        keepers = Keepers()
        for scope in (SHOP, OTHER):
            await keepers.open_ring(scope)
        await keepers.keep_one()
        for deed, chance, fault, time in deeds:
            keepers.calls, keepers.fault = 0, fault
            try:
                await keepers.do(deed, chance)
            except PortError:
                assert fault is not None or deed == "keep"
            keepers.clock.advance(time)
            await keepers.check()
        rounds: list[Tended] = []
        while len(rounds) < 10:  # once nothing breaks any more, all is put in order
            await keepers.vault.evict()
            rounds.append(await tender(keepers)())
            if len(rounds) > 1 and not rounds[-1].rotated + rounds[-2].rotated:
                break
            keepers.clock.advance(keepers.policy.retire_after)
        assert rounds[-1].troubled == 0
        assert set((await keepers.protected.counts(SHOP)).keys()) <= {(await keepers.ring()).keys[-1].number}
        for scope in (SHOP, OTHER):
            ring = await keepers.ring(scope)
            assert ring.left == ()
            assert KeyStatus.DECRYPT_ONLY not in {key.status for key in ring.keys}
        await keepers.check()

    pause, batch, many = permissions.PAUSE_S, resealing.BATCH, removing.BATCH
    permissions.PAUSE_S, resealing.BATCH, removing.BATCH = 0, 2, 2  # type: ignore[misc] # small, and at once
    try:
        asyncio.run(life())
    finally:
        permissions.PAUSE_S, resealing.BATCH, removing.BATCH = pause, batch, many  # type: ignore[misc] # as it was
