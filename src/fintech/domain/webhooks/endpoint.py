"""Webhook endpoints: where a merchant's systems hear of what happened. `TRANSITIONS` is the whole life of one."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, WebhookEndpointId
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.outcome import Failure, Outcome, Success

#: In the place of types: all of them.
ALL_TYPES: Final = ("*",)
#: As many as Stripe lets an account have. A bound of what one event may cost, not a rule that money hangs on.
ENDPOINTS_MAX: Final = 16
DESCRIPTION_MAX: Final = 500
#: How many secrets may sign beside the newest one.
OLD_SECRETS_MAX: Final = 4
OVERLAP_MAX: Final = timedelta(days=7)
#: An endpoint at which nothing has arrived for so long is disabled.
PATIENCE: Final = timedelta(days=3)


class EndpointStatus(StrEnum):
    """Whether events are sent to a webhook endpoint."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"


TRANSITIONS: Final[dict[EndpointStatus, frozenset[EndpointStatus]]] = {
    EndpointStatus.ENABLED: frozenset({EndpointStatus.DISABLED, EndpointStatus.REMOVED}),
    EndpointStatus.DISABLED: frozenset({EndpointStatus.ENABLED, EndpointStatus.REMOVED}),
    EndpointStatus.REMOVED: frozenset(),
}


class DisabledBecause(StrEnum):
    """Why an endpoint is disabled."""

    ASKED = "asked"  #: the merchant, or an officer, said so
    FAILING = "failing"  #: nothing has arrived for `PATIENCE`


@frozen
class OldSecret:
    """A secret that was rotated and still signs until a moment. ``record`` is what it is sealed under."""

    number: int
    record: str
    ends_at: datetime


def secret_record(endpoint: WebhookEndpointId, number: int, changeset: ChangesetId) -> str:
    """What a new secret is sealed under: nobody else who makes one of the same number at the same moment has the same."""
    return f"{endpoint}.{number}.{changeset}"


@frozen
class TooManySecrets:
    """So many secrets sign already; the first of them ends at a moment."""

    most: int
    next_ends_at: datetime


@frozen
class NotFailing:
    """Something has arrived, or the endpoint has been enabled or changed too lately to be given up."""


@frozen(kw_only=True, slots=False)
class WebhookEndpoint:
    """``types`` are the event types that it wants, or `ALL_TYPES`.

    What signs is sealed with the merchant's keys, and not in the books: ``secret_number`` is the newest, which signs for
    good, and ``sealed_under`` what it is sealed under. ``hopeful_since`` is when it was last enabled anew or given another
    URL: what failed before counts no more.
    """

    id: WebhookEndpointId
    version: int
    url: str
    types: tuple[str, ...]
    status: EndpointStatus
    secret_number: int
    sealed_under: str
    created_at: datetime
    old_secrets: tuple[OldSecret, ...] = field(default=())
    description: str | None = None
    hopeful_since: datetime | None = None
    disabled_because: DisabledBecause | None = None
    metadata: Metadata = field(default=())

    def wants(self, type: str) -> bool:
        """Whether events of a type are sent to it, as long as it is enabled."""
        return self.types == ALL_TYPES or type in self.types

    def signing(self, now: datetime) -> tuple[str, ...]:
        """What the secrets that sign now are sealed under, the newest first."""
        return (self.sealed_under, *(old.record for old in self.old_secrets if now < old.ends_at))

    def updated(
        self,
        now: datetime,
        *,
        url: str | None = None,
        types: tuple[str, ...] | None = None,
        description: str | None = None,
        disabled: bool | None = None,
        metadata: Metadata | None = None,
    ) -> "Outcome[WebhookEndpoint, TooManyKeys]":
        """Change what is given; an empty description unsets it. Refused as `merged` refuses."""
        merging = merged(self.metadata, metadata)
        if isinstance(merging, Failure):
            return merging
        after = evolve(self, metadata=merging.unwrap())
        if url is not None and url != self.url:
            after = evolve(after, url=url, hopeful_since=now)
        if types is not None:
            after = evolve(after, types=types)
        if description is not None:
            after = evolve(after, description=description or None)
        if disabled is not None:
            after = after.turned(DisabledBecause.ASKED if disabled else None, now)
        return Success(after)

    def turned(self, because: DisabledBecause | None, now: datetime) -> "WebhookEndpoint":
        """Disabled, or without a reason enabled. One that is so already stays as it is."""
        status = EndpointStatus.DISABLED if because else EndpointStatus.ENABLED
        if status is self.status:
            return self
        hopeful_since = self.hopeful_since if because else now
        return evolve(
            self, status=self.moved_to(status), disabled_because=because, hopeful_since=hopeful_since
        )

    def rotated(
        self, now: datetime, overlap: timedelta, record: str
    ) -> "Outcome[WebhookEndpoint, TooManySecrets]":
        """Sign with a new secret, sealed under a record; the one that it replaces goes on signing for ``overlap``."""
        still = tuple(old for old in self.old_secrets if now < old.ends_at)
        if overlap > timedelta():
            if len(still) >= OLD_SECRETS_MAX:
                return Failure(TooManySecrets(OLD_SECRETS_MAX, min(old.ends_at for old in still)))
            old = OldSecret(self.secret_number, self.sealed_under, now + overlap)
            still = (old, *still)
        number = self.secret_number + 1
        return Success(evolve(self, secret_number=number, sealed_under=record, old_secrets=still))

    def removed(self) -> "WebhookEndpoint":
        """Nothing is sent there any more, and nobody sees it."""
        return evolve(self, status=self.moved_to(EndpointStatus.REMOVED), disabled_because=None)

    def overdue(self, failing_since: datetime | None, now: datetime) -> bool:
        """Whether everything has failed for `PATIENCE`, the last success or change of heart being at its beginning."""
        if failing_since is None or self.status is not EndpointStatus.ENABLED:
            return False
        return max(failing_since, self.hopeful_since or failing_since) + PATIENCE <= now

    def given_up(self, failing_since: datetime, now: datetime) -> "Outcome[WebhookEndpoint, NotFailing]":
        """Disabled because nothing has arrived since a moment that is long past."""
        if not self.overdue(failing_since, now):
            return Failure(NotFailing())
        return Success(self.turned(DisabledBecause.FAILING, now))

    def moved_to(self, status: EndpointStatus) -> EndpointStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a webhook endpoint"
            raise AssertionError(message)
        return status
