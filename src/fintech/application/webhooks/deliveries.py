"""Deliveries as they are asked for again, and endpoints that are given up."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.application.webhooks.endpoints import there
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import Event, EventType
from fintech.domain.ids import ChangesetId, EventId, WebhookEndpointId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.domain.webhooks.delivery import Delivery
from fintech.domain.webhooks.endpoint import ENDPOINTS_MAX, EndpointStatus, NotFailing, WebhookEndpoint
from fintech.ports.clock import Clock
from fintech.ports.outbox import Outbox
from fintech.ports.queries import Page, Queries
from fintech.ports.store import Store


@frozen
class EndpointDisabled:
    """Nothing is sent to an endpoint that is disabled: enable it first."""

    id: WebhookEndpointId


ResendRefusal: TypeAlias = NotFound | EndpointDisabled


@frozen(kw_only=True)
class ResendEvent:
    """Send an event again: to one endpoint, wanted or not, or to all that are enabled and want it."""

    store: Store
    queries: Queries
    outbox: Outbox
    clock: Clock

    async def __call__(
        self, scope: Scope, id: EventId, endpoint: WebhookEndpointId | None = None
    ) -> Outcome[tuple[Event, Sequence[Delivery]], ResendRefusal]:
        """It is sent within a moment. Asked for twice before that, it is sent once."""
        event = await self.store.event(scope, id)
        if event is None:
            return Failure(NotFound("event", id))
        if endpoint is None:
            chosen = await self._all_that_want(scope, event)
        else:
            named = await there(self.store, scope, endpoint)
            if named is None:
                return Failure(NotFound("webhook_endpoint", endpoint))
            if named.status is not EndpointStatus.ENABLED:
                return Failure(EndpointDisabled(endpoint))
            chosen = [named]
        now = self.clock.now()
        sent = [await self.outbox.send_again(scope, each.id, id, now) for each in chosen]
        return Success((event, [each for each in sent if each is not None]))

    async def _all_that_want(self, scope: Scope, event: Event) -> Sequence[WebhookEndpoint]:
        listed = await self.queries.webhook_endpoints(scope, Page(limit=2 * ENDPOINTS_MAX))
        enabled = [each for each in listed.items if each.status is EndpointStatus.ENABLED]
        return [each for each in enabled if each.wants(event.type)]


@frozen(kw_only=True)
class GiveUpEndpoint:
    """Disable an endpoint at which nothing has arrived for days."""

    store: Store
    commits: Commits

    async def __call__(
        self, actor: Actor, scope: Scope, id: WebhookEndpointId, failing_since: datetime
    ) -> Outcome[WebhookEndpoint, NotFound | NotFailing | CommitRefused]:
        """Refused as `WebhookEndpoint.given_up` refuses."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WebhookEndpoint], NotFound | NotFailing]:
            endpoint = await there(self.store, scope, id)
            if endpoint is None:
                return Failure(NotFound("webhook_endpoint", id))
            given_up = endpoint.given_up(failing_since, now)
            if isinstance(given_up, Failure):
                return given_up
            after = given_up.unwrap()
            changes = ((after, EventType.WEBHOOK_ENDPOINT_UPDATED),)
            return Success(Decision(value=saved(after), changes=changes))

        return await self.commits.land(scope, actor, decide)
