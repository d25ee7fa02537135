"""Moving: every ring that hangs from one root key of the bank is hung from another (KMS: ReEncrypt). No data are written:
merchants' keys stay what they are, and only what they are wrapped by changes.

A ring is moved in one save, with all its versions; what it was permitted by at the old root key is withdrawn afterwards.
Readers have one or the other, and both open.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias

from attrs import define, frozen

from fintech.application.auditing import Audited, Deed, Ending
from fintech.application.commits import TRIES_MAX, NotFound
from fintech.application.keys.permissions import AwaitPermission, WithdrawLeft
from fintech.domain.audit import AuditAction
from fintech.domain.keys.custody import CmkName, Derivation, KeyRing, KeyStatus, KeyVersion
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.errors import ConcurrencyExhausted
from fintech.ports.key_root import KeyRoot, RootRefused, WrapContext, Wrapped
from fintech.ports.key_table import KeyTable

PAGE: Final = 100
#: How many rings are moved at once.
AT_ONCE: Final = 4
#: So many rings in a row that the root refuses as a whole, or does not answer for, are no longer their own fault.
REFUSED_MAX: Final = 20


@frozen
class Tied:
    """Some versions are derived from the root key itself (`Derivation.DERIVED`), and would be other keys under another:
    rotate to the new root key, seal anew, retire."""

    numbers: tuple[int, ...]


MoveRefused: TypeAlias = NotFound | Tied | RootRefused


@frozen(kw_only=True)
class Moved:
    """What became of one ring: how many versions were moved now, and why it is not, or not all, over there."""

    scope: Scope
    versions: int
    why: MoveRefused | None = None


@frozen(kw_only=True)
class MovedAll:
    """What a run came to. ``stopped``: the root refused so many in a row that the others were not tried."""

    rings: int
    moved: int
    troubled: int
    stopped: bool


@define
class _Run:
    rings: int = 0
    moved: int = 0
    troubled: int = 0
    in_a_row: int = 0

    def count(self, moved: Moved) -> None:
        self.rings += 1
        self.moved += moved.versions > 0
        self.troubled += moved.why is not None
        self.in_a_row = self.in_a_row + 1 if isinstance(moved.why, RootRefused) else 0

    @property
    def hopeless(self) -> bool:
        return self.in_a_row >= REFUSED_MAX


@frozen(kw_only=True)
class MoveRing:
    """Hang one ring from another root key."""

    table: KeyTable
    root: KeyRoot
    audited: Audited
    await_permission: AwaitPermission
    withdraw: WithdrawLeft
    environment: str

    async def __call__(self, actor: Actor, scope: Scope, old: CmkName, new: CmkName) -> Moved:
        """What became of it. What is there already stays. Raises what the key table and the audit trail raise."""
        ring = await self.table.ring(scope)
        if ring is None:
            return Moved(scope=scope, versions=0, why=NotFound("ring of keys", scope.merchant))
        deed = Deed(
            actor=actor, action=AuditAction.KEY_MOVED, subject=ring.id, scope=scope, details={"to": new}
        )
        async with self.audited.attempt(deed) as ending:
            hung = await self._hung(ring, old, new, ending)
        if isinstance(hung, Failure):
            return Moved(scope=scope, versions=0, why=hung.failure())
        return await self._left(scope, old, *hung.unwrap())

    async def _hung(
        self, ring: KeyRing, old: CmkName, new: CmkName, ending: Ending
    ) -> Outcome[tuple[int, Tied | None], NotFound | RootRefused]:
        """How many versions hang from the new root key that did not, and which cannot."""
        done: dict[int, tuple[bytes, Wrapped]] = {}
        current: KeyRing | None = ring
        for _ in range(TRIES_MAX):
            assert current is not None, "a ring is never removed"
            if any(grant.cmk == new for grant in current.left):
                # or it would be withdrawn when it is needed again
                withdrawn = await self.withdraw(ring.scope, new)
                if isinstance(withdrawn, Failure):
                    return withdrawn
                current = withdrawn.unwrap()
            keys = [key for key in current.keys if key.cmk == old and key.status is not KeyStatus.RETIRED]
            movable = [key for key in keys if key.derivation is Derivation.WRAPPED]
            numbers = tuple(key.number for key in keys if key.derivation is Derivation.DERIVED)
            tied = Tied(numbers) if numbers else None
            if not movable:
                return Success((0, tied))
            await ending.begin()
            rewrapped = await self._rewrapped(current, movable, new, done)
            if isinstance(rewrapped, Failure):
                ending.failed(code=rewrapped.failure().code)
                return rewrapped
            if isinstance(await self.table.save(rewrapped.unwrap()), Success):
                ending.details["versions"] = len(movable)
                return Success((len(movable), tied))
            current = await self.table.ring(ring.scope)
        raise ConcurrencyExhausted("the ring was changed too often meanwhile; it is not moved")

    async def _rewrapped(
        self, ring: KeyRing, keys: list[KeyVersion], new: CmkName, done: dict[int, tuple[bytes, Wrapped]]
    ) -> Outcome[KeyRing, RootRefused]:
        """The ring as it will be. ``done`` remembers what was rewrapped before the ring changed under us."""
        for key in keys:
            context = WrapContext(self.environment, ring.scope, key.number)
            if done.get(key.number, (b"",))[0] != key.wrapped:
                outcome = await self.root.rewrap(key.cmk, context, Wrapped(key.wrapped, key.grant), new)
                if isinstance(outcome, Failure):
                    return outcome
                refused = await self.await_permission(new, context, outcome.unwrap())
                if refused is not None:
                    return Failure(refused)
                done[key.number] = (key.wrapped, outcome.unwrap())
            wrapped = done[key.number][1]
            ring = ring.rewrapped(key.number, new, wrapped.blob, wrapped.grant)
        return Success(ring)

    async def _left(self, scope: Scope, old: CmkName, versions: int, tied: Tied | None) -> Moved:
        """What cannot be withdrawn at once is come back to in the same run, and told then."""
        withdrawn = await self.withdraw(scope, old)
        untold = isinstance(withdrawn, Success) or versions
        return Moved(scope=scope, versions=versions, why=tied if untold else withdrawn.failure())


@frozen(kw_only=True)
class MoveRings:
    """Hang all rings of a root key from another one, one after the other.

    A run that was ended anywhere is run again: what is moved is not found under the old root key any more, and what was
    left there to be withdrawn is found under the new one.
    """

    table: KeyTable
    move_ring: MoveRing

    async def __call__(
        self, actor: Actor, old: CmkName, new: CmkName, told: Callable[[Moved], None]
    ) -> MovedAll:
        """``told`` is called about each ring that was moved, or should have been. One that is refused does not stop the
        others, but `REFUSED_MAX` in a row do. Raises ``ValueError`` for a move to itself."""
        if old == new:
            message = "a move leads from one root key to another"
            raise ValueError(message)
        run = _Run()
        for finding in (self._under(old), self._left_at(old, new)):
            await self._each(finding, run, lambda scope: self.move_ring(actor, scope, old, new), told)
        return MovedAll(rings=run.rings, moved=run.moved, troubled=run.troubled, stopped=run.hopeless)

    async def _each(
        self,
        scopes: AsyncIterator[Scope],
        run: _Run,
        move: Callable[[Scope], Awaitable[Moved]],
        told: Callable[[Moved], None],
    ) -> None:
        taking = asyncio.Lock()

        async def take() -> Scope | None:
            async with taking:
                return None if run.hopeless else await anext(scopes, None)

        async def mover() -> None:
            while (scope := await take()) is not None:
                moved = await move(scope)
                run.count(moved)
                told(moved)

        try:
            async with asyncio.TaskGroup() as movers:
                for _ in range(AT_ONCE):
                    movers.create_task(mover())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _under(self, cmk: CmkName) -> AsyncIterator[Scope]:
        after: Scope | None = None
        while page := await self.table.rings(cmk, after, PAGE):
            for ring in page:
                yield ring.scope
            after = page[-1].scope

    async def _left_at(self, old: CmkName, new: CmkName) -> AsyncIterator[Scope]:
        """Rings that are over there, and whose permission over here was not withdrawn when a run ended."""
        after: Scope | None = None
        while page := await self.table.rings(new, after, PAGE):
            for ring in page:
                hanging = any(key.cmk == old and key.status is not KeyStatus.RETIRED for key in ring.keys)
                if not hanging and any(grant.cmk == old for grant in ring.left):
                    yield ring.scope
            after = page[-1].scope
