"""What the simulated bank knows, and the lines by which it knows it after a restart and in every process."""

import json
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final

from attrs import define, field, frozen

from fintech.adapters.simulator.bank_accounts import BY_NAME, Behaviour
from fintech.domain.ids import MerchantId
from fintech.domain.payouts.replies import Accepted, Paid, PayReply, Rejected
from fintech.domain.scope import Scope
from fintech.ports.payout_bank import ArrivalNotice, PayoutNotice, ReturnNotice

#: How much a long-running sandbox remembers, in orders; the oldest are forgotten first.
REMEMBERED_MAX: Final = 100_000

#: How long an accepted order takes to arrive, and one that comes back to do so.
ARRIVES_AFTER: Final = timedelta(seconds=3)
RETURNS_AFTER: Final = timedelta(seconds=3)
#: A reference is the request that it answers, so that the simulator needs no second index.
_REFERENCE: Final = "bank_"


@frozen(kw_only=True)
class Order:
    """An order or a recall that arrived. ``account`` is the name of the test account: no number is ever kept."""

    request: str
    scope: Scope
    account: str
    at: datetime
    instant: bool = False
    recall: bool = False

    @property
    def arrival_at(self) -> datetime:
        """When the money is there."""
        return self.at if self.instant else self.at + ARRIVES_AFTER

    @property
    def rejected(self) -> bool:
        """Whether the bank does not do it."""
        behaviour = BY_NAME[self.account].behaviour
        return behaviour is (Behaviour.PAY_AND_KEEP if self.recall else Behaviour.REJECT)

    def reply(self, now: datetime) -> PayReply:
        """What the bank says of it at a moment."""
        if self.rejected:
            return Rejected(BY_NAME[self.account].failure)
        reference = _REFERENCE + self.request
        if self.arrival_at <= now:
            return Paid(reference=reference)
        return Accepted(reference=reference, arrival_at=self.arrival_at)

    def notices(self) -> list[tuple[datetime, PayoutNotice]]:
        """What the bank says of its own accord, each from a moment on."""
        account = BY_NAME[self.account]
        if self.rejected or account.behaviour is Behaviour.SILENT:
            return []
        told: list[tuple[datetime, PayoutNotice]] = []
        if not self.instant:
            arrived = ArrivalNotice(
                f"{self.request}.arrived", self.scope, self.request, _REFERENCE + self.request
            )
            told.append((self.arrival_at, arrived))
        if account.behaviour is Behaviour.PAY_AND_RETURN and not self.recall:
            returned = ReturnNotice(f"{self.request}.returned", self.scope, self.request, account.failure)
            told.append((self.arrival_at + RETURNS_AFTER, returned))
        return told


@define
class BankMemory:
    """What the bank knows: orders by request, and what it has to say."""

    orders: dict[str, Order] = field(factory=dict)
    lost: dict[str, None] = field(factory=dict)  #: orders whose first delivery was lost
    untold: dict[str, tuple[datetime, PayoutNotice]] = field(factory=dict)

    def remember(self, order: Order) -> bool:
        """Whether the order was new."""
        if order.request in self.orders:
            return False
        if len(self.orders) >= REMEMBERED_MAX:
            del self.orders[next(iter(self.orders))]
        self.orders[order.request] = order
        self.untold.update((notice.notice, (since, notice)) for since, notice in order.notices())
        return True

    def lose(self, request: str) -> bool:
        """Whether this delivery is lost: the first one is."""
        if request in self.lost or request in self.orders:
            return False
        if len(self.lost) >= REMEMBERED_MAX:
            del self.lost[next(iter(self.lost))]
        self.lost[request] = None
        return True

    def told(self, now: datetime, limit: int) -> tuple[PayoutNotice, ...]:
        """What the bank has to say by now, oldest first."""
        due = [told for told in self.untold.values() if told[0] <= now]
        due.sort(key=itemgetter(0))
        return tuple(notice for _, notice in due[:limit])

    def recall(self, line: bytes) -> None:
        """Remember what a line of the journal says; the last one of a killed process may be half written."""
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if "order" in entry:
            self.remember(
                Order(
                    request=entry["order"],
                    scope=Scope(MerchantId(entry["merchant"]), livemode=False),
                    account=entry["account"],
                    at=datetime.fromisoformat(entry["at"]),
                    instant=entry["instant"],
                    recall=entry["recall"],
                )
            )
        elif "lost" in entry:
            self.lost[entry["lost"]] = None
        elif "acknowledged" in entry:
            self.untold.pop(entry["acknowledged"], None)


def written(order: Order) -> dict[str, Any]:
    """An order as a line of the journal."""
    return {
        "order": order.request,
        "merchant": order.scope.merchant,
        "account": order.account,
        "at": order.at.isoformat(),
        "instant": order.instant,
        "recall": order.recall,
    }
