"""A bank, in process: it pays as the test account says, or as a test scripts the next calls. No money ever moves.

It keeps the promises of a real one: the same order is done once however often it arrives, and what it has to say of its
own accord is said until it is acknowledged.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fintech.adapters.simulator.bank_accounts import BY_NAME, BY_NUMBER, NOBODYS, Behaviour
from fintech.adapters.simulator.bank_memory import BankMemory, Order, written
from fintech.adapters.simulator.card_acquirer import Fault
from fintech.adapters.simulator.journal import Journal
from fintech.domain.payouts.payout import PayoutFailure, PayoutMethod
from fintech.domain.payouts.replies import EnquiryReply, NeverSeen, PayReply, Rejected, Unknown
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.payout_bank import PayoutBank, PayoutNotice, PayoutOrder, RecallOrder

#: How long a caller waits for an answer that does not come.
ANSWER_TIMEOUT_S: Final = 0.25
#: How far ahead the window of a standard payout is: long enough to cancel one, short enough to see it sent.
WINDOW_AFTER: Final = timedelta(seconds=5)

_ANSWER_FAULTS: Final = (Fault.ANSWER_LOST, Fault.ANSWER_LATE)


class SimulatedPayoutBank(PayoutBank):
    """``script`` names the faults of the next calls, one each; ``journal`` keeps the memory across restarts and shares
    it among processes. ``clock`` says when money has arrived."""

    def __init__(
        self,
        clock: Clock,
        *,
        script: Iterable[Fault | None] = (),
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        journal: Path | None = None,
    ) -> None:
        self.script = deque(script)
        self.calls: list[str] = []
        self._clock = clock
        self._timeout_s = answer_timeout_s
        self._memory = BankMemory()
        self._journal = Journal(journal, self._memory) if journal else None

    def close(self) -> None:
        """Let the journal go."""
        if self._journal is not None:
            self._journal.close()

    def serves(self, scope: Scope) -> bool:
        return not scope.livemode

    def next_window(self, method: PayoutMethod, at: datetime) -> datetime:
        return at if method is PayoutMethod.INSTANT else at + WINDOW_AFTER

    async def pay(self, scope: Scope, order: PayoutOrder) -> PayReply:
        account = BY_NUMBER.get(order.number, NOBODYS)
        instant = order.method is PayoutMethod.INSTANT
        return await self._deliver(scope, order.request, account.name, instant=instant)

    async def recall(self, scope: Scope, order: RecallOrder) -> PayReply:
        self._catch_up()
        original = self._memory.orders.get(order.original_request)
        if original is None:
            return Rejected(PayoutFailure.COULD_NOT_PROCESS)
        return await self._deliver(scope, order.request, original.account, recall=True)

    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        del scope
        self._catch_up()
        self.calls.append(f"enquire {request}")
        fault = self.script.popleft() if self.script else None
        order = self._memory.orders.get(request)
        silent = order is not None and BY_NAME[order.account].behaviour is Behaviour.SILENT
        if fault in (Fault.QUESTION_LOST, *_ANSWER_FAULTS) or silent:
            await asyncio.sleep(self._timeout_s)
            return Unknown("no answer to the enquiry")
        return NeverSeen() if order is None else order.reply(self._clock.now())

    async def notices(self, limit: int) -> tuple[PayoutNotice, ...]:
        self._catch_up()
        return self._memory.told(self._clock.now(), limit)

    async def acknowledge(self, notice: str) -> None:
        self._memory.untold.pop(notice, None)
        self._keep({"acknowledged": notice})

    async def _deliver(
        self, scope: Scope, request: str, account: str, *, instant: bool = False, recall: bool = False
    ) -> PayReply:
        if scope.livemode:
            return Rejected(PayoutFailure.COULD_NOT_PROCESS)
        self._catch_up()
        self.calls.append(request)
        fault = self.script.popleft() if self.script else None
        behaviour = Behaviour.PAY if recall else BY_NAME[account].behaviour
        if fault is Fault.QUESTION_LOST or (behaviour is Behaviour.LOSE_ORDER and self._lost(request)):
            await asyncio.sleep(self._timeout_s)
            return Unknown("the order was lost")
        now = self._clock.now()
        order = Order(request=request, scope=scope, account=account, at=now, instant=instant, recall=recall)
        if self._memory.remember(order):
            self._keep(written(order))
        if fault in _ANSWER_FAULTS or behaviour in (Behaviour.PAY_AND_LOSE_ANSWER, Behaviour.SILENT):
            await asyncio.sleep(self._timeout_s)
            return Unknown("the answer was lost")
        return self._memory.orders[request].reply(now)

    def _lost(self, request: str) -> bool:
        lost = self._memory.lose(request)
        if lost:
            self._keep({"lost": request})
        return lost

    def _catch_up(self) -> None:
        if self._journal is not None:
            self._journal.catch_up()

    def _keep(self, entry: dict[str, Any]) -> None:
        if self._journal is not None:
            self._journal.write(entry)
