"""Loads: one way to a merchant's keys at a time, for all who wait for them."""

import asyncio
from typing import Final

from attrs import define, field

from fintech.adapters.crypto.background import Background
from fintech.adapters.crypto.leases import HeldLease, Shelf
from fintech.adapters.crypto.lending import TRIES_MAX, Lender
from fintech.adapters.crypto.making import NotLent
from fintech.adapters.crypto.refusing import Alarms, Refusals
from fintech.adapters.crypto.roots import FAILURES_MAX, pause_after
from fintech.adapters.crypto.using import Uses
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import PortError
from fintech.ports.key_vault import VaultFigures

_CHANGING: Final = NotLent(CustodyReason.UNREACHABLE, "it keeps changing", unanswered=True)


@define(eq=False)
class _Load:
    """``void``: what it hangs from has changed since it was asked for."""

    task: "asyncio.Task[Outcome[HeldLease, CustodyRefused]]" = field(init=False)
    void: bool = False


@define(eq=False, kw_only=True)
class Loads:
    """Brings leases to the shelf, and takes them off when they are refused. At most ``loads_max`` merchants wait."""

    lender: Lender
    shelf: Shelf
    refusals: Refusals
    alarms: Alarms
    figures: VaultFigures
    clock: Clock
    background: Background
    loads_max: int
    uses: Uses = field(init=False)
    _loads: dict[Scope, _Load] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.uses = Uses(
            table=self.lender.table,
            clock=self.clock,
            timing=self.lender.settings.timing,
            background=self.background,
        )

    def start(self, scope: Scope) -> "asyncio.Task[Outcome[HeldLease, CustodyRefused]] | None":
        """The merchant's keys on their way; None if too many others' are. Whoever waits shields it: those who go away do
        not stop it for the others."""
        load = self._loads.get(scope)
        if load is None:
            if len(self._loads) >= self.loads_max:
                self.figures.shed += 1
                return None
            load = self._loads[scope] = _Load()
            load.task = self.background.start(self._loaded(scope, load))
        return load.task

    def renew(self, held: HeldLease) -> None:
        """Lend anew in the background what is in use and will be over before long."""
        if self.start(held.scope) is None:
            self._put_off(held)

    def void(self, scope: Scope | None) -> None:
        """What is on its way, to one merchant or to all, was decided before something changed: decide again."""
        for load in self._loads.values() if scope is None else filter(None, (self._loads.get(scope),)):
            load.void = True

    async def refuse(self, scope: Scope, not_lent: NotLent) -> CustodyRefused:
        """Nothing is lent, and what was ends, unless nobody has said no. What the bank refuses one merchant is written
        down; what it refuses all is, once, where it is found out. Raises `AuditUnavailable`."""
        refused = CustodyRefused(not_lent.reason)
        held = self.shelf.get(scope)
        if not_lent.unanswered:
            self._put_off(held)
            return refused
        self.end(scope, not_lent.reason)
        if not_lent.reason is not CustodyReason.SUSPENDED:
            await self.alarms.refused(scope, not_lent)
        self.refusals.put(scope, refused, self.clock.now())
        return refused

    def put_back(self, lease: HeldLease) -> None:
        """Nothing has changed for a lease after all."""
        there = self.shelf.get(lease.scope)
        if lease.scope not in self._loads and (there is None or there.lent_at < lease.lent_at):
            self.shelf.put(lease)

    def end(self, scope: Scope, reason: CustodyReason) -> None:
        """Take a merchant's keys back, from the shelf and from whoever uses them."""
        self.figures.evictions += self.shelf.get(scope) is not None
        for lease in self.shelf.take(scope):
            lease.end(reason)

    async def _loaded(self, scope: Scope, load: _Load) -> Outcome[HeldLease, CustodyRefused]:
        try:
            return await self._lent(scope, load)
        except PortError:
            self._put_off(self.shelf.get(scope))
            raise
        finally:
            del self._loads[scope]

    async def _lent(self, scope: Scope, load: _Load) -> Outcome[HeldLease, CustodyRefused]:
        renewed = written = self.shelf.get(scope) is not None
        lease: HeldLease | None = None
        for _ in range(TRIES_MAX):
            load.void = False
            if lease is None or await self.lender.judged(lease) is not True:
                lent = await self.lender.lend(scope)
                if isinstance(lent, Failure):
                    return Failure(await self.refuse(scope, lent.failure()))
                lease = lent.unwrap()
                await self.uses.tell(scope)
            if not written:
                await self.alarms.granted(lease)
                written = True
            if not load.void:
                self._put(lease, renewed=renewed)
                return Success(lease)
        return Failure(await self.refuse(scope, _CHANGING))

    def _put(self, lease: HeldLease, *, renewed: bool) -> None:
        if self.shelf.put(lease):
            self.figures.pushed_out += 1
        if renewed:
            self.figures.renewals += 1
        else:
            self.figures.loads += 1

    def _put_off(self, held: HeldLease | None) -> None:
        """Renew it later: the root, the key table or the audit trail is not to be had now."""
        if held is not None:
            pause = pause_after(FAILURES_MAX, self.lender.settings.timing)
            held.due_at = min(self.clock.now() + pause, held.ends_at)
