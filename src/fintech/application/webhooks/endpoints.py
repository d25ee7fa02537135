"""What merchants ask of a webhook endpoint."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import field, frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.repeats import replied
from fintech.application.webhooks.secrets import secret_of
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, WebhookEndpointId
from fintech.domain.metadata import Metadata, TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.domain.webhooks.endpoint import (
    ALL_TYPES,
    ENDPOINTS_MAX,
    EndpointStatus,
    TooManySecrets,
    WebhookEndpoint,
)
from fintech.domain.webhooks.urls import UrlRefused, url_fault
from fintech.ports.id_source import IdSource
from fintech.ports.keyed_digest import KeyedDigest
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
    NotFound | UrlRefused | UnknownType | TooManyEndpoints | TooManySecrets | TooManyKeys | CommitRefused
)


@frozen
class Keyed:
    """An endpoint and its newest secret, which is told when it is made and at no other time."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


Made: TypeAlias = Outcome[Reply[Keyed], EndpointRefusal]
Changed: TypeAlias = Outcome[Reply[WebhookEndpoint], EndpointRefusal]


@frozen(kw_only=True)
class CreateEndpoint:
    """Tell a merchant's systems what happens from now on."""

    store: Store
    queries: Queries
    ids: IdSource
    digests: KeyedDigest
    commits: Commits

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
        """Refused as `url_fault` refuses. Of many made at once a few more than `ENDPOINTS_MAX` may come to be."""
        wanted = _wanted(types)
        if isinstance(wanted, UnknownType):
            return Failure(wanted)
        if fault := url_fault(url, livemode=scope.livemode):
            return Failure(UrlRefused(fault))
        if await self.store.merchant(scope) is None:
            return Failure(NotFound("merchant", scope.merchant))

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WebhookEndpoint], EndpointRefusal]:
            if (
                len((await self.queries.webhook_endpoints(scope, Page(limit=ENDPOINTS_MAX))).items)
                == ENDPOINTS_MAX
            ):
                return Failure(TooManyEndpoints(ENDPOINTS_MAX))
            endpoint = WebhookEndpoint(
                id=self.ids.new(WebhookEndpointId),
                version=0,
                url=url,
                types=wanted,
                status=EndpointStatus.ENABLED,
                secret_number=1,
                created_at=now,
                description=description or None,
                metadata=metadata,
            )
            return Success(_decision(request, endpoint, EventType.WEBHOOK_ENDPOINT_CREATED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return _keyed(self.digests, await replied(self.commits, request, scope, WebhookEndpoint, outcome))


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
    digests: KeyedDigest
    commits: Commits

    async def __call__(
        self, request: Request, scope: Scope, id: WebhookEndpointId, overlap: timedelta
    ) -> Made:
        """Refused as `WebhookEndpoint.rotated` refuses."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WebhookEndpoint], EndpointRefusal]:
            endpoint = await there(self.store, scope, id)
            if endpoint is None:
                return Failure(NotFound("webhook_endpoint", id))
            rotated = endpoint.rotated(now, overlap)
            if isinstance(rotated, Failure):
                return rotated
            return Success(_decision(request, rotated.unwrap(), EventType.WEBHOOK_ENDPOINT_UPDATED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return _keyed(self.digests, await replied(self.commits, request, scope, WebhookEndpoint, outcome))


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


def _keyed(digests: KeyedDigest, changed: Changed) -> Made:
    if isinstance(changed, Failure):
        return changed
    reply = changed.unwrap()
    endpoint = reply.value
    secret = secret_of(digests, endpoint.id, endpoint.secret_number)
    return Success(Reply(Keyed(endpoint, secret), replayed=reply.replayed))
