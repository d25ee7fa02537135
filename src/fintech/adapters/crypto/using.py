"""Whose keys this process may have in use: told to the key table before any is lent, so that the sweep asks the root for them
and hardly for anybody else."""

import asyncio

from attrs import define, field

from fintech.adapters.crypto.background import Background
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.key_table import LISTED_MAX, KeyTable


@define(eq=False, kw_only=True)
class Uses:
    """What is told holds for a lease, and as long again for clocks that are not the sweep's. It is told with every lease and
    not remembered: many who wait are told of in one statement."""

    table: KeyTable
    clock: Clock
    timing: CustodyTiming
    background: Background
    _waiting: dict[Scope, None] = field(factory=dict, init=False)
    _telling: "asyncio.Task[None] | None" = field(default=None, init=False)
    _one_at_a_time: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def tell(self, scope: Scope) -> None:
        """The key table knows when it returns. Raises `StoreUnavailable`."""
        self._waiting[scope] = None
        if self._telling is None:
            self._telling = self.background.start(self._tell())
        await asyncio.shield(self._telling)

    async def _tell(self) -> None:
        async with self._one_at_a_time:  # who comes while others are told of is told of with the next
            scopes, self._waiting, self._telling = tuple(self._waiting), {}, None
            until = self.clock.now() + 2 * self.timing.lease
            for at in range(0, len(scopes), LISTED_MAX):
                await self.table.use(scopes[at : at + LISTED_MAX], until)
