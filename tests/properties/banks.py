"""A bank for long stories: every answer follows from the order, the script and nothing else."""

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.domain.payouts.replies import EnquiryReply, NeverSeen, PayReply
from fintech.domain.scope import Scope
from fintech.ports.payout_bank import PayoutOrder, RecallOrder
from tests.properties.acquirers import answered


class StoryBank(SimulatedPayoutBank):
    """The simulator; ``dies`` as with the acquirer. Once it ``speaks``, it hides nothing: somebody has gone there."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, answer_timeout_s=0)
        self.dies: list[str] = []
        self.speaks = False

    async def pay(self, scope: Scope, order: PayoutOrder) -> PayReply:
        return await answered(self.dies, super().pay(scope, order))

    async def recall(self, scope: Scope, order: RecallOrder) -> PayReply:
        return await answered(self.dies, super().recall(scope, order))

    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        if self.speaks:
            order = self._memory.orders.get(request)
            return NeverSeen() if order is None else order.reply(self._clock.now())
        return await answered(self.dies, super().enquire(scope, request))
