"""The store: loads aggregates for deciding, commits changesets."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from fintech.domain.api_keys import ApiKey
from fintech.domain.apply import ClaimState
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.changeset import Changeset, CommitRefused, Committed
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Event
from fintech.domain.ids import (
    ApiKeyId,
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
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Outcome
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import Remittance
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.domain.write_offs import WriteOff


class Due(StrEnum):
    """What a sweeper looks after."""

    PAYMENTS = "payments"
    REFUNDS = "refunds"
    PAYOUTS = "payouts"
    BALANCE_SETTINGS = "balance_settings"
    DISPUTES = "disputes"


@runtime_checkable
class Store(Protocol):
    """Aggregates by id, in one scope, and one way to change them.

    What is loaded is the latest committed version. Every method raises `StoreUnavailable` when the store cannot be
    reached within its time limit.
    """

    @abstractmethod
    async def merchant(self, scope: Scope) -> Merchant | None:
        """The merchant whose scope it is."""

    @abstractmethod
    async def api_key(self, scope: Scope, id: ApiKeyId) -> ApiKey | None:
        """An API key."""

    @abstractmethod
    async def payment_method(self, scope: Scope, id: PaymentMethodId) -> PaymentMethod | None:
        """A payment method."""

    @abstractmethod
    async def payment(self, scope: Scope, id: PaymentId) -> Payment | None:
        """A payment."""

    @abstractmethod
    async def refund(self, scope: Scope, id: RefundId) -> Refund | None:
        """A refund."""

    @abstractmethod
    async def balance_settings(self, scope: Scope) -> BalanceSettings | None:
        """How the merchant is paid out, once it has been said."""

    @abstractmethod
    async def bank_account(self, scope: Scope, id: BankAccountId) -> BankAccount | None:
        """A bank account, removed ones too."""

    @abstractmethod
    async def payout(self, scope: Scope, id: PayoutId) -> Payout | None:
        """A payout."""

    @abstractmethod
    async def remittance(self, scope: Scope, id: RemittanceId) -> Remittance | None:
        """A page of what a payout pays for."""

    @abstractmethod
    async def dispute(self, scope: Scope, id: DisputeId) -> Dispute | None:
        """A dispute."""

    @abstractmethod
    async def write_off(self, scope: Scope, id: WriteOffId) -> WriteOff | None:
        """A write-off."""

    @abstractmethod
    async def location(self, scope: Scope, id: LocationId) -> Location | None:
        """A place where terminals stand, removed ones too."""

    @abstractmethod
    async def terminal(self, scope: Scope, id: TerminalId) -> Terminal | None:
        """A terminal."""

    @abstractmethod
    async def webhook_endpoint(self, scope: Scope, id: WebhookEndpointId) -> WebhookEndpoint | None:
        """A webhook endpoint, removed ones too."""

    @abstractmethod
    async def claim(self, scope: Scope, key: str) -> ClaimState | None:
        """What is known of an idempotency key."""

    @abstractmethod
    async def event(self, scope: Scope, id: EventId) -> Event | None:
        """An entry of the log, and so the snapshot that answered an idempotency key."""

    @abstractmethod
    async def balances(self, scope: Scope, accounts: Sequence[AccountId]) -> Mapping[AccountId, Balances]:
        """The balances of accounts at one moment; an account that was never used has nothing on it."""

    @abstractmethod
    async def books(self, scope: Scope, asked: Sequence[AccountId] = ()) -> Mapping[AccountId, Balances]:
        """Every account that the merchant owns, at one moment, but for those that stand `aside` and are not asked for.

        So it stays short however long a merchant trades, and all the money that is left out nets to nothing.
        """

    @abstractmethod
    async def key_by_digest(self, digest: bytes) -> tuple[Scope, ApiKey] | None:
        """The API key with a digest, and whose it is: the one look-up that has no scope yet."""

    @abstractmethod
    async def terminal_by_number(self, number: str) -> tuple[Scope, Terminal] | None:
        """The terminal with a number, and whose it is: a message over a wire has no scope yet."""

    @abstractmethod
    async def commit(self, scope: Scope, changes: Changeset) -> Outcome[Committed, CommitRefused]:
        """Make a changeset true and durable, whole, or refuse it and change nothing.

        A changeset that was committed before is answered `Committed` again and not done twice, so after
        `StoreUnavailable` the same one is handed in again. A caller that goes away does not undo it. Raises
        `StoreOverloaded` when the queue is full.
        """

    @abstractmethod
    async def claim_due(
        self, kind: Due, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[tuple[Scope, str]]:
        """Ids whose ``due_at`` has come, the longest overdue first; nobody else gets them before the lease is over.

        A lease is a courtesy that spares double work; what is done with an id is guarded by its version.
        """
