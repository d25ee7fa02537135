"""Webhook endpoints: where a merchant's systems hear of what happened."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.ids import WebhookEndpointId
from fintech.domain.metadata import Metadata

#: In the place of types: all of them.
ALL_TYPES: Final = ("*",)


class EndpointStatus(StrEnum):
    """Whether events are sent."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"


@frozen
class OldSecret:
    """A secret that was rotated and still signs until a moment."""

    secret: str = field(repr=False)
    ends_at: datetime


@frozen(kw_only=True, slots=False)
class WebhookEndpoint:
    """``types`` are the event types that it wants, or `ALL_TYPES`. ``secret`` signs (``whsec_…``).

    ``failing_since`` is when deliveries began to fail one after the other.
    """

    id: WebhookEndpointId
    version: int
    url: str
    types: tuple[str, ...]
    status: EndpointStatus
    secret: str = field(repr=False)
    created_at: datetime
    old_secrets: tuple[OldSecret, ...] = field(default=(), repr=False)
    description: str | None = None
    failing_since: datetime | None = None
    metadata: Metadata = field(default=())
