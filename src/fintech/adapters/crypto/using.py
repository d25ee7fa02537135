"""Whose keys this process may have in use: told to the key table before any is lent, so that the sweep asks the root for them
and hardly for anybody else."""

import asyncio
from datetime import datetime

from attrs import define, field

from fintech.adapters.crypto.background import Background
from fintech.adapters.crypto.roots import NEVER
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.key_table import LISTED_MAX, KeyTable


@define(eq=False, kw_only=True)
class Uses:
    """What is told holds for ``told_every``, in which nothing is told again, and for a lease that is lent at the end of it. Many
    who wait are told of in one statement; at most ``known_max`` merchants are remembered as told of."""

    table: KeyTable
    clock: Clock
    timing: CustodyTiming
    background: Background
    known_max: int
    _known: set[Scope] = field(factory=set, init=False)
    _known_until: datetime = field(default=NEVER, init=False)
    _waiting: dict[Scope, None] = field(factory=dict, init=False)
    _telling: "asyncio.Task[None] | None" = field(default=None, init=False)
    _one_at_a_time: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def tell(self, scope: Scope) -> None:
        """The key table knows when it returns. Raises `StoreUnavailable`."""
        if self.clock.now() >= self._known_until or len(self._known) >= self.known_max:
            self._known.clear()
            self._known_until = self.clock.now() + self.timing.told_every
        if scope in self._known:
            return
        self._waiting[scope] = None
        if self._telling is None:
            self._telling = self.background.start(self._tell())
        await asyncio.shield(self._telling)

    async def _tell(self) -> None:
        async with self._one_at_a_time:  # who comes while others are told of is told of with the next
            scopes, self._waiting, self._telling = tuple(self._waiting), {}, None
            # Twice a lease: once for the lease, and once for clocks that are not the sweep's.
            until = self.clock.now() + self.timing.told_every + 2 * self.timing.lease
            for at in range(0, len(scopes), LISTED_MAX):
                await self.table.use(scopes[at : at + LISTED_MAX], until)
            self._known.update(scopes)
