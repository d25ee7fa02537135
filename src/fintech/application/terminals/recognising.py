"""Whose terminal it is that sends a message, by the number in it."""

from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from fintech.domain.scope import Scope
from fintech.domain.terminals import Terminal
from fintech.ports.clock import Clock
from fintech.ports.store import Store

#: How long a process believes what it knows of a terminal: a suspended one sells nothing after that.
BELIEF: Final = timedelta(seconds=1)
BELIEFS_MAX: Final = 100_000


@frozen
class _Believed:
    who: tuple[Scope, Terminal] | None
    until: datetime


@define(kw_only=True)
class RecogniseTerminal:
    """Tells whose a number is. Remembers the answer for `BELIEF`, at most `BELIEFS_MAX` of them."""

    store: Store
    clock: Clock
    _beliefs: dict[str, _Believed] = field(factory=dict, init=False)

    async def __call__(self, number: str) -> tuple[Scope, Terminal] | None:
        """The terminal with a number, suspended and retired ones too, and whose it is; None for nobody's."""
        now = self.clock.now()
        believed = self._beliefs.get(number)
        if believed is None or believed.until <= now:
            believed = _Believed(await self.store.terminal_by_number(number), now + BELIEF)
            if len(self._beliefs) >= BELIEFS_MAX:
                self._beliefs.clear()
            self._beliefs[number] = believed
        return believed.who
