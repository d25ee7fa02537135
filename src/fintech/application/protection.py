"""Protection: what has to be sealed before it is kept, and what is opened for whoever may see it.

A lease is taken before anything is sent or committed: whoever has none is refused while there is still nothing to undo.
To record what came of something takes no lease, so that what is under way can always be brought to its end.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from fintech.application.sealing_anew import ResealTouched
from fintech.domain.keys.columns import COLUMNS, Column
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import LeaseEnded
from fintech.ports.key_vault import KeyVault, Lease
from fintech.ports.protected_store import GOT_MAX, ProtectedStore, SealedValue

#: How many records a look-up finds, the oldest.
FOUND_MAX: Final = 100

DAMAGED: Final = CustodyRefused(CustodyReason.INTEGRITY)

_NONE_KNOWN: Final[Mapping[Column, bytes]] = {}

_log: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class Protection:
    """Seals and opens the values of records. Everything raises what its ports raise."""

    vault: KeyVault
    values: ProtectedStore
    clock: Clock
    touched: ResealTouched

    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        """A merchant's keys for this request, before it does anything."""
        return await self.vault.lease(scope)

    async def keep(
        self,
        lease: Lease,
        record: str,
        values: Mapping[Column, bytes],
        indexes: Mapping[Column, bytes] = _NONE_KNOWN,
    ) -> None:
        """Seal a record's values and put them away. What the record is called after must not be known to anybody else
        yet: values are put before the commit that speaks of them, and another's would be lost. ``indexes`` are those that
        are known already. Raises `LeaseEnded`, also where the lease ended before all was put: then nothing is there."""
        at, number = self.clock.now(), lease.number
        await self.values.put(
            lease.scope,
            [
                SealedValue(
                    place=column.at(record),
                    number=number,
                    message=lease.seal(column.purpose, column.at(record), value),
                    index=indexes.get(column) or _index(lease, column, value),
                    put_at=at,
                )
                for column, value in values.items()
            ],
        )
        refused = lease.refused()
        if refused is not None:
            for table in {column.table for column in values}:
                await self.values.remove(lease.scope, table, record)
            raise LeaseEnded(refused)

    async def forget(self, scope: Scope, column: Column, record: str) -> None:
        """Remove a record's values: of a commit that came to nothing, or of a thing that is gone."""
        await self.values.remove(scope, column.table, record)

    async def read(
        self, scope: Scope, places: Sequence[Place]
    ) -> Mapping[Place, Outcome[bytes, CustodyRefused]]:
        """What is sealed at some places where something is: all of them refused where there is no lease, else one by one.
        What is not there, or is not what was sealed there, is refused with INTEGRITY and looked at no more."""
        if not places:
            return {}
        leased = await self.vault.lease(scope)
        if isinstance(leased, Failure):
            return dict.fromkeys(places, leased)
        return await self.opened(leased.unwrap(), places)

    async def read_one(self, scope: Scope, place: Place) -> Outcome[bytes, CustodyRefused]:
        """What is sealed at a place."""
        return (await self.read(scope, (place,)))[place]

    async def opened(
        self, lease: Lease, places: Sequence[Place]
    ) -> Mapping[Place, Outcome[bytes, CustodyRefused]]:
        """`read` under a lease that is there. What an older version has sealed is sealed anew behind its reader's back."""
        found = await self.sealed(lease.scope, places)
        newest = max((value.number for value in found.values()), default=0)
        if newest > lease.number:  # sealed by a version that came since the lease was taken
            renewed = await self.vault.newer(lease.scope, newest)
            if isinstance(renewed, Failure):
                return dict.fromkeys(places, renewed)
            lease = renewed.unwrap()
            found = await self.sealed(lease.scope, places)
        opened = {place: await self._opened(lease, place, found.get(place)) for place in places}
        self.touched(
            lease, [(found[at], told.unwrap()) for at, told in opened.items() if isinstance(told, Success)]
        )
        return opened

    async def find(self, lease: Lease, column: Column, value: bytes) -> Sequence[str]:
        """The records that have a value, the oldest `FOUND_MAX`: also those that were sealed by an older version. A record
        may be one that no commit speaks of."""
        indexes = [index_of(lease, column, value, number) for number in lease.numbers]
        return await self.values.find(lease.scope, column.table, column.name, indexes, FOUND_MAX)

    async def sealed(self, scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        """What is at some places, as it is sealed. It takes no lease, and tells nothing."""
        found: dict[Place, SealedValue] = {}
        for start in range(0, len(places), GOT_MAX):
            found |= await self.values.get(scope, places[start : start + GOT_MAX])
        return found

    async def _opened(
        self, lease: Lease, place: Place, value: SealedValue | None
    ) -> Outcome[bytes, CustodyRefused]:
        if value is None:
            return Failure(DAMAGED)
        opened = lease.open(COLUMNS[place.table, place.column].purpose, value.place, value.message)
        if isinstance(opened, Failure) and opened.failure().reason is CustodyReason.INTEGRITY:
            await self.values.quarantine(lease.scope, value, self.clock.now())
            _log.error(
                "a sealed value is not what was sealed there",
                extra={"merchant": lease.scope.merchant, "table": place.table, "record": place.record},
            )
        return opened


def _index(lease: Lease, column: Column, value: bytes) -> bytes | None:
    return None if column.alike is None else index_of(lease, column, value)


def index_of(lease: Lease, column: Column, value: bytes, number: int | None = None) -> bytes:
    """The blind index of a column's value, by a version of the keys."""
    return lease.index(column.index_name, column.indexed(value), number)
