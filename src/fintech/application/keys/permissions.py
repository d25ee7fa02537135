"""A merchant's permissions at root keys: waited for until they have got about, and withdrawn once nothing needs them."""

import asyncio
from typing import Final

from attrs import frozen

from fintech.application.commits import TRIES_MAX, NotFound
from fintech.domain.keys.custody import CmkName, KeyRing, LeftGrant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.errors import ConcurrencyExhausted
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, WrapContext, Wrapped
from fintech.ports.key_table import KeyTable

#: How often it is looked whether a new permission has got about, and what is waited before the second look; it doubles.
LOOKS_MAX: Final = 6
PAUSE_S: Final = 0.5


@frozen(kw_only=True)
class AwaitPermission:
    """Waits until the root would unwrap what it has just wrapped, for everybody and not only for whoever has the token:
    a process that is told of a key too early would be denied, and take that for the bank's word."""

    root: KeyRoot

    async def __call__(self, cmk: CmkName, context: WrapContext, wrapped: Wrapped) -> RootRefused | None:
        """Why not, after `LOOKS_MAX` looks; None once it would."""
        known = Wrapped(wrapped.blob, wrapped.grant)
        pause_s = PAUSE_S
        for looks_left in reversed(range(LOOKS_MAX)):
            outcome = await self.root.authorise(cmk, context, known)
            if isinstance(outcome, Success):
                return None
            refused = outcome.failure()
            if refused.whole or refused.fault is not RootFault.DENIED or not looks_left:
                return refused
            await asyncio.sleep(pause_s)
            pause_s *= 2
        return None


@frozen(kw_only=True)
class WithdrawLeft:
    """Withdraw what a ring's versions have left behind at root keys. Run again, it goes on with what is still to be done."""

    table: KeyTable
    root: KeyRoot

    async def __call__(
        self, scope: Scope, cmk: CmkName | None = None
    ) -> Outcome[KeyRing, NotFound | RootRefused]:
        """The ring without those at one root key, or at all; refused with the last one's refusal if any stays. Raises
        `ConcurrencyExhausted`."""
        ring = await self.table.ring(scope)
        if ring is None:
            return Failure(NotFound("ring of keys", scope.merchant))
        refused: RootRefused | None = None
        done: list[LeftGrant] = []
        for grant in ring.left:
            if cmk is not None and grant.cmk != cmk:
                continue
            outcome = await self.root.withdraw(grant.cmk, grant.grant)
            if isinstance(outcome, Failure):
                refused = outcome.failure()
            else:
                done.append(grant)
        if done:
            ring = await self._kept(ring, done)
        return Success(ring) if refused is None else Failure(refused)

    async def _kept(self, ring: KeyRing, done: list[LeftGrant]) -> KeyRing:
        current: KeyRing | None = ring
        for _ in range(TRIES_MAX):
            assert current is not None, "a ring is never removed"
            without = current
            for grant in done:
                without = without.withdrawn(grant)
            if without.left == current.left:
                return current
            saved = await self.table.save(without)
            if isinstance(saved, Success):
                return saved.unwrap()
            current = await self.table.ring(ring.scope)
        raise ConcurrencyExhausted("the ring was changed too often; its permissions are withdrawn")
