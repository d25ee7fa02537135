"""Rotation: a merchant's ring gets a new version that seals, and the one before only opens from then on (PCI DSS 3.7.4)."""

from typing import TypeAlias

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import TRIES_MAX, NotFound
from fintech.application.keys.permissions import AwaitPermission, WithdrawLeft
from fintech.domain.audit import AuditAction
from fintech.domain.keys.custody import CmkName, KeyRing, KeyStatus, KeyVersion, RotationRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted
from fintech.ports.key_root import KeyRoot, RootRefused, WrapContext, Wrapped
from fintech.ports.key_table import KeyTable

RotateRefused: TypeAlias = NotFound | RotationRefused | RootRefused


@frozen(kw_only=True)
class RotateKey:
    """Make the next version of a merchant's key."""

    table: KeyTable
    root: KeyRoot
    clock: Clock
    audited: Audited
    await_permission: AwaitPermission
    withdraw: WithdrawLeft
    environment: str

    async def __call__(
        self, actor: Actor, scope: Scope, cmk: CmkName | None = None
    ) -> Outcome[KeyRing, RotateRefused]:
        """The ring with its new version, under the same root key or another one.

        Whoever rotates a ring that somebody else rotates meanwhile gets that ring: there is one new version, not two.
        Raises `ConcurrencyExhausted`; then, as after every other exception, either nothing was done or all of it.
        """
        ring = await self.table.ring(scope)
        if ring is None or not ring.keys:
            return Failure(NotFound("key", scope.merchant))
        before = ring.keys[-1].number
        under = cmk or ring.keys[-1].cmk
        refused = _with_next(ring, under, Wrapped(b""), self.clock)
        if isinstance(refused, Failure):
            return refused
        if any(grant.cmk == under for grant in ring.left):
            withdrawn = await self.withdraw(scope, under)
            if isinstance(withdrawn, Failure):
                return withdrawn
        details: dict[str, str | int] = {"number": before + 1, "cmk": under}
        deed = Deed(
            actor=actor, action=AuditAction.KEY_ROTATED, subject=ring.id, scope=scope, details=details
        )
        async with self.audited.deed(deed) as ending:
            made = await self._made(ring, under, before + 1)
            if isinstance(made, Failure):
                ending.failed(code=made.failure().code)
                return made
            saved = await self._saved(scope, before, under, made.unwrap())
            ending.came_to(saved)
        return saved

    async def _saved(
        self, scope: Scope, before: int, cmk: CmkName, made: Wrapped
    ) -> Outcome[KeyRing, RotationRefused]:
        for _ in range(TRIES_MAX):
            ring = await self.table.ring(scope)
            assert ring is not None, "a ring is never removed"
            if ring.keys[-1].number != before:
                return Success(ring)
            rotated = _with_next(ring, cmk, made, self.clock)
            if isinstance(rotated, Failure):
                return rotated
            saved = await self.table.save(rotated.unwrap())
            if isinstance(saved, Success):
                return Success(saved.unwrap())
        raise ConcurrencyExhausted("the ring was changed too often meanwhile; it is not rotated")

    async def _made(self, ring: KeyRing, cmk: CmkName, number: int) -> Outcome[Wrapped, RootRefused]:
        """First every permission that the ring has is asked for: the root makes one that the bank has taken back anew,
        and with it every older version would open again."""
        for key in {key.cmk: key for key in ring.keys if key.status is not KeyStatus.RETIRED}.values():
            known = Wrapped(key.wrapped, key.grant)
            asked = await self.root.authorise(
                key.cmk, WrapContext(self.environment, ring.scope, key.number), known
            )
            if isinstance(asked, Failure):
                return asked
        context = WrapContext(self.environment, ring.scope, number)
        created = await self.root.create(cmk, context)
        if isinstance(created, Failure):
            return created
        refused = await self.await_permission(cmk, context, created.unwrap())
        return created if refused is None else Failure(refused)


def _with_next(
    ring: KeyRing, cmk: CmkName, wrapped: Wrapped, clock: Clock
) -> Outcome[KeyRing, RotationRefused]:
    """With the next version, made now: older than the moment from which on it is there for others."""
    last = ring.keys[-1]
    return ring.rotated(
        KeyVersion(
            number=last.number + 1,
            status=KeyStatus.ACTIVE,
            cmk=cmk,
            derivation=last.derivation,
            wrapped=wrapped.blob,
            grant=wrapped.grant,
            created_at=clock.now(),
        )
    )
