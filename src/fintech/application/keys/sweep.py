"""The sweep of keys: asks the root again and again, for all processes, so that what the bank takes back without telling us
is noticed within seconds. One process at a time leads it.

It tries each root key with a canary, a merchant's key that it asks for without having it unwrapped, and publishes the
root's yes as a heartbeat, which every process lives by. And it asks for each merchant whose keys some process may have in
use, and of the others for a few at a time, so that what is damaged or withdrawn is known before it is needed. A root key that
is refused is shut in the key table until the root says yes again; a merchant that is refused, though the root key is not, is
suspended, and only the bank restores it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs
from attrs import define, field, frozen

from fintech.application.keys.sweep_findings import Findings, SweepFigures
from fintech.domain.keys.custody import CmkName, CmkStatus, Custody, KeyRing, KeyStatus, KeyVersion
from fintech.domain.keys.timing import USUAL, CustodyTiming
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, WrapContext, Wrapped
from fintech.ports.key_table import KeyTable, RootKey

#: How many merchants' keys are looked at in one go, and how many questions to the root are under way at once.
PAGE: Final = 200
AT_ONCE_MAX: Final = 16
#: With each round of those in use, so many merchants whose keys nobody uses are asked for.
IDLE_MAX: Final = 50
#: So many merchants are tried as a canary: if all of them are refused, nobody can tell whether it is them or the root key.
CANARIES_MAX: Final = 8
#: So many pages of merchants are gone through at once for a canary; the next time goes on behind them.
CANARY_PAGES_MAX: Final = 5
#: So many times without an answer, and the next merchants under a root key are left for later.
UNANSWERED_MAX: Final = 3
#: For so many rounds of canaries the root's last yes stands beside a merchant's refusal.
_ROUNDS: Final = 3

_TIMED_OUT: Final = RootRefused(RootFault.UNREACHABLE, "timed out", whole=True)


@frozen(kw_only=True)
class SweepTerms:
    """``name`` is this process's, and no other's; ``cmks`` are the root keys that new keys are made under."""

    name: str
    environment: str
    cmks: tuple[CmkName, ...]
    timing: CustodyTiming = USUAL


@define(kw_only=True, eq=False)
class KeySweep:
    """Call `try_root_keys` every ``canary_every`` and `try_merchants` often: each does what is due, if this process leads.
    `give_up` lets another one lead at once."""

    root: KeyRoot
    table: KeyTable
    findings: Findings
    clock: Clock
    terms: SweepTerms
    _leads_until: datetime | None = field(default=None, init=False)
    _canaries: dict[CmkName, Scope] = field(factory=dict, init=False)
    _canaries_after: dict[CmkName, Scope] = field(factory=dict, init=False)
    _heard_at: dict[CmkName, datetime] = field(factory=dict, init=False)
    _tried: bool = field(default=False, init=False)
    _after: Scope | None = field(default=None, init=False)
    _idle_after: Scope | None = field(default=None, init=False)
    _round_at: datetime | None = field(default=None, init=False)
    _round_over: bool = field(default=True, init=False)
    _unanswered: Counter[CmkName] = field(factory=Counter, init=False)
    _answered: bool = field(default=False, init=False)
    _places: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(AT_ONCE_MAX), init=False)

    @property
    def figures(self) -> SweepFigures:
        """What it has come to so far."""
        return self.findings.figures

    async def try_root_keys(self) -> int:
        """Try every root key; how many there are, if this process leads. Raises `StoreUnavailable`, and `AuditUnavailable`
        where a root key stays shut because it cannot be written down that it opens."""
        if not await self._leads():
            return 0
        known = {root_key.cmk: root_key for root_key in await self.table.root_keys()}
        for cmk in self.terms.cmks:
            new = RootKey(cmk=cmk, status=CmkStatus.ENABLED, custody_open=True, authorised_at=None)
            known.setdefault(cmk, new)
        await _all(self._try_root_key(root_key) for root_key in known.values())
        self._tried = True
        return len(known)

    async def try_merchants(self) -> int:
        """Ask for the next merchants if it is time to; how many. Raises `StoreUnavailable`.

        A round begins so long after the last one began that who is asked for last, with as many as there were then, is asked
        for again in time.
        """
        if not await self._leads():
            self._round_over, self._round_at, self._tried = True, None, False
            return 0
        if not self._tried:
            return 0  # a no to one merchant is nothing beside no word of the root key
        now = self.clock.now()
        if self._round_over:
            every = self.terms.timing.merchants_every - timedelta(seconds=self.figures.round_s)
            if self._round_at is not None and now < self._round_at + every:
                return 0
            self._round_at, self._round_over, self._after = now, False, None
        rings = await self.table.rings_by_use(now, in_use=True, after=self._after, limit=PAGE)
        if not await self._try_merchants(rings, now):
            return 0  # the same again, later
        if len(rings) == PAGE:
            self._after = rings[-1].scope
            return PAGE
        self._round_over = True
        self.figures.rounds += 1
        self.figures.round_s = (self.clock.now() - (self._round_at or now)).total_seconds()
        return len(rings) + await self._try_idle(now)

    async def _try_idle(self, now: datetime) -> int:
        idle = await self.table.rings_by_use(now, in_use=False, after=self._idle_after, limit=IDLE_MAX)
        if await self._try_merchants(idle, now):
            self._idle_after = idle[-1].scope if len(idle) == IDLE_MAX else None
        return len(idle)

    async def _try_merchants(self, rings: Sequence[KeyRing], now: datetime) -> bool:
        """Whether the root has answered, if it was asked."""
        self._unanswered.clear()
        self._answered = False
        await _all(self._try_merchant(ring) for ring in rings if ring.usable(now))
        return self._answered or not self._unanswered

    async def give_up(self) -> None:
        """Lead no more. Raises `StoreUnavailable`."""
        if self.figures.leading:
            self.figures.leading, self._leads_until = False, None
            now = self.clock.now()
            await self.table.lead(self.terms.name, now, now)

    async def _leads(self) -> bool:
        """Whether this process leads now; it renews its lead when half of it is over."""
        now = self.clock.now()
        if self._leads_until is None or now >= self._leads_until - self.terms.timing.lead / 2:
            until = now + self.terms.timing.lead
            self.figures.leading = False  # unless the key table says otherwise
            self.figures.leading = await self.table.lead(self.terms.name, now, until)
            self._leads_until = until if self.figures.leading else None
        return self.figures.leading

    async def _try_root_key(self, root_key: RootKey) -> None:
        """Ask for canaries until the root says yes, says no to all, or says nothing."""
        async for ring, version in self._canaries_of(root_key.cmk):
            at = self.clock.now()
            async with self._places:
                asked = await self._asked(ring, version)
            if isinstance(asked, Success):
                self._canaries[root_key.cmk] = ring.scope
                self._heard_at[root_key.cmk] = at
                await self._publish(root_key, CmkStatus.ENABLED, "", at)
                return
            refused = asked.failure()
            if refused.fault is RootFault.UNREACHABLE:
                return  # whoever has a lease keeps it for its time, and asks for itself meanwhile
            if refused.whole:
                await self._publish(root_key, await self._refused_status(root_key.cmk), refused.code, None)
                return

    async def _canaries_of(self, cmk: CmkName) -> AsyncIterator[tuple[KeyRing, KeyVersion]]:
        """Merchants whose keys hang from a root key and may be asked for, first the one that it was last."""
        last = self._canaries.get(cmk)
        ring = None if last is None else await self.table.ring(last)
        now = self.clock.now()
        if ring is not None and ring.usable(now) and (version := _under(cmk, ring)) is not None:
            yield ring, version
        usable: Sequence[KeyRing] = ()
        for _ in range(CANARY_PAGES_MAX):
            rings = await self.table.rings(cmk, self._canaries_after.get(cmk), PAGE)
            usable = [each for each in rings if each.usable(now) and each.scope != last]
            if usable or len(rings) < PAGE:
                self._canaries_after.pop(cmk, None)
                break
            self._canaries_after[cmk] = rings[
                -1
            ].scope  # all of these are suspended or revoked: those behind them
        for each in usable[:CANARIES_MAX]:
            if (version := _under(cmk, each)) is not None:
                yield each, version

    async def _refused_status(self, cmk: CmkName) -> CmkStatus:
        """What to say of a root key that refuses all: what whoever keeps it says, unless that is that all is well."""
        status = await self.root.status(cmk)
        if isinstance(status, Failure) or status.unwrap() is CmkStatus.ENABLED:
            return CmkStatus.DISABLED
        return status.unwrap()

    async def _publish(self, before: RootKey, status: CmkStatus, code: str, at: datetime | None) -> None:
        """Tell all processes. What shuts is told whether it can be written down or not; what opens only if it can."""
        after = attrs.evolve(before, status=status, authorised_at=at)
        if status is CmkStatus.ENABLED and before.status is not status:
            await self.findings.opened(before, code)
        if at is not None or status is not before.status:
            (await self.table.save_root_key(after)).unwrap()
        if status is not CmkStatus.ENABLED and before.status is not status:
            await self.findings.shut(before, status, code)

    async def _try_merchant(self, ring: KeyRing) -> None:
        """Ask for a merchant's keys, once for each permission."""
        permissions = {(each.cmk, each.grant): each for each in ring.keys if _is_kept(each)}
        for version in permissions.values():
            async with self._places:  # who waited for one may have heard meanwhile that nobody answers
                if self._unanswered[version.cmk] >= UNANSWERED_MAX:
                    continue
                asked = await self._asked(ring, version)
            self._answered |= not _is_unanswered(asked)
            if isinstance(asked, Success):
                continue
            refused = asked.failure()
            if refused.fault is RootFault.UNREACHABLE:
                self._unanswered[version.cmk] += 1
            elif refused.fault is RootFault.CORRUPT:
                await self.findings.damaged(ring, refused)
            elif not refused.whole and self._is_its_own(ring, version):
                await self._suspend(ring, refused)
                return

    def _is_its_own(self, ring: KeyRing, version: KeyVersion) -> bool:
        """Whether a refusal is this merchant's alone: the root has just let us use the root key, and every permission of
        the ring has had time to get about."""
        now, heard_at = self.clock.now(), self._heard_at.get(version.cmk)
        settled = all(now >= key.created_at + self.terms.timing.settles for key in ring.keys)
        return settled and heard_at is not None and now < heard_at + _ROUNDS * self.terms.timing.canary_every

    async def _suspend(self, ring: KeyRing, refused: RootRefused) -> None:
        """The bank has taken a merchant's permission back and told nobody. Whoever changes the ring meanwhile comes
        first: the next round looks again."""
        if (
            ring.custody is Custody.ACTIVE
        ):  # if not, by broken glass: its leases end where the root refuses them
            saved = await self.table.save(ring.placed(Custody.SUSPENDED).unwrap())
            if isinstance(saved, Success):
                await self.findings.suspended(ring, refused)

    async def _asked(self, ring: KeyRing, version: KeyVersion) -> Outcome[None, RootRefused]:
        context = WrapContext(self.terms.environment, ring.scope, version.number)
        wrapped = Wrapped(version.wrapped, version.grant)
        asked: Outcome[None, RootRefused]
        self.figures.asked += 1
        try:
            async with asyncio.timeout(self.terms.timing.root_timeout.total_seconds()):
                asked = await self.root.authorise(version.cmk, context, wrapped)
        except TimeoutError:
            asked = Failure(_TIMED_OUT)
        self.figures.unanswered += _is_unanswered(asked)
        return asked


def _is_unanswered(asked: Outcome[None, RootRefused]) -> bool:
    return isinstance(asked, Failure) and asked.failure().fault is RootFault.UNREACHABLE


def _is_kept(version: KeyVersion) -> bool:
    return version.status is not KeyStatus.RETIRED


def _under(cmk: CmkName, ring: KeyRing) -> KeyVersion | None:
    """A version of a ring that hangs from a root key."""
    return next((version for version in ring.keys if version.cmk == cmk and _is_kept(version)), None)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """Do all of it, whatever becomes of some; then raise the first that failed."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
