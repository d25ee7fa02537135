"""Deliveries: one event on its way to one endpoint. `TRANSITIONS` is the whole life of one."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import EventId, WebhookEndpointId

#: How long after each failure the next try is made; after the last the delivery has failed. Together three days
#: at most, as Stripe's are: seconds for a restart, minutes for a release, hours for a night.
RETRY_DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=12),
)
#: Delays are drawn from this share of themselves on, so that what failed at once is not tried again at once.
JITTER_FROM: Final = 0.8
#: How many tries a delivery remembers, the latest.
LOG_MAX: Final = 8


class DeliveryStatus(StrEnum):
    """Where the delivery of an event to a webhook endpoint stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELED = "canceled"  #: the endpoint was disabled or removed before it arrived


#: What has ended begins anew when somebody asks for it to be sent again.
TRANSITIONS: Final[dict[DeliveryStatus, frozenset[DeliveryStatus]]] = {
    DeliveryStatus.PENDING: frozenset(
        {DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.CANCELED}
    ),
    DeliveryStatus.DELIVERED: frozenset({DeliveryStatus.PENDING}),
    DeliveryStatus.FAILED: frozenset({DeliveryStatus.PENDING}),
    DeliveryStatus.CANCELED: frozenset({DeliveryStatus.PENDING}),
}


class TryFault(StrEnum):
    """Why there was no answer."""

    TIMEOUT = "timeout"
    UNRESOLVED = "unresolved"  #: the host has no address
    FORBIDDEN_ADDRESS = "forbidden_address"  #: the host, or the port, is none that we send anything to
    CONNECTION = "connection"  #: refused, or cut off before there was an answer
    TLS = "tls"
    PROTOCOL = "protocol"  #: what came back is not HTTP
    OURS = "ours"  #: it could not be sent for a reason that is not the receiver's


@frozen(kw_only=True)
class DeliveryTry:
    """One time that it was sent: the HTTP status of the answer, or why there was none."""

    at: datetime
    duration_ms: int
    status: int | None = None
    fault: TryFault | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver said that it has it: any status of 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


@frozen(kw_only=True, slots=False)
class Delivery:
    """``tries`` are all that were made, ``step`` those since it was last to be sent: its place in `RETRY_DELAYS`.

    ``due_at`` is when it is sent next, as long as it is pending. ``log`` has the last `LOG_MAX` tries, oldest first.
    """

    endpoint: WebhookEndpointId
    event: EventId
    type: str
    status: DeliveryStatus
    due_at: datetime | None
    tries: int = 0
    step: int = 0
    log: tuple[DeliveryTry, ...] = field(default=())

    def tried(self, made: DeliveryTry, jitter: float) -> "Delivery":
        """After a try. ``jitter`` of 0 to 1 says where in its range the next delay lies."""
        log = (*self.log, made)[-LOG_MAX:]
        after = evolve(self, tries=self.tries + 1, log=log)
        if made.arrived:
            return evolve(after, status=self.moved_to(DeliveryStatus.DELIVERED), due_at=None)
        if self.step >= len(RETRY_DELAYS):
            return evolve(after, status=self.moved_to(DeliveryStatus.FAILED), due_at=None)
        share = JITTER_FROM + (1 - JITTER_FROM) * jitter
        return evolve(after, step=self.step + 1, due_at=made.at + RETRY_DELAYS[self.step] * share)

    def put_off(self, until: datetime) -> "Delivery":
        """It cannot be signed now: it is tried then, and nothing counts as a try."""
        return evolve(self, due_at=until)

    def canceled(self) -> "Delivery":
        """Nobody is there to send it to any more."""
        return evolve(self, status=self.moved_to(DeliveryStatus.CANCELED), due_at=None)

    def again(self, now: datetime) -> "Delivery":
        """To be sent now, and with all its retries."""
        if self.status is DeliveryStatus.PENDING:
            return evolve(self, step=0, due_at=now)
        return evolve(self, status=self.moved_to(DeliveryStatus.PENDING), step=0, due_at=now)

    def moved_to(self, status: DeliveryStatus) -> DeliveryStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a delivery"
            raise AssertionError(message)
        return status


def first_delivery(endpoint: WebhookEndpointId, event: EventId, type: str, at: datetime) -> Delivery:
    """An event that is to be sent at a moment."""
    return Delivery(endpoint=endpoint, event=event, type=type, status=DeliveryStatus.PENDING, due_at=at)
