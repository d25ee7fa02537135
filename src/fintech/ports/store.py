"""The store: loads aggregates for deciding, commits changesets."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from fintech.domain.api_keys import ApiKey
from fintech.domain.apply import ClaimState
from fintech.domain.changeset import Changeset, CommitRefused, Committed
from fintech.domain.events import Event
from fintech.domain.ids import ApiKeyId, EventId, PaymentId, PaymentMethodId, RefundId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Outcome
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Scope


class Due(StrEnum):
    """What a sweeper looks after."""

    PAYMENTS = "payments"
    REFUNDS = "refunds"


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
    async def claim(self, scope: Scope, key: str) -> ClaimState | None:
        """What is known of an idempotency key."""

    @abstractmethod
    async def event(self, scope: Scope, id: EventId) -> Event | None:
        """An entry of the log, and so the snapshot that answered an idempotency key."""

    @abstractmethod
    async def balances(self, scope: Scope, accounts: Sequence[AccountId]) -> Mapping[AccountId, Balances]:
        """The balances of accounts at one moment; an account that was never used has nothing on it."""

    @abstractmethod
    async def books(self, scope: Scope) -> Mapping[AccountId, Balances]:
        """Every account that the merchant owns, at one moment."""

    @abstractmethod
    async def key_by_digest(self, digest: bytes) -> tuple[Scope, ApiKey] | None:
        """The API key with a digest, and whose it is: the one look-up that has no scope yet."""

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
