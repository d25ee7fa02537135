"""Whatever happens in whatever order: no key is used after the bank took it back and its time to be heard is over, and
nobody who has a lease is refused because the root is not to be reached."""

import asyncio
from datetime import datetime, timedelta
from enum import Enum, auto

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.domain.keys.custody import Custody
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.ports.errors import LeaseEnded, StoreUnavailable
from fintech.ports.key_vault import Lease
from tests.unit.adapters.crypto.desk import CMK, Desk, works


class Deed(Enum):
    """What may happen."""

    USE = auto()
    SUSPEND = auto()
    RESTORE = auto()
    DISABLE = auto()
    ENABLE = auto()
    CUT_ROOT = auto()
    JOIN_ROOT = auto()
    CUT_TABLE = auto()
    JOIN_TABLE = auto()
    ROTATE = auto()
    SWEEP = auto()


PASSING = st.sampled_from([0.3, 1.0, 2.0, 7.0, 20.0, 31.0, 90.0, 260.0, 301.0])
STEPS = st.lists(st.one_of(st.sampled_from(Deed), PASSING, st.just(Deed.USE)), max_size=60)

SEEN = timedelta(seconds=2)
HEARTBEAT = timedelta(seconds=30)
LEASE = timedelta(seconds=300)
#: After everything is well again it may take so long until the root is asked again.
BACK = timedelta(seconds=20)


@define
class Story:
    """What has happened, as the bank would tell it."""

    desk: Desk
    scope: Scope
    vault: LeasingVault
    suspended_at: datetime | None = None
    disabled_at: datetime | None = None
    root_cut_at: datetime | None = None
    root_joined_at: datetime | None = None
    table_cut_at: datetime | None = None
    well_since: datetime = field(init=False)
    changed_at: datetime = field(init=False)
    lease: Lease | None = None
    granted: bool = False  #: nothing but the root's silence has come between the last lease and now
    ends_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        self.well_since = self.changed_at = self.now

    @property
    def now(self) -> datetime:
        return self.desk.clock.now()

    def must_not(self) -> str | None:
        """Why no key may be used at this moment."""
        now = self.now
        if self.suspended_at and self.table_cut_at is None and now >= self.suspended_at + SEEN:
            return "suspended"
        if self.table_cut_at and now >= self.table_cut_at + HEARTBEAT:
            return "blind"
        if self.disabled_at is None:
            return None
        if now >= self.disabled_at + LEASE:
            return "disabled, and every lease is over"
        heard = self.root_cut_at is None and (
            self.root_joined_at is None or self.root_joined_at + HEARTBEAT < self.disabled_at
        )
        if heard and self.table_cut_at is None and now >= self.disabled_at + HEARTBEAT:
            return "disabled"
        return None

    def must(self) -> str | None:
        """Why a key must be had at this moment."""
        well = not (self.suspended_at or self.disabled_at or self.table_cut_at)
        if well and self.granted and self.ends_at is not None and self.now < self.ends_at:
            return "there is a lease"
        if well and self.root_cut_at is None and self.now >= self.well_since + BACK:
            return "all is well"
        return None

    async def use(self) -> None:
        must_not, must = self.must_not(), self.must()
        try:
            outcome = await self.vault.lease(self.scope)
        except StoreUnavailable:
            outcome = None
        if isinstance(outcome, Success):
            lease = outcome.unwrap()
            assert works(lease)
            assert must_not is None, must_not
            if lease is not self.lease:
                assert lease.ends_at <= self.now + LEASE
            self.lease, self.ends_at = lease, lease.ends_at
            # Otherwise it is one that was lent before, and will be heard of yet.
            unsaid = self.table_cut_at is None and self.disabled_at is None
            self.granted = unsaid and self.now >= self.changed_at + SEEN
        else:
            assert must is None, (must, outcome)
        await self.use_what_is_held()

    async def use_what_is_held(self) -> None:
        """Whoever kept a lease, against the rules, has nothing more of it than who asks for one; once it was looked."""
        must_not = self.must_not()
        if self.lease is not None:
            try:
                works(self.lease)
            except LeaseEnded:
                return
            assert must_not is None, must_not
            assert self.now < self.lease.ends_at

    async def do(self, deed: Deed) -> None:
        now, was_well = self.now, self.well
        match deed:
            case Deed.USE:
                await self.use()
            case Deed.SUSPEND | Deed.RESTORE:
                await self._order(deed)
            case Deed.DISABLE | Deed.ENABLE:
                self._turn(off=deed is Deed.DISABLE)
            case Deed.CUT_ROOT | Deed.JOIN_ROOT:
                self._reach_root(reachable=deed is Deed.JOIN_ROOT)
            case Deed.CUT_TABLE | Deed.JOIN_TABLE:
                self._reach_table(away=deed is Deed.CUT_TABLE)
            case Deed.ROTATE if self.well:
                await self.desk.rotate(self.scope)
                self.changed_at, self.granted = now, False
            case Deed.SWEEP if self.well:
                await self.desk.heartbeat()
        if self.well and not was_well:
            self.well_since = now

    def _turn(self, *, off: bool) -> None:
        if off:
            self.desk.root.disable(CMK)
            self.disabled_at, self.granted = self.disabled_at or self.now, False
        else:
            self.desk.root.enable(CMK)
            self.disabled_at = None

    def _reach_root(self, *, reachable: bool) -> None:
        self.desk.root.reachable = reachable
        if reachable:
            self.root_cut_at, self.root_joined_at = None, self.now
        else:
            self.root_cut_at = self.root_cut_at or self.now

    def _reach_table(self, *, away: bool) -> None:
        self.desk.table.away = away
        if away:
            self.table_cut_at, self.granted = self.table_cut_at or self.now, False
        elif self.table_cut_at is not None:
            self.table_cut_at = None
            self.suspended_at = self.suspended_at and self.now

    @property
    def well(self) -> bool:
        return not (self.suspended_at or self.disabled_at or self.table_cut_at or self.root_cut_at)

    async def _order(self, deed: Deed) -> None:
        """By another process, which reaches the key table."""
        away, self.desk.table.away = self.desk.table.away, False
        ring = await self.desk.table.ring(self.scope)
        assert ring is not None
        if deed is Deed.SUSPEND and ring.custody is Custody.ACTIVE:
            await self.desk.order(self.scope, Custody.SUSPENDED)
            self.suspended_at = self.now
            self.granted = False
        elif deed is Deed.RESTORE and ring.custody is Custody.SUSPENDED:
            await self.desk.order(self.scope, Custody.ACTIVE)
            self.suspended_at = None
        self.changed_at = self.now
        self.desk.table.away = away


async def told(steps: list[Deed | float]) -> None:
    desk = Desk()
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    story = Story(desk, scope, vault)
    versions = 1
    for step in steps:
        if isinstance(step, float):
            desk.pass_(step)
        elif step is Deed.ROTATE:
            versions += 1
            if versions <= 8:
                await story.do(step)
        else:
            await story.do(step)
        for _ in range(12):  # what goes on in the background
            await asyncio.sleep(0)
    await vault.close()


@given(STEPS)
def test_no_use_after_the_bound_and_no_failure_inside_the_grace(steps: list[Deed | float]) -> None:
    asyncio.run(told(steps))
