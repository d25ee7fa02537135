"""The store in memory: the domain's own `apply` under a lock."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, TypeAlias, TypeVar

from attrs import evolve, field, frozen

from fintech.domain.api_keys import ApiKey
from fintech.domain.apply import ClaimState, State, apply
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.changeset import Changeset, CommitRefused, Committed
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Aggregate, Event
from fintech.domain.ids import (
    ApiKeyId,
    BalanceSettingsId,
    BankAccountId,
    DisputeId,
    EventId,
    LocationId,
    PaymentId,
    PaymentMethodId,
    PayoutId,
    RefundId,
    RemittanceId,
    TerminalId,
    WebhookEndpointId,
    WriteOffId,
)
from fintech.domain.ledger import AccountId, Balances, Transfer, aside
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Outcome, Success
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import Remittance
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.delivery import Delivery, first_delivery
from fintech.domain.webhooks.endpoint import EndpointStatus, WebhookEndpoint
from fintech.domain.write_offs import WriteOff
from fintech.ports.clock import Clock
from fintech.ports.store import Due, Store

T = TypeVar("T", bound=Aggregate)

#: Which delivery: whose, to which endpoint, of which event.
DeliveryKey: TypeAlias = tuple[Scope, WebhookEndpointId, EventId]

#: What a sweeper looks after.
Awaited: TypeAlias = Payment | Refund | Payout | BalanceSettings | Dispute

_DUE: Final[dict[Due, type[Awaited]]] = {
    Due.PAYMENTS: Payment,
    Due.REFUNDS: Refund,
    Due.PAYOUTS: Payout,
    Due.BALANCE_SETTINGS: BalanceSettings,
    Due.DISPUTES: Dispute,
}


@frozen
class Memory:
    """Everything that is stored. Tests that plant a fault reach in here."""

    state: State = field(factory=State)
    aggregates: dict[tuple[Scope, str], Aggregate] = field(factory=dict)
    events: dict[tuple[Scope, str], Event] = field(factory=dict)
    transfers: dict[tuple[Scope, str], Transfer] = field(factory=dict)
    leases: dict[tuple[Scope, str], datetime] = field(factory=dict)
    endpoints: dict[Scope, dict[WebhookEndpointId, WebhookEndpoint]] = field(factory=dict)
    outbox: dict[DeliveryKey, Delivery] = field(factory=dict)
    delivery_leases: dict[DeliveryKey, datetime] = field(factory=dict)
    failing: dict[tuple[Scope, WebhookEndpointId], datetime] = field(factory=dict)
    #: Held by whoever changes anything.
    lock: Lock = field(factory=Lock, eq=False)


class MemoryStore(Store):
    """Keeps everything until the process ends. Safe to use from several threads."""

    def __init__(self, clock: Clock, memory: Memory | None = None) -> None:
        self._clock = clock
        self.memory = memory or Memory()
        self._lock = self.memory.lock

    async def merchant(self, scope: Scope) -> Merchant | None:
        return self._load(Merchant, scope, scope.merchant)

    async def api_key(self, scope: Scope, id: ApiKeyId) -> ApiKey | None:
        return self._load(ApiKey, scope, id)

    async def payment_method(self, scope: Scope, id: PaymentMethodId) -> PaymentMethod | None:
        return self._load(PaymentMethod, scope, id)

    async def payment(self, scope: Scope, id: PaymentId) -> Payment | None:
        return self._load(Payment, scope, id)

    async def refund(self, scope: Scope, id: RefundId) -> Refund | None:
        return self._load(Refund, scope, id)

    async def balance_settings(self, scope: Scope) -> BalanceSettings | None:
        return self._load(BalanceSettings, scope, BalanceSettingsId.of(scope.merchant))

    async def bank_account(self, scope: Scope, id: BankAccountId) -> BankAccount | None:
        return self._load(BankAccount, scope, id)

    async def payout(self, scope: Scope, id: PayoutId) -> Payout | None:
        return self._load(Payout, scope, id)

    async def remittance(self, scope: Scope, id: RemittanceId) -> Remittance | None:
        return self._load(Remittance, scope, id)

    async def dispute(self, scope: Scope, id: DisputeId) -> Dispute | None:
        return self._load(Dispute, scope, id)

    async def write_off(self, scope: Scope, id: WriteOffId) -> WriteOff | None:
        return self._load(WriteOff, scope, id)

    async def location(self, scope: Scope, id: LocationId) -> Location | None:
        return self._load(Location, scope, id)

    async def terminal(self, scope: Scope, id: TerminalId) -> Terminal | None:
        return self._load(Terminal, scope, id)

    async def webhook_endpoint(self, scope: Scope, id: WebhookEndpointId) -> WebhookEndpoint | None:
        return self._load(WebhookEndpoint, scope, id)

    async def claim(self, scope: Scope, key: str) -> ClaimState | None:
        return self.memory.state.claims.get((scope, key))

    async def event(self, scope: Scope, id: EventId) -> Event | None:
        return self.memory.events.get((scope, id))

    async def balances(self, scope: Scope, accounts: Sequence[AccountId]) -> Mapping[AccountId, Balances]:
        with self._lock:
            known = self.memory.state.accounts or {}
            return {account: known.get((scope.livemode, account), Balances()) for account in accounts}

    async def books(self, scope: Scope, asked: Sequence[AccountId] = ()) -> Mapping[AccountId, Balances]:
        with self._lock:
            known = self.memory.state.accounts or {}
            return {
                account: balances
                for (livemode, account), balances in known.items()
                if livemode is scope.livemode
                and account.owner == scope.merchant
                and (account in asked or not aside(account, balances))
            }

    async def key_by_digest(self, digest: bytes) -> tuple[Scope, ApiKey] | None:
        for (scope, _), aggregate in list(self.memory.aggregates.items()):
            if isinstance(aggregate, ApiKey) and aggregate.digest == digest:
                return scope, aggregate
        return None

    async def terminal_by_number(self, number: str) -> tuple[Scope, Terminal] | None:
        for (scope, _), aggregate in list(self.memory.aggregates.items()):
            if isinstance(aggregate, Terminal) and aggregate.number == number:
                return scope, aggregate
        return None

    async def commit(self, scope: Scope, changes: Changeset) -> Outcome[Committed, CommitRefused]:
        await asyncio.sleep(0)  # a real store lets others run here, so this one does too
        with self._lock:
            memory = self.memory
            known = (scope, changes.first_event) in memory.state.committed
            outcome = apply(memory.state, scope, changes, self._clock.now())
            if isinstance(outcome, Success) and not known:
                self._keep(scope, changes)
            return outcome

    async def claim_due(
        self, kind: Due, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[tuple[Scope, str]]:
        with self._lock:
            due = self._due(_DUE[kind], now)[:limit]
            for scope, id in due:
                self.memory.leases[scope, id] = now + lease
            return due

    def _due(self, wanted: type[Awaited], now: datetime) -> list[tuple[Scope, str]]:
        found: list[tuple[datetime, Scope, str]] = []
        for (scope, id), aggregate in self.memory.aggregates.items():
            if isinstance(aggregate, wanted) and aggregate.due_at is not None:
                due_at = max(aggregate.due_at, self.memory.leases.get((scope, id), aggregate.due_at))
                if due_at <= now:
                    found.append((due_at, scope, id))
        found.sort(key=lambda due: (due[0], due[2]))
        return [(scope, id) for _, scope, id in found]

    def _load(self, kind: type[T], scope: Scope, id: str) -> T | None:
        aggregate = self.memory.aggregates.get((scope, id))
        return aggregate if isinstance(aggregate, kind) else None

    def _keep(self, scope: Scope, changes: Changeset) -> None:
        self._send_out(scope, changes)
        for position, change in enumerate(changes.changes):
            kept = evolve(change.aggregate, version=change.aggregate.version + 1)
            self.memory.aggregates[scope, kept.id] = kept
            self.memory.leases.pop((scope, kept.id), None)
            if isinstance(kept, WebhookEndpoint):
                self.memory.endpoints.setdefault(scope, {})[kept.id] = kept
            event = EventId.of(changes.id, position)
            self.memory.events[scope, event] = Event(
                id=event, type=change.event, at=changes.at, actor=changes.actor, snapshot=kept
            )
        for transfer in changes.transfers:
            self.memory.transfers[scope, transfer.id] = transfer

    def _send_out(self, scope: Scope, changes: Changeset) -> None:
        """Put the events into the outbox, for the endpoints as they were before."""
        for endpoint in self.memory.endpoints.get(scope, {}).values():
            if endpoint.status is not EndpointStatus.ENABLED:
                continue
            for position, change in enumerate(changes.changes):
                if endpoint.wants(change.event):
                    event = EventId.of(changes.id, position)
                    delivery = first_delivery(endpoint.id, event, change.event, changes.at)
                    self.memory.outbox[scope, endpoint.id, event] = delivery
