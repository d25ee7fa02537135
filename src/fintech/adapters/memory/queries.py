"""Lists in memory, in the same order and with the same cursors as the database's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from fintech.adapters.memory.paging import listed as _listed
from fintech.adapters.memory.store import Memory
from fintech.domain.api_keys import ApiKey
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Aggregate, Event
from fintech.domain.ids import BankAccountId, ChargeId, MovementId, PaymentId, PayoutId
from fintech.domain.ledger import Transfer, TransferKind
from fintech.domain.lines import change_of, line_amounts, touches_balance
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import PayableLine, Remittance
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import EndpointStatus, WebhookEndpoint
from fintech.domain.write_offs import WriteOff
from fintech.ports.queries import ALL_TERMINALS, Listed, MovementLine, Page, Queries, Wanted

T = TypeVar("T")
A = TypeVar("A", bound=Aggregate)


class _Dated(Protocol):
    """Whatever says when it was made."""

    @property
    def created_at(self) -> datetime: ...


class MemoryQueries(Queries):
    """Reads the memory of a `MemoryStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def payments(self, scope: Scope, page: Page) -> Listed[Payment]:
        return _listed(self._all(Payment, scope), page, lambda payment: payment.id, _created)

    async def charges(
        self, scope: Scope, page: Page, payment: PaymentId | None = None
    ) -> Listed[tuple[Payment, ChargeId]]:
        charges = [
            (each, attempt.id)
            for each in self._all(Payment, scope)
            if payment is None or each.id == payment
            for attempt in each.attempts
        ]
        return _listed(charges, page, lambda charge: charge[1], _sent)

    async def refunds(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Refund]:
        refunds = [
            refund for refund in self._all(Refund, scope) if payment is None or refund.payment == payment
        ]
        return _listed(refunds, page, lambda refund: refund.id, _created)

    async def payment_methods(self, scope: Scope, page: Page) -> Listed[PaymentMethod]:
        return _listed(self._all(PaymentMethod, scope), page, lambda method: method.id, _created)

    async def bank_accounts(self, scope: Scope, page: Page) -> Listed[BankAccount]:
        kept = [each for each in self._all(BankAccount, scope) if each.removed_at is None]
        return _listed(kept, page, lambda account: account.id, _created)

    async def payouts(
        self,
        scope: Scope,
        page: Page,
        statuses: Sequence[PayoutStatus] = (),
        destination: BankAccountId | None = None,
    ) -> Listed[Payout]:
        payouts = [
            each
            for each in self._all(Payout, scope)
            if (not statuses or each.status in statuses) and destination in (None, each.destination)
        ]
        return _listed(payouts, page, lambda payout: payout.id, _created)

    async def remittances(self, scope: Scope, payout: PayoutId) -> Sequence[Remittance]:
        pages = [each for each in self._all(Remittance, scope) if each.payout == payout]
        return sorted(pages, key=lambda each: each.id)

    async def disputes(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Dispute]:
        disputes = [each for each in self._all(Dispute, scope) if payment is None or each.payment == payment]
        return _listed(disputes, page, lambda dispute: dispute.id, _created)

    async def write_offs(self, scope: Scope, page: Page) -> Listed[WriteOff]:
        return _listed(self._all(WriteOff, scope), page, lambda write_off: write_off.id, _created)

    async def locations(self, scope: Scope, page: Page) -> Listed[Location]:
        kept = [each for each in self._all(Location, scope) if each.removed_at is None]
        return _listed(kept, page, lambda location: location.id, _created)

    async def terminals(self, scope: Scope, page: Page, wanted: Wanted = ALL_TERMINALS) -> Listed[Terminal]:
        found = [each for each in self._all(Terminal, scope) if _is_wanted(each, wanted)]
        return _listed(found, page, lambda terminal: terminal.id, _created)

    async def webhook_endpoints(self, scope: Scope, page: Page) -> Listed[WebhookEndpoint]:
        kept = [
            each for each in self._all(WebhookEndpoint, scope) if each.status is not EndpointStatus.REMOVED
        ]
        return _listed(kept, page, lambda endpoint: endpoint.id, _created)

    async def events(self, scope: Scope, page: Page, types: Sequence[str] = ()) -> Listed[Event]:
        log = [event for (where, _), event in self._memory.events.items() if where == scope]
        places: dict[str, str] = {event.id: f"{place:020d}" for place, event in enumerate(log)}
        wanted = [event for event in log if not types or event.type in types]
        return _listed(wanted, page, lambda event: event.id, lambda event: event.at, places)

    async def movements(
        self, scope: Scope, page: Page, kinds: Sequence[TransferKind] = ()
    ) -> Listed[MovementLine]:
        wanted = [line for line in self._movements(scope) if not kinds or line.kind in kinds]
        return _listed(wanted, page, lambda line: line.id, lambda line: line.legs[0].at)

    async def movement(self, scope: Scope, id: MovementId) -> MovementLine | None:
        return next(iter(await self.movements_of(scope, (id,))), None)

    async def movements_of(self, scope: Scope, ids: Sequence[MovementId]) -> Sequence[MovementLine]:
        return [line for line in self._movements(scope) if line.id in ids]

    async def payable_lines(
        self, scope: Scope, after: MovementId | None, limit: int
    ) -> Sequence[PayableLine]:
        lines = [
            PayableLine(line.id, line_amounts(line.legs).net_minor, line.legs[0].at)
            for line in self._movements(scope)
            if line.kind is not TransferKind.PAYOUT and (after is None or line.id > after)
        ]
        return sorted(lines, key=lambda line: line.movement)[:limit]

    async def lines(
        self,
        scope: Scope,
        start: datetime,
        end: datetime,
        limit: int,
        after: MovementLine | None = None,
    ) -> Sequence[MovementLine]:
        wanted = [
            line
            for line in self._movements(scope)
            if start <= line.legs[0].at < end and (after is None or line.id > after.id)
        ]
        return sorted(wanted, key=lambda line: line.id)[:limit]

    async def balance_before(self, scope: Scope, moment: datetime) -> int:
        return sum(
            change_of(transfer)
            for (where, _), transfer in self._memory.transfers.items()
            if where == scope and transfer.at < moment
        )

    async def merchants(self, livemode: bool, page: Page) -> Listed[Merchant]:
        merchants = [
            aggregate
            for (scope, _), aggregate in self._memory.aggregates.items()
            if isinstance(aggregate, Merchant) and scope.livemode is livemode
        ]
        return _listed(merchants, page, lambda merchant: merchant.id, _created)

    async def api_keys(self, scope: Scope) -> Sequence[ApiKey]:
        return sorted(self._all(ApiKey, scope), key=lambda key: key.id)

    def _all(self, kind: type[A], scope: Scope) -> list[A]:
        return [
            aggregate
            for (where, _), aggregate in self._memory.aggregates.items()
            if where == scope and isinstance(aggregate, kind)
        ]

    def _movements(self, scope: Scope) -> list[MovementLine]:
        legs: dict[MovementId, list[Transfer]] = {}
        for (where, _), transfer in self._memory.transfers.items():
            if where == scope:
                legs.setdefault(transfer.id.movement_id, []).append(transfer)
        lines = [
            MovementLine(id=id, legs=tuple(sorted(each, key=lambda leg: leg.id))) for id, each in legs.items()
        ]
        return [line for line in lines if touches_balance(line.legs)]


def _is_wanted(terminal: Terminal, wanted: Wanted) -> bool:
    presence = wanted.presence
    return (
        wanted.location in (None, terminal.location)
        and wanted.serial in (None, terminal.serial)
        and (not wanted.statuses or terminal.status in wanted.statuses)
        and (presence is None or terminal.online(presence.at) is presence.online)
    )


def _created(aggregate: _Dated) -> datetime:
    return aggregate.created_at


def _sent(charge: tuple[Payment, ChargeId]) -> datetime:
    payment, id = charge
    return next(attempt.sent_at for attempt in payment.attempts if attempt.id == id)
