"""Sealing anew: what an older version of a merchant's key sealed, by the version that seals now. Lazily here, for what somebody
opens anyway; the sweep (`keys.resealing`) does it for what nobody opens, and for whatever is left here.

The reader has his answer first: what he opened is sealed at once, under the lease that he has in hand, and put in its
place behind his back. Where too much is on its way, or anything fails, it is left to the sweep.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from fintech.domain.keys.columns import COLUMNS
from fintech.domain.scope import Scope
from fintech.ports.errors import LeaseEnded, PortError
from fintech.ports.key_vault import Lease
from fintech.ports.protected_store import ProtectedStore, SealedValue

#: How many values of one read are sealed anew, which takes a millisecond of everybody's time; and how many reads' values may
#: be on their way at once, each with a connection of the store's.
VALUES_MAX: Final = 50
UNDER_WAY_MAX: Final = 2

_log = logging.getLogger(__name__)


def sealed_anew(lease: Lease, value: SealedValue, plain: bytes) -> SealedValue | None:
    """A value whose content has been opened, sealed by the version that seals now, with its index; None where the index that
    it has is not that of its content. Raises `LeaseEnded`."""
    column = COLUMNS[value.place.table, value.place.column]
    index = None
    if column.alike is not None:
        alike = column.indexed(plain)
        if value.index not in (None, lease.index(column.index_name, alike, value.number)):
            return None
        index = lease.index(column.index_name, alike)
    return SealedValue(
        place=value.place,
        number=lease.number,
        message=lease.seal(column.purpose, value.place, plain),
        index=index,
        put_at=value.put_at,
    )


@define
class TouchedFigures:
    """Values that were sealed anew because somebody opened them, and those for which that failed."""

    done: int = 0
    failed: int = 0


@define(eq=False, kw_only=True)
class ResealTouched:
    """Seals anew what has been opened. To be closed with what it stores in."""

    protected: ProtectedStore
    figures: TouchedFigures = field(factory=TouchedFigures, init=False)
    _under_way: set[asyncio.Task[None]] = field(factory=set, init=False)

    def __call__(self, lease: Lease, opened: Sequence[tuple[SealedValue, bytes]]) -> None:
        """Some values and what is in them, of which those count that are older than the lease. Waits for nothing and raises
        nothing."""
        older = [(value, plain) for value, plain in opened if value.number < lease.number]
        if not older or len(self._under_way) >= UNDER_WAY_MAX:
            return
        try:
            made = [(value, sealed_anew(lease, value, plain)) for value, plain in older[:VALUES_MAX]]
        except LeaseEnded:
            return  # it opens and seals no more, or the bank has just taken it back
        anew = [(before, after) for before, after in made if after is not None]
        task = asyncio.get_running_loop().create_task(self._put(lease.scope, anew))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        """Give up what is on its way: it is older still, and the sweep finds it."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _put(self, scope: Scope, anew: Sequence[tuple[SealedValue, SealedValue]]) -> None:
        for at, (before, after) in enumerate(anew):
            try:
                replaced = await self.protected.replace(scope, before, after)
            except PortError as error:
                self.figures.failed += len(anew) - at
                _log.info("what was opened is not sealed anew", extra={"error": type(error).__name__})
                return
            self.figures.done += replaced
