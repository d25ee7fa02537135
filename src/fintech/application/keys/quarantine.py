"""Quarantine: sealed values that were set apart because they were not what was sealed there. The way back, for those with which
nothing was wrong but the keys of the moment: as after a key table was restored that was too old.

Each is opened again before it is released, so that nothing comes back that is damaged.
"""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.domain.audit import AuditAction
from fintech.domain.keys.columns import COLUMNS
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.key_vault import KeyVault, Lease
from fintech.ports.protected_store import ProtectedStore, SealedValue

#: How many values are read at once.
PAGE: Final = 200


@frozen(kw_only=True)
class Released:
    """What a run came to: values ``released``; those that do not open now either, and ``stay``; and where it ``stopped``, None at
    the end."""

    released: int
    stay: int
    stopped: Place | None


@frozen(kw_only=True)
class ListQuarantined:
    """What is set apart of a merchant."""

    protected: ProtectedStore

    async def __call__(self, scope: Scope, after: Place | None, limit: int) -> Sequence[SealedValue]:
        """In the order of table, record and column, from the one after a place on. Raises `StoreUnavailable`."""
        return await self.protected.quarantined(scope, after, limit)


@frozen(kw_only=True)
class ReleaseQuarantined:
    """Release what opens."""

    vault: KeyVault
    protected: ProtectedStore
    audited: Audited

    async def __call__(
        self, actor: Actor, scope: Scope, after: Place | None, limit: int
    ) -> Outcome[Released, CustodyRefused]:
        """Of about ``limit`` values of a merchant from a place on. Raises `AuditUnavailable` before anything is released,
        `StoreUnavailable`, and `LeaseEnded`."""
        deed = Deed(actor=actor, action=AuditAction.VALUES_RELEASED, subject=scope.merchant, scope=scope)
        released = looked_at = 0
        async with self.audited.attempt(deed) as ending:
            while page := await self.protected.quarantined(scope, after, PAGE):
                leased = await self.vault.lease(scope)  # for each page: a long run outlasts one
                if isinstance(leased, Failure):
                    ending.came_to(leased)
                    return leased
                await ending.begin()
                for value in page:
                    if _opens(leased.unwrap(), value):
                        released += await self.protected.release(scope, value)
                looked_at, after = looked_at + len(page), page[-1].place
                ending.details.update(released=released, looked_at=looked_at)
                if looked_at >= limit:
                    break
        stopped = after if looked_at >= limit else None
        return Success(Released(released=released, stay=looked_at - released, stopped=stopped))


def _opens(lease: Lease, value: SealedValue) -> bool:
    place = value.place
    column = COLUMNS.get((place.table, place.column))
    if column is None or value.number not in lease.numbers:
        return False
    return isinstance(lease.open(column.purpose, place, value.message), Success)
