"""Locations: where a merchant's terminals stand."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.repeats import replied
from fintech.domain.addresses import Address, AddressChanges, AddressFault
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, LocationId
from fintech.domain.metadata import Metadata, TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, LocationInUse, LocationRemoved, new_location
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

LocationRefusal: TypeAlias = (
    NotFound | AddressFault | TooManyKeys | LocationInUse | LocationRemoved | CommitRefused
)
LocationAnswered: TypeAlias = Outcome[Reply[Location], LocationRefusal]


@frozen(kw_only=True)
class CreateLocation:
    """Note a place where terminals will stand."""

    store: Store
    ids: IdSource
    commits: Commits

    async def __call__(
        self, request: Request, scope: Scope, *, name: str, address: Address, metadata: Metadata = ()
    ) -> LocationAnswered:
        """Refused as `new_location` refuses."""
        if await self.store.merchant(scope) is None:
            return Failure(NotFound("merchant", scope.merchant))

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Location], LocationRefusal]:
            making = new_location(
                id=self.ids.new(LocationId), name=name, address=address, at=now, metadata=metadata
            )
            if isinstance(making, Failure):
                return making
            made = making.unwrap()
            return Success(_decision(request, made, EventType.LOCATION_CREATED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, Location, outcome)


@frozen(kw_only=True)
class UpdateLocation:
    """Change what a location is called and where it is said to be."""

    store: Store
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: LocationId,
        *,
        name: str | None = None,
        address: AddressChanges | None = None,
        metadata: Metadata | None = None,
    ) -> LocationAnswered:
        """Refused as `Location.updated` refuses; ``metadata`` is merged into what is there by then."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Location], LocationRefusal]:
            location = await self.store.location(scope, id)
            if location is None:
                return Failure(NotFound("location", id))
            updating = location.updated(name=name, address=address, metadata=metadata)
            if isinstance(updating, Failure):
                return updating
            return Success(_decision(request, updating.unwrap(), EventType.LOCATION_UPDATED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, Location, outcome)


@frozen(kw_only=True)
class RemoveLocation:
    """Take a location off the list."""

    store: Store
    commits: Commits

    async def __call__(self, request: Request, scope: Scope, id: LocationId) -> LocationAnswered:
        """Refused as `Location.removed` refuses."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Location], LocationRefusal]:
            location = await self.store.location(scope, id)
            if location is None:
                return Failure(NotFound("location", id))
            removing = location.removed(now)
            if isinstance(removing, Failure):
                return removing
            return Success(_decision(request, removing.unwrap(), EventType.LOCATION_DELETED, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, Location, outcome)


def _decision(request: Request, after: Location, event: EventType, now: datetime) -> Decision[Location]:
    return Decision(
        value=saved(after), changes=((after, event),), claim=request.claim_and_answer(after.id, now)
    )
