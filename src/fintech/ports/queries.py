"""Reads for screens, reports and proofs: lists in pages, and totals. Aggregates are for deciding, these for looking."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

from attrs import field, frozen

from fintech.domain.api_keys import ApiKey
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Event
from fintech.domain.ids import BankAccountId, ChargeId, LocationId, MovementId, PaymentId, PayoutId
from fintech.domain.ledger import Transfer, TransferKind
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import PayableLine, Remittance
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, Terminal, TerminalStatus
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.domain.write_offs import WriteOff

T = TypeVar("T")
PAGE_MAX = 100


@frozen(kw_only=True)
class Page:
    """Which part of a list, newest first. ``after`` and ``before`` are ids: older than the one, newer than the other.

    ``created_from`` is inclusive, ``created_until`` exclusive. With ``before`` the page is the one next to it.
    """

    limit: int = 10
    after: str | None = None
    before: str | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None


@frozen
class Listed(Generic[T]):
    """A page, newest first, and whether the list goes on in the direction that was asked for."""

    items: tuple[T, ...]
    has_more: bool


@frozen(kw_only=True)
class MovementLine:
    """A movement of the merchant's money with all its legs."""

    id: MovementId
    legs: tuple[Transfer, ...] = field(default=())

    @property
    def kind(self) -> TransferKind:
        """Why the money moved: the kind of the first leg."""
        return self.legs[0].kind


@frozen
class Presence:
    """Whether terminals are to be on line at a moment (`Terminal.online`)."""

    online: bool
    at: datetime


@frozen(kw_only=True)
class Wanted:
    """Which terminals: those for which everything holds that is given."""

    location: LocationId | None = None
    serial: str | None = None
    statuses: tuple[TerminalStatus, ...] = ()
    presence: Presence | None = None


ALL_TERMINALS: Final = Wanted()


@runtime_checkable
class Queries(Protocol):
    """Reads of one merchant's things, newest first."""

    @abstractmethod
    async def payments(self, scope: Scope, page: Page) -> Listed[Payment]:
        """Payments."""

    @abstractmethod
    async def charges(
        self, scope: Scope, page: Page, payment: PaymentId | None = None
    ) -> Listed[tuple[Payment, ChargeId]]:
        """Attempts, each with its payment, of one payment or of all."""

    @abstractmethod
    async def refunds(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Refund]:
        """Refunds, of one payment or of all."""

    @abstractmethod
    async def payment_methods(self, scope: Scope, page: Page) -> Listed[PaymentMethod]:
        """Payment methods."""

    @abstractmethod
    async def bank_accounts(self, scope: Scope, page: Page) -> Listed[BankAccount]:
        """Bank accounts that have not been removed."""

    @abstractmethod
    async def payouts(
        self,
        scope: Scope,
        page: Page,
        statuses: Sequence[PayoutStatus] = (),
        destination: BankAccountId | None = None,
    ) -> Listed[Payout]:
        """Payouts, of some statuses or of all, to one bank account or to all."""

    @abstractmethod
    async def remittances(self, scope: Scope, payout: PayoutId) -> Sequence[Remittance]:
        """All pages of what a payout pays for, in their order."""

    @abstractmethod
    async def disputes(self, scope: Scope, page: Page, payment: PaymentId | None = None) -> Listed[Dispute]:
        """Disputes, of one payment or of all."""

    @abstractmethod
    async def write_offs(self, scope: Scope, page: Page) -> Listed[WriteOff]:
        """Write-offs."""

    @abstractmethod
    async def locations(self, scope: Scope, page: Page) -> Listed[Location]:
        """Places where terminals stand, but for removed ones."""

    @abstractmethod
    async def terminals(self, scope: Scope, page: Page, wanted: Wanted = ALL_TERMINALS) -> Listed[Terminal]:
        """Terminals, also retired ones."""

    @abstractmethod
    async def webhook_endpoints(self, scope: Scope, page: Page) -> Listed[WebhookEndpoint]:
        """Webhook endpoints that have not been removed."""

    @abstractmethod
    async def events(self, scope: Scope, page: Page, types: Sequence[str] = ()) -> Listed[Event]:
        """The log, newest committed first. Ends below the oldest open commit: nothing appears later behind a cursor."""

    @abstractmethod
    async def movements(
        self, scope: Scope, page: Page, kinds: Sequence[TransferKind] = ()
    ) -> Listed[MovementLine]:
        """Movements that changed what we owe the merchant (`touches_balance`); no holds, reservations, settlements.

        With ``kinds``, those only whose first leg is of one of them; a cursor may be of any other.
        """

    @abstractmethod
    async def movement(self, scope: Scope, id: MovementId) -> MovementLine | None:
        """One movement."""

    @abstractmethod
    async def movements_of(self, scope: Scope, ids: Sequence[MovementId]) -> Sequence[MovementLine]:
        """Those of the movements with these ids (at most `PAGE_MAX`) that are lines, in no order."""

    @abstractmethod
    async def payable_lines(
        self, scope: Scope, after: MovementId | None, limit: int
    ) -> Sequence[PayableLine]:
        """What payouts pay for: `movements` but payouts themselves, oldest first, each with what it did to the balance.

        From the one after ``after`` on, or from the first; at most ``limit``.
        """

    @abstractmethod
    async def lines(
        self,
        scope: Scope,
        start: datetime,
        end: datetime,
        limit: int,
        after: MovementLine | None = None,
    ) -> Sequence[MovementLine]:
        """The `movements` from a moment on until another (excluded), oldest first, in the order of their ids.

        At most ``limit``, beyond ``after``.
        """

    @abstractmethod
    async def balance_before(self, scope: Scope, moment: datetime) -> int:
        """What we owed the merchant just before a moment, less what it owed us, in minor units of its currency.

        It is what was posted to all its buckets (`BALANCE_BUCKETS`) by then; so it is also what all `movements` until
        then add up to (`line_amounts`).
        """

    @abstractmethod
    async def merchants(self, livemode: bool, page: Page) -> Listed[Merchant]:
        """All merchants of a mode."""

    @abstractmethod
    async def api_keys(self, scope: Scope) -> Sequence[ApiKey]:
        """A merchant's API keys, oldest first."""
