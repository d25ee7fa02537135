"""Webhook endpoints and deliveries as the wire has them."""

from typing import Any, Final

from fintech.domain.events import EventType
from fintech.domain.webhooks.delivery import Delivery, DeliveryStatus, DeliveryTry, TryFault
from fintech.domain.webhooks.endpoint import ALL_TYPES, DisabledBecause, EndpointStatus, WebhookEndpoint
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    maybe,
    members,
    one_of,
    or_gone,
)
from fintech.entrypoints.http.settings import API_VERSION

SCHEMA: Final[Schema] = or_gone(
    "webhook_endpoint",
    members(
        {
            "id": TEXT,
            "object": const("webhook_endpoint"),
            "api_version": const(API_VERSION),
            "application": NULL,
            "created": UNIX_TIME,
            "description": maybe(TEXT),
            "disabled_reason": maybe(one_of(*DisabledBecause)),
            "enabled_events": array(one_of(*ALL_TYPES, *EventType)),
            "livemode": FLAG,
            "metadata": METADATA,
            "secret": TEXT,
            "status": one_of(EndpointStatus.ENABLED, EndpointStatus.DISABLED),
            "url": TEXT,
        },
        optional=("secret",),
    ),
)
DELIVERY_SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("webhook_delivery"),
        "event": TEXT,
        "last_tries": array(
            members(
                {
                    "created": UNIX_TIME,
                    "duration_ms": INTEGER,
                    "error": maybe(one_of(*TryFault)),
                    "response_status": maybe(INTEGER),
                }
            )
        ),
        "livemode": FLAG,
        "next_try": maybe(UNIX_TIME),
        "status": one_of(*DeliveryStatus),
        "tries": INTEGER,
        "type": one_of(*EventType),
        "webhook_endpoint": TEXT,
    }
)


def render_endpoint(endpoint: WebhookEndpoint, livemode: bool) -> dict[str, Any]:
    """An endpoint, without its secret. One that was removed shows as disabled, in the events that tell of it."""
    enabled = endpoint.status is EndpointStatus.ENABLED
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": int(endpoint.created_at.timestamp()),
        "description": endpoint.description,
        "disabled_reason": endpoint.disabled_because.value if endpoint.disabled_because else None,
        "enabled_events": list(endpoint.types),
        "livemode": livemode,
        "metadata": dict(endpoint.metadata),
        "status": "enabled" if enabled else "disabled",
        "url": endpoint.url,
    }


def render_delivery(delivery: Delivery, livemode: bool) -> dict[str, Any]:
    """An event on its way to an endpoint. It is known by the event's id."""
    return {
        "id": delivery.event,
        "object": "webhook_delivery",
        "event": delivery.event,
        "last_tries": [_render_try(each) for each in delivery.log],
        "livemode": livemode,
        "next_try": int(delivery.due_at.timestamp()) if delivery.due_at else None,
        "status": delivery.status.value,
        "tries": delivery.tries,
        "type": delivery.type,
        "webhook_endpoint": delivery.endpoint,
    }


def _render_try(made: DeliveryTry) -> dict[str, Any]:
    return {
        "created": int(made.at.timestamp()),
        "duration_ms": made.duration_ms,
        "error": made.fault.value if made.fault else None,
        "response_status": made.status,
    }
