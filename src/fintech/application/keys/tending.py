"""Tending: the sweep that keeps keys alive as they should be, ring after ring, whoever has forgotten to.

A version at the end of its crypto-period is replaced, what older ones sealed is sealed anew, what nothing is sealed with
is destroyed when its time has come, permissions that were left are withdrawn, and a shredding that was ended half way is
finished, and certified. Every step may be done by two processes at once; none is done twice.
"""

import logging
from datetime import timedelta
from typing import Final

from attrs import define, field, frozen

from fintech.application.keys.permissions import WithdrawLeft
from fintech.application.keys.resealing import Reseal
from fintech.application.keys.retiring import RetireKey, TooSoon
from fintech.application.keys.rotation import RotateKey
from fintech.application.keys.shredding import ShredRing
from fintech.domain.keys.custody import Custody, KeyRing, KeyRingId, KeyStatus
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import NotaryUnavailable, PortError
from fintech.ports.key_table import KeyTable
from fintech.ports.protected_store import ProtectedStore

#: How many rings one round looks at, and how many values of one ring it seals anew.
RINGS_MAX: Final = 100
VALUES_MAX: Final = 2_000
#: So old is a version before others' values are sealed anew with it: by then every process that serves has heard of it, and
#: finds by its index what it knows (`Fingerprints`). Twice as long as a process is served that cannot look.
HEARD: Final = timedelta(minutes=1)
#: How long values of a shredded ring may still come in, from requests that were under way.
_LATER: Final = timedelta(days=36_500)
TENDER: Final = Actor("key keeper", Face.WORKER, "its time has come")

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Tended:
    """What a round came to: rings that it looked at, versions made and destroyed, values sealed anew, rings whose shredding
    it went on with, those of them that the notary ``certified``, and rings with which something was wrong. ``more`` says that there are rings it did not get to."""

    rings: int
    rotated: int
    resealed: int
    retired: int
    shredded: int
    certified: int
    troubled: int
    more: bool


@define
class _Round:
    rings: int = 0
    rotated: int = 0
    resealed: int = 0
    retired: int = 0
    shredded: int = 0
    certified: int = 0
    notary_away: bool = False
    troubled: set[KeyRingId] = field(factory=set)


@define
class TendKeys:
    """One round after the other through all rings. It remembers how far it came; a process that starts begins anew."""

    table: KeyTable
    protected: ProtectedStore
    clock: Clock
    policy: KeyPolicy
    rotate: RotateKey
    reseal: Reseal
    retire: RetireKey
    shred: ShredRing
    withdraw: WithdrawLeft
    _after: Scope | None = field(default=None, init=False)

    async def __call__(self) -> Tended:
        """Up to `RINGS_MAX` rings. A ring's trouble is logged and stops no other; raises `StoreUnavailable` where the rings
        cannot be listed."""
        page = await self.table.rings(None, self._after, RINGS_MAX)
        done = _Round()
        for ring in page:
            done.rings += 1
            try:
                await self._ring(ring, done)
            except PortError as error:
                self._trouble(ring, error, done)
        more = len(page) == RINGS_MAX
        self._after = page[-1].scope if more else None
        return Tended(
            rings=done.rings,
            rotated=done.rotated,
            resealed=done.resealed,
            retired=done.retired,
            shredded=done.shredded,
            certified=done.certified,
            troubled=len(done.troubled),
            more=more,
        )

    async def _ring(self, ring: KeyRing, done: _Round) -> None:
        if ring.custody is Custody.SHREDDED:
            await self._shredded(ring, done)
            return
        if ring.left:
            withdrawn = await self.withdraw(ring.scope)
            if isinstance(withdrawn, Failure):
                self._trouble(ring, withdrawn.failure(), done)
        if ring.custody is not Custody.ACTIVE:
            return
        if ring.active is not None and self.policy.due(ring.active, self.clock.now()):
            rotated = await self.rotate(TENDER, ring.scope)
            if isinstance(rotated, Failure):
                self._trouble(ring, rotated.failure(), done)
            else:
                done.rotated += 1
                ring = rotated.unwrap()
        if any(key.status is KeyStatus.DECRYPT_ONLY for key in ring.keys):
            await self._older(ring, done)

    async def _older(self, ring: KeyRing, done: _Round) -> None:
        if self.clock.now() < ring.keys[-1].created_at + HEARD:
            return
        counts = await self.protected.counts(ring.scope)
        active = ring.keys[-1].number
        if any(number < active for number in counts):
            resealed = await self.reseal(TENDER, ring.scope, VALUES_MAX)
            if isinstance(resealed, Failure):
                self._trouble(ring, resealed.failure(), done)
                return
            done.resealed += resealed.unwrap().done
            if resealed.unwrap().left:
                return
        for key in ring.keys:
            if key.status is not KeyStatus.DECRYPT_ONLY:
                continue
            retired = await self.retire(TENDER, ring.scope, key.number)
            if isinstance(retired, Failure):
                if not isinstance(retired.failure(), TooSoon):
                    self._trouble(ring, retired.failure(), done)
                return
            done.retired += 1

    async def _shredded(self, ring: KeyRing, done: _Round) -> None:
        """Also what a request that was under way has put since. A notary that does not answer is asked once in a round."""
        waits = ring.left or await self.protected.listed(ring.scope, self.clock.now() + _LATER, None, 1)
        if not waits and (ring.certified_at is not None or done.notary_away):
            return
        try:
            finished = await self.shred.finish(TENDER, ring)
        except NotaryUnavailable:
            done.notary_away = True
            raise
        done.shredded += 1
        done.certified += ring.certified_at is None and finished.finished

    def _trouble(self, ring: KeyRing, why: object, done: _Round) -> None:
        done.troubled.add(ring.id)
        told = {"merchant": ring.scope.merchant, "ring": ring.id, "why": type(why).__name__}
        _log.warning("a ring of keys is not as it should be", extra=told)
