"""The key vault on a key root and a key table: what a process is lent, for how long, and what ends it.

| what happens                               | what is lent                                       | what is asked for       |
|--------------------------------------------|----------------------------------------------------|-------------------------|
| its time is over                           | ends                                               | lent anew               |
| the root says no (DENIED)                  | ends at once                                       | refused                 |
| the root says nothing (UNREACHABLE)        | stays until its time is over                       | refused, asked later    |
| a key is not what was wrapped (CORRUPT)    | ends at once                                       | refused, not tried again |
| the ring changed in the key table          | ends at once if the bank closed it, else with its last user | as the ring says |
| a root key was shut in the key table       | all under it ends at once                          | refused                 |
| the key table cannot be looked at          | nothing of it can be used after ``blind``          | refused                 |
| nothing can be written down                | stays                                              | refused                 |
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fintech.adapters.crypto.background import Background, landed
from fintech.adapters.crypto.leases import HeldLease, Lending, Shelf
from fintech.adapters.crypto.lending import Lender, VaultSettings
from fintech.adapters.crypto.loading import Loads
from fintech.adapters.crypto.refusing import Alarms, Refusals
from fintech.adapters.crypto.roots import FAILURES_MAX, NEVER, Roots, RootStanding
from fintech.adapters.crypto.watching import Watch
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.errors import StoreUnavailable
from fintech.ports.id_source import IdSource
from fintech.ports.key_root import KeyRoot
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import KeyVault, Lease, VaultFigures, VaultHealth

#: So many changed leases are looked at one by one; if more changed at once, all of them end.
JUDGED_MAX: Final = 64

_UNREACHABLE: Final = CustodyRefused(CustodyReason.UNREACHABLE)

_log = logging.getLogger(__name__)


class LeasingVault(KeyVault):
    """Leases of this process, in one event loop. `close` ends it and wipes all of them.

    From the first lease on it looks at the key table by itself, every ``look_every``; with ``attended`` False only when a
    lease is asked for, which is as safe, and what tests want that move the clock by hand.
    """

    def __init__(
        self,
        *,
        root: KeyRoot,
        table: KeyTable,
        audit: AuditTrail,
        clock: Clock,
        ids: IdSource,
        settings: VaultSettings,
        attended: bool = True,
    ) -> None:
        self._clock, self._settings = clock, settings
        self._figures, self._shelf = VaultFigures(), Shelf(settings.leases_max)
        self._background, self._refusals = Background(), Refusals(settings.timing)
        self._attended, self._kept, self._closed = attended, False, False
        self._alarms = Alarms(audit, clock, self._figures, self._background)
        self._lending = Lending(clock, NEVER, self._alarms.damaged, self._outdated)
        calls_max = settings.root_calls_max
        self._roots = Roots(clock, settings.timing, self._figures, self._denied, calls_max)
        self._watch = Watch(
            table=table,
            lending=self._lending,
            roots=self._roots,
            timing=settings.timing,
            figures=self._figures,
            changed=self._changed,
            shut=self._shut,
            attended=attended,
        )
        self._lender = Lender(
            root=root,
            roots=self._roots,
            table=table,
            audit=audit,
            clock=clock,
            ids=ids,
            settings=settings,
            lending=self._lending,
        )
        self._loads = Loads(
            lender=self._lender,
            shelf=self._shelf,
            refusals=self._refusals,
            alarms=self._alarms,
            figures=self._figures,
            clock=clock,
            background=self._background,
            loads_max=settings.loads_max,
        )

    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        held, now = self._shelf.get(scope), self._clock.now()
        if held is not None and now < held.due_at and now < self._watch.due_at:
            for root in held.roots:
                if now >= root.quiet_until:
                    break
            else:
                self._shelf.used(scope)
                self._figures.hits += 1
                return Success(held)
        if self._closed:
            return Failure(_UNREACHABLE)
        lent = await self._considered(scope, now)
        if isinstance(lent, Failure):
            self._figures.refusals[lent.failure().reason] += 1
            return lent
        return Success(lent.unwrap())

    async def newer(self, scope: Scope, number: int) -> Outcome[Lease, CustodyRefused]:
        held = self._shelf.get(scope)
        if held is not None and held.refused() is None and held.number < number and not self._closed:
            self._loads.void(scope)  # what is on its way may be older than the version
            load = self._loads.start(scope)
            if load is None:
                return Failure(_UNREACHABLE)
            lent = await landed(load, Failure(_UNREACHABLE))
            if isinstance(lent, Failure):
                self._figures.refusals[lent.failure().reason] += 1
                return lent
        return await self.lease(scope)

    async def evict(self, scope: Scope | None = None) -> None:
        self._loads.void(scope)
        self._refusals.forget(scope)
        for each in {lease.scope for lease in self._shelf.all()} if scope is None else (scope,):
            self._loads.end(each, CustodyReason.UNREACHABLE)

    @property
    def figures(self) -> VaultFigures:
        return self._figures

    def health(self) -> VaultHealth:
        now, looked_at = self._clock.now(), self._watch.looked_at
        own = [self._roots.of(cmk) for cmk in self._settings.cmks]
        reason = None
        if any(root.shut or root.denied_at is not None for root in own):
            reason = CustodyReason.SUSPENDED
        elif any(root.failures >= FAILURES_MAX for root in own) or (
            self._watch.failing and now >= self._lending.until
        ):
            reason = CustodyReason.UNREACHABLE
        return VaultHealth(
            reason=reason,
            leases=len(self._shelf),
            look_age_s=None if looked_at is None else (now - looked_at).total_seconds(),
            heartbeats_s={
                root.cmk: (now - root.heard_at).total_seconds()
                for root in self._roots.all()
                if root.heard_at is not None
            },
        )

    async def close(self) -> None:
        """Stop whatever is under way, wipe everything, and lend nothing any more."""
        self._closed = True
        await self._background.stop()
        self._lending.until = NEVER
        await self._watch.close()
        await self._background.stop()  # what the look had begun meanwhile
        await self.evict()

    async def _considered(self, scope: Scope, now: datetime) -> Outcome[HeldLease, CustodyRefused]:
        """What there is to say of a lease that is not simply there."""
        if self._attended and not self._kept:
            self._kept = True
            self._background.begin(self._keep())
        await self._watch.sight(now)
        held = self._shelf.get(scope)
        if self._clock.now() >= self._lending.until:
            if held is None:
                raise StoreUnavailable("the key table cannot be read, so nothing is lent")
            return Failure(_UNREACHABLE)
        remembered = self._refusals.get(scope, self._clock.now())
        if remembered is not None:
            return Failure(remembered)
        if held is not None and held.refused() is None:
            refused = await self._vouched(held)
            if refused is not None:
                return Failure(refused)
            held = self._shelf.get(scope)
        if held is not None and held.refused() is None:
            if self._clock.now() >= held.due_at:
                self._loads.renew(held)
            self._shelf.used(scope)
            self._figures.hits += 1
            return Success(held)
        load = self._loads.start(scope)
        if load is None:
            return Failure(_UNREACHABLE)
        return await landed(load, Failure(_UNREACHABLE))

    async def _vouched(self, held: HeldLease) -> CustodyRefused | None:
        """Whether the root has let us use its keys lately, or lets us now; why it does not. A root that does not answer is
        asked again in the background: nobody with a lease waits for it."""
        for root in held.roots:
            while self._clock.now() >= root.quiet_until:
                asking, mine = root.asking, False
                if asking is None:
                    asking, mine = self._background.start(self._ask(root, held.scope)), True
                    root.asking = asking
                if root.failures:
                    break
                await landed(asking, None)
                refused = _UNREACHABLE if self._closed else held.refused()
                if refused is not None:
                    return refused
                if mine:
                    break
        return None

    async def _ask(self, root: RootStanding, scope: Scope) -> None:
        """Ask with a merchant's keys. What is refused ends, and with it what whoever waits for this has in hand."""
        try:
            not_lent = await self._lender.authorised(scope, root)
        except StoreUnavailable:
            self._roots.unanswered(root)
            return
        finally:
            root.asking = None
        if not_lent is not None and not not_lent.unanswered:
            await self._loads.refuse(scope, not_lent)

    async def _knock(self, root: RootStanding) -> None:
        """Ask for nothing, to know whether the root answers again."""
        try:
            await self._roots.call(root, lambda: self._lender.root.status(root.cmk), proves=False)
        finally:
            root.asking = None

    async def _changed(self, scopes: Sequence[Scope] | None) -> None:
        """Take from the shelf what has changed. What the bank has closed ends now, for its users, too; what was only
        rotated or moved ends with the requests that use it; and what this process has made itself stays."""
        for voided in (None,) if scopes is None else scopes:
            self._loads.void(voided)
            self._refusals.forget(voided)
        names = {lease.scope for lease in self._shelf.all()} if scopes is None else scopes
        taken = [lease for scope in names for lease in self._shelf.take(scope)]
        if len(taken) > JUDGED_MAX:
            self._figures.evictions += len(taken)
            for lease in taken:
                lease.end(CustodyReason.UNREACHABLE)
            return
        await asyncio.gather(*map(self._judge, taken))

    async def _judge(self, lease: HeldLease) -> None:
        judged: CustodyReason | bool = CustodyReason.UNREACHABLE
        try:
            judged = await self._lender.judged(lease)
        except StoreUnavailable:
            _log.warning("a changed ring cannot be read, so its lease ends")
        finally:
            if isinstance(judged, CustodyReason):
                lease.end(judged)
            if judged is True:
                self._loads.put_back(lease)
            else:
                self._figures.evictions += 1

    def _denied(self, root: RootStanding, code: str) -> None:
        self._alarms.denied(root.cmk, code)
        self._shut(root)

    def _shut(self, root: RootStanding) -> None:
        """Everything that hangs from a root key ends."""
        self._loads.void(None)
        for scope in {lease.scope for lease in self._shelf.under(root)}:
            self._loads.end(scope, CustodyReason.SUSPENDED)

    def _outdated(self, lease: HeldLease) -> bool:
        """Whether a newer lease may open what this one is behind: not if it is new itself."""
        if self._clock.now() < lease.lent_at + 4 * self._settings.timing.look_every:
            return False
        if self._shelf.get(lease.scope) is lease:
            self._shelf.take(lease.scope)
        return True

    async def _keep(self) -> None:
        """Look at the key table, wipe what is over, and ask a root again that did not answer: again and again."""
        while True:
            await self._watch.look()
            now = self._clock.now()
            for lease in self._shelf.over(now):
                self._loads.end(lease.scope, CustodyReason.UNREACHABLE)
            for root in self._roots.all():
                if root.failures and now >= root.retry_at and root.asking is None:
                    root.asking = self._background.start(self._knock(root))
            await self._watch.next()
