"""Webhook endpoints on the wire, and the log of what was sent to them."""

from datetime import timedelta
from typing import Annotated, Any, Final

from attrs import frozen

from fintech.application.commits import Reply
from fintech.application.webhooks.endpoints import (
    Changed,
    CreateEndpoint,
    Keyed,
    RemoveEndpoint,
    RotateSecret,
    UpdateEndpoint,
    there,
)
from fintech.domain.events import EventType
from fintech.domain.ids import EventId, WebhookEndpointId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.webhooks.endpoint import ALL_TYPES, DESCRIPTION_MAX, OVERLAP_MAX, WebhookEndpoint
from fintech.domain.webhooks.urls import URL_MAX
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.kinds import (
    METADATA_CHANGES,
    Flag,
    Integer,
    Many,
    Pairs,
    Reference,
    Text,
    words,
)
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, gone
from fintech.entrypoints.http.settings import API_VERSION
from fintech.entrypoints.http.webhook_refusals import webhook_problem_of
from fintech.entrypoints.http.webhook_rendering import render_delivery, render_endpoint
from fintech.ports.outbox import Outbox
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/webhook_endpoints"
OVERLAP_S: Final = 24 * 3600
_ENDPOINTS: Final = Resource("webhook_endpoints", "webhook_endpoint")
_LOG: Final = Resource("webhook_endpoints", "webhook_delivery")
_TYPES: Final = Many(words(*ALL_TYPES, *EventType), len(EventType) + 1)
_DESCRIPTION: Final = Text(DESCRIPTION_MAX, clears=True, kept=True)


@frozen(kw_only=True)
class CreateParams:
    """A new endpoint."""

    url: Annotated[
        str, Text(URL_MAX), "Where events are posted to: https, and in test mode this machine by http."
    ]
    enabled_events: Annotated[tuple[str, ...], _TYPES, "The types of events to send; ``*`` for all."]
    api_version: Annotated[
        str | None, words(API_VERSION), "The version that events are written in; there is one."
    ] = None
    description: Annotated[str | None, _DESCRIPTION, "What the endpoint is for."] = None
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of an endpoint."""

    url: Annotated[str | None, Text(URL_MAX), "Where events are posted to."] = None
    enabled_events: Annotated[
        tuple[str, ...] | None, _TYPES, "The types of events to send; ``*`` for all."
    ] = None
    description: Annotated[str | None, _DESCRIPTION, "What the endpoint is for."] = None
    disabled: Annotated[bool | None, Flag(), "Whether to send nothing there."] = None
    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class RotateParams:
    """A new secret."""

    old_secret_expires_in: Annotated[
        int,
        Integer(0, int(OVERLAP_MAX.total_seconds())),
        "For how many seconds the secret so far signs too; a day by default.",
    ] = OVERLAP_S


@frozen(kw_only=True)
class EndpointListParams(ListParams):
    """Which endpoints."""

    starting_after: Annotated[
        WebhookEndpointId | None, Reference(WebhookEndpointId, "webhook_endpoint"), OLDER
    ] = None
    ending_before: Annotated[
        WebhookEndpointId | None, Reference(WebhookEndpointId, "webhook_endpoint"), NEWER
    ] = None


@frozen(kw_only=True)
class DeliveryListParams(ListParams):
    """Which deliveries."""

    starting_after: Annotated[EventId | None, Reference(EventId, "event"), OLDER] = None
    ending_before: Annotated[EventId | None, Reference(EventId, "event"), NEWER] = None


@frozen(kw_only=True)
class WebhookEndpoints:
    """The operations on webhook endpoints."""

    create_endpoint: CreateEndpoint
    update_endpoint: UpdateEndpoint
    rotate_endpoint_secret: RotateSecret
    remove_endpoint: RemoveEndpoint
    outbox: Outbox
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _ENDPOINTS.get, _ENDPOINTS.post, PATH + "/{webhook_endpoint}"
        log = "List what was sent to an endpoint, newest event first."
        return (
            post("create", PATH, CreateParams, self.create, "Have events posted to a URL."),
            get("list", PATH, EndpointListParams, self.list, "List endpoints, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve an endpoint."),
            post("update", one, UpdateParams, self.update, "Change, disable or enable an endpoint."),
            _ENDPOINTS.delete(one, self.delete, "Remove an endpoint."),
            post(
                "rotate_secret",
                one + "/rotate_secret",
                RotateParams,
                self.rotate_secret,
                "Sign with a new secret, and with the old one for a while.",
            ),
            _LOG.get("deliveries", one + "/deliveries", DeliveryListParams, self.deliveries, log, lists=True),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params = call.params
        outcome = await self.create_endpoint(
            call.request,
            call.scope,
            params.url,
            params.enabled_events,
            description=params.description,
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
        )
        if isinstance(outcome, Failure):
            raise Refused(webhook_problem_of(outcome.failure()))
        return _told(outcome.unwrap(), call.scope)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        params = call.params
        outcome = await self.update_endpoint(
            call.request,
            call.scope,
            _named(call),
            url=params.url,
            types=params.enabled_events,
            description=params.description,
            disabled=params.disabled,
            metadata=params.metadata,
        )
        reply = _granted(outcome)
        return Answer(render_endpoint(reply.value, call.scope.livemode), replayed=reply.replayed)

    async def rotate_secret(self, call: Call[RotateParams]) -> Answer:
        overlap = timedelta(seconds=call.params.old_secret_expires_in)
        outcome = await self.rotate_endpoint_secret(call.request, call.scope, _named(call), overlap)
        if isinstance(outcome, Failure):
            raise Refused(webhook_problem_of(outcome.failure()))
        return _told(outcome.unwrap(), call.scope)

    async def delete(self, call: Call[Nothing]) -> Answer:
        reply = _granted(await self.remove_endpoint(call.request, call.scope, _named(call)))
        return Answer(gone("webhook_endpoint", reply.value.id), replayed=reply.replayed)

    async def list(self, call: Call[EndpointListParams]) -> Answer:
        listed = await self.queries.webhook_endpoints(call.scope, call.params.page())
        livemode = call.scope.livemode
        return Answer(list_of(PATH, listed, lambda endpoint: render_endpoint(endpoint, livemode)))

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        return Answer(render_endpoint(await self._there(call), call.scope.livemode))

    async def deliveries(self, call: Call[DeliveryListParams]) -> Answer:
        endpoint = await self._there(call)
        listed = await self.outbox.deliveries(call.scope, endpoint.id, call.params.page())
        livemode = call.scope.livemode
        url = f"{PATH}/{endpoint.id}/deliveries"
        return Answer(list_of(url, listed, lambda delivery: render_delivery(delivery, livemode)))

    async def _there(self, call: Call[Any]) -> WebhookEndpoint:
        endpoint = await there(self.store, call.scope, _named(call))
        if endpoint is None:
            raise missing("webhook_endpoint", call.target, "webhook_endpoint")
        return endpoint


def _named(call: Call[Any]) -> WebhookEndpointId:
    id = WebhookEndpointId.parse(call.target)
    if id is None:
        raise missing("webhook_endpoint", call.target, "webhook_endpoint")
    return id


def _granted(outcome: Changed) -> Reply[WebhookEndpoint]:
    if isinstance(outcome, Failure):
        raise Refused(webhook_problem_of(outcome.failure()))
    return outcome.unwrap()


def _told(reply: Reply[Keyed], scope: Scope) -> Answer:
    """An endpoint with its secret: when it has just been made."""
    secret = reply.value.secret
    body = render_endpoint(reply.value.endpoint, scope.livemode) | ({"secret": secret} if secret else {})
    return Answer(body, replayed=reply.replayed)
