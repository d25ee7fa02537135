"""The outbox: which events are on their way to which webhook endpoints.

The store puts a delivery there for each endpoint that is enabled and wants an event, in the commit that makes the
event true. Rows carry their own state, so nothing depends on the order of ids.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from fintech.domain.events import Event
from fintech.domain.ids import EventId, WebhookEndpointId
from fintech.domain.scope import Scope
from fintech.domain.webhooks.delivery import Delivery
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.ports.queries import Listed, Page

#: How many deliveries one call of `claim` or `record` is about, at most.
BATCH_MAX: Final = 1_000

#: How many more deliveries of an endpoint are wanted.
Room: TypeAlias = Callable[[WebhookEndpointId], int]


@frozen(kw_only=True)
class Claimed:
    """A delivery to be tried, and what is needed for it. The lease is its holder's until ``leased_until``.

    ``pending`` is how many endpoints the event has not reached yet, this one among them. ``failing_since``: nothing
    has arrived at the endpoint since, and something has failed then.
    """

    scope: Scope
    delivery: Delivery
    endpoint: WebhookEndpoint
    event: Event = field(repr=False)
    pending: int
    leased_until: datetime
    failing_since: datetime | None = None


@frozen
class Haul:
    """What was claimed. ``more``: there may be more for whoever has room; do not wait before asking again."""

    items: tuple[Claimed, ...]
    more: bool


@frozen
class Tried:
    """What became of a claimed delivery. One that is as it was claimed is let go, untried."""

    claimed: Claimed
    after: Delivery

    @property
    def made(self) -> int:
        """How many tries were made: one or none."""
        return self.after.tries - self.claimed.delivery.tries


@runtime_checkable
class Outbox(Protocol):
    """Deliveries. Every method raises `StoreUnavailable` when the store cannot be reached within its time limit."""

    @abstractmethod
    async def claim(self, now: datetime, lease: timedelta, limit: int, room: Room) -> Haul:
        """Deliveries whose time has come, at most ``limit`` (up to `BATCH_MAX`), of each endpoint at most its ``room``.

        Nobody else gets them before the lease is over or they are recorded. Fair over endpoints: none waits because
        another has more to deliver, and one without room costs next to nothing. Of one endpoint the longest overdue
        come first; no other order is promised. Those of an endpoint that is not enabled are claimed too, to be
        canceled.
        """

    @abstractmethod
    async def record(self, tried: Sequence[Tried]) -> None:
        """Keep what became of claimed deliveries, and end their leases.

        Whoever lost the lease meanwhile changes nothing, but for a success: what has arrived has arrived.
        """

    @abstractmethod
    async def send_again(
        self, scope: Scope, endpoint: WebhookEndpointId, event: EventId, now: datetime
    ) -> Delivery | None:
        """Have an event sent to an endpoint now, whatever became of it before and whether or not it was wanted.

        Both are there, or else it is None.
        """

    @abstractmethod
    async def wake(self, scope: Scope, at: datetime, limit: int) -> int:
        """Have a merchant's pending deliveries that are due later sent at a moment, up to ``limit`` (`BATCH_MAX`) of them; how
        many. Those that are under way are left alone, and no try is counted."""

    @abstractmethod
    async def deliveries(self, scope: Scope, endpoint: WebhookEndpointId, page: Page) -> Listed[Delivery]:
        """An endpoint's deliveries, newest event first; cursors are ids of events, and spans of time are events'."""

    @abstractmethod
    async def pending(self, scope: Scope, events: Sequence[EventId]) -> Mapping[EventId, int]:
        """How many endpoints each event has not reached yet and is still on its way to; those with none are left out."""
