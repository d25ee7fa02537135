"""What merchants ask of a webhook endpoint."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import field, frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.repeats import replied
from fintech.application.webhooks.secrets import WebhookSecrets
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, WebhookEndpointId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import Metadata, TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.domain.webhooks.endpoint import (
    ALL_TYPES,
    ENDPOINTS_MAX,
    EndpointStatus,
    TooManySecrets,
    WebhookEndpoint,
    secret_record,
)
from fintech.domain.webhooks.urls import UrlRefused, url_fault
from fintech.ports.id_source import IdSource
from fintech.ports.queries import Page, Queries
from fintech.ports.store import Store


@frozen
class UnknownType:
    """There are no events of such a type; or, with nothing said, no type was named at all."""

    type: str | None = None


@frozen
class TooManyEndpoints:
    """The merchant has as many as it may have."""

    most: int


EndpointRefusal: TypeAlias = (
    NotFound
    | UrlRefused
    | UnknownType
    | TooManyEndpoints
    | TooManySecrets
    | TooManyKeys
    | CommitRefused
    | CustodyRefused
)


@frozen
class Keyed:
    """An endpoint and its newest secret, which is told when it is made and at no other time; None where it is gone since."""

    endpoint: WebhookEndpoint
    secret: str | None = field(repr=False)


Made: TypeAlias = Outcome[Reply[Keyed], EndpointRefusal]
Changed: TypeAlias = Outcome[Reply[WebhookEndpoint], EndpointRefusal]


#: Says what an endpoint becomes; its newest secret is to be sealed under its record.
DecideKeyed: TypeAlias = Callable[
    [ChangesetId, datetime], Awaitable[Outcome[WebhookEndpoint, EndpointRefusal]]
]


@frozen(kw_only=True)
class GiveSecret:
    """Commits an endpoint with a new secret, which is sealed before anything speaks of it."""

    store: Store
    secrets: WebhookSecrets
    commits: Commits

    async def __call__(self, request: Request, scope: Scope, event: EventType, decide: DecideKeyed) -> Made:
        """Refused as ``decide`` refuses, and where the merchant's keys are not to be had."""
        made: dict[str, str] = {}

        async def keyed(
            changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WebhookEndpoint], EndpointRefusal]:
            decided = await decide(changeset, now)
            if isinstance(decided, Failure):
                return decided
            leased = await self.secrets.protection.lease(scope)
            if isinstance(leased, Failure):
                return leased
            endpoint = decided.unwrap()
            made[endpoint.sealed_under] = await self.secrets.make(leased.unwrap(), endpoint.sealed_under)
            return Success(_decision(request, endpoint, event, now))

        outcome = await self.commits.land(scope, request.actor, keyed)
        kept = outcome.unwrap().sealed_under if isinstance(outcome, Success) else None
        for record in made.keys() - {kept}:
            await self.secrets.forget(scope, record)
        answered = await replied(self.commits, request, scope, WebhookEndpoint, outcome)
        if isinstance(answered, Failure):
            return answered
        reply = answered.unwrap()
        endpoint, told = reply.value, made.get(reply.value.sealed_under)
        if told is None:
            before = await self.secrets.told(scope, endpoint.sealed_under)
            if isinstance(before, Success):
                told = before.unwrap()
            elif await there(self.store, scope, endpoint.id) is not None:
                return before
        return Success(Reply(Keyed(endpoint, told), replayed=reply.replayed))


@frozen(kw_only=True)
class CreateEndpoint:
    """Tell a merchant's systems what happens from now on."""

    store: Store
    queries: Queries
    ids: IdSource
    give_secret: GiveSecret

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        url: str,
        types: Sequence[str],
        *,
        description: str | None = None,
        metadata: Metadata = (),
    ) -> Made:
        """Refused as `url_fault` and `GiveSecret` refuse. Of many made at once a few more than `ENDPOINTS_MAX` may come to
        be."""
        wanted = _wanted(types)
        if isinstance(wanted, UnknownType):
            return Failure(wanted)
        if fault := url_fault(url, livemode=scope.livemode):
            return Failure(UrlRefused(fault))
        if await self.store.merchant(scope) is None:
            return Failure(NotFound("merchant", scope.merchant))

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[WebhookEndpoint, EndpointRefusal]:
            listed = await self.queries.webhook_endpoints(scope, Page(limit=ENDPOINTS_MAX))
            if len(listed.items) == ENDPOINTS_MAX:
                return Failure(TooManyEndpoints(ENDPOINTS_MAX))
            id = self.ids.new(WebhookEndpointId)
            return Success(
                WebhookEndpoint(
                    id=id,
                    version=0,
                    url=url,
                    types=wanted,
                    status=EndpointStatus.ENABLED,
                    secret_number=1,
                    sealed_under=secret_record(id, 1, changeset),
                    created_at=now,
                    description=description or None,
                    metadata=metadata,
                )
            )

        return await self.give_secret(request, scope, EventType.WEBHOOK_ENDPOINT_CREATED, decide)


@frozen(kw_only=True)
class UpdateEndpoint:
    """Change an endpoint, disable it, or enable it again."""

    store: Store
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: WebhookEndpointId,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
        description: str | None = None,
        disabled: bool | None = None,
        metadata: Metadata | None = None,
    ) -> Changed:
        """Refused as `WebhookEndpoint.updated` and `url_fault` refuse. What was due while it was disabled is canceled."""
        wanted = None if types is None else _wanted(types)
        if isinstance(wanted, UnknownType):
            return Failure(wanted)
        if url is not None and (fault := url_fault(url, livemode=scope.livemode)):
            return Failure(UrlRefused(fault))

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WebhookEndpoint], EndpointRefusal]:
            endpoint = await there(self.store, scope, id)
            if endpoint is None:
                return Failure(NotFound("webhook_endpoint", id))
            updated = endpoint.updated(
                now, url=url, types=wanted, description=description, disabled=disabled, metadata=metadata
            )
            if isinstance(updated, Failure):
                return updated
            return Success(_decision(request, updated.unwrap(), EventType.WEBHOOK_ENDPOINT_UPDATED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, WebhookEndpoint, outcome)


@frozen(kw_only=True)
class RotateSecret:
    """Sign with a new secret, and for a while with the old one too."""

    store: Store
    give_secret: GiveSecret

    async def __call__(
        self, request: Request, scope: Scope, id: WebhookEndpointId, overlap: timedelta
    ) -> Made:
        """Refused as `WebhookEndpoint.rotated` and `GiveSecret` refuse."""

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[WebhookEndpoint, EndpointRefusal]:
            endpoint = await there(self.store, scope, id)
            if endpoint is None:
                return Failure(NotFound("webhook_endpoint", id))
            return endpoint.rotated(now, overlap, secret_record(id, endpoint.secret_number + 1, changeset))

        return await self.give_secret(request, scope, EventType.WEBHOOK_ENDPOINT_UPDATED, decide)


@frozen(kw_only=True)
class RemoveEndpoint:
    """Send nothing there any more."""

    store: Store
    commits: Commits

    async def __call__(self, request: Request, scope: Scope, id: WebhookEndpointId) -> Changed:
        """Refused when it was never there; one that is gone already is answered as it is."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WebhookEndpoint], EndpointRefusal]:
            endpoint = await there(self.store, scope, id)
            if endpoint is None:
                return Failure(NotFound("webhook_endpoint", id))
            return Success(_decision(request, endpoint.removed(), EventType.WEBHOOK_ENDPOINT_DELETED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        answered = await replied(self.commits, request, scope, WebhookEndpoint, outcome)
        if isinstance(answered, Failure) and isinstance(answered.failure(), NotFound):
            gone = await self.store.webhook_endpoint(scope, id)
            return answered if gone is None else Success(Reply(gone, replayed=True))
        return answered


async def there(store: Store, scope: Scope, id: WebhookEndpointId) -> WebhookEndpoint | None:
    """An endpoint, unless it was removed."""
    endpoint = await store.webhook_endpoint(scope, id)
    if endpoint is None or endpoint.status is EndpointStatus.REMOVED:
        return None
    return endpoint


def _wanted(types: Sequence[str]) -> tuple[str, ...] | UnknownType:
    """The types in their order, each once."""
    wanted = tuple(dict.fromkeys(types))
    if not wanted:
        return UnknownType()
    if ALL_TYPES[0] in wanted:
        return ALL_TYPES
    known = set(EventType)
    return next((UnknownType(each) for each in wanted if each not in known), wanted)


def _decision(
    request: Request, endpoint: WebhookEndpoint, event: EventType, now: datetime
) -> Decision[WebhookEndpoint]:
    claim = request.claim_and_answer(endpoint.id, now)
    return Decision(value=saved(endpoint), changes=((endpoint, event),), claim=claim)
