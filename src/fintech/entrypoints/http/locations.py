"""Locations on the wire: where readers stand."""

from typing import Annotated, Any, Final

from attrs import frozen

from fintech.application.commits import Reply
from fintech.application.terminals.locations import (
    CreateLocation,
    LocationRefusal,
    RemoveLocation,
    UpdateLocation,
)
from fintech.domain.addresses import COUNTRY, LINE_MAX, STATES, Address, AddressChanges
from fintech.domain.ids import LocationId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.terminals import LOCATION_NAME_MAX, Location, LocationRemoved
from fintech.entrypoints.http.codes import Code
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.kinds import METADATA_CHANGES, Nested, Pairs, Reference, Text, words
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen, gone
from fintech.entrypoints.http.schema import FLAG, METADATA, TEXT, Schema, const, maybe, members, or_gone
from fintech.entrypoints.http.terminal_refusals import terminal_problem
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/terminal/locations"
KIND: Final = "terminal.location"

_LOCATIONS: Final = Resource("terminal.locations", KIND)
_LOCATION: Final = Reference(LocationId, KIND)
_NAME: Final = Text(LOCATION_NAME_MAX, kept=True)
_LINE: Final = Text(LINE_MAX, kept=True)
_MAY_BE_EMPTY: Final = Text(LINE_MAX, clears=True, kept=True)
_POSTCODE: Final = Code("[0-9]{4}", "a postcode of four digits")

SCHEMA: Final[Schema] = or_gone(
    KIND,
    members(
        {
            "id": TEXT,
            "object": const(KIND),
            "address": members(
                {
                    "city": TEXT,
                    "country": const(COUNTRY),
                    "line1": TEXT,
                    "line2": maybe(TEXT),
                    "postal_code": TEXT,
                    "state": TEXT,
                }
            ),
            "display_name": TEXT,
            "livemode": FLAG,
            "metadata": METADATA,
        }
    ),
)


@frozen(kw_only=True)
class AddressParams:
    """An address in Australia."""

    line1: Annotated[str, _LINE, "The street and number."]
    line2: Annotated[str, _MAY_BE_EMPTY, "The level, shop or unit."] = ""
    city: Annotated[str, _LINE, "The suburb or town."]
    state: Annotated[str, words(*STATES), "The state or territory."]
    postal_code: Annotated[str, _POSTCODE, "The postcode."]
    country: Annotated[str, words(COUNTRY), "The country, by its ISO 3166-1 code."]


@frozen(kw_only=True)
class AddressChangeParams:
    """Parts of an address that shall be others."""

    line1: Annotated[str | None, _LINE, "The street and number."] = None
    line2: Annotated[str | None, _MAY_BE_EMPTY, "The level, shop or unit; empty removes it."] = None
    city: Annotated[str | None, _LINE, "The suburb or town."] = None
    state: Annotated[str | None, words(*STATES), "The state or territory."] = None
    postal_code: Annotated[str | None, _POSTCODE, "The postcode."] = None
    country: Annotated[str | None, words(COUNTRY), "The country, which cannot change."] = None


@frozen(kw_only=True)
class CreateParams:
    """A new location."""

    display_name: Annotated[str, _NAME, "What people call it."]
    address: Annotated[AddressParams, Nested(AddressParams), "Where it is."]
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of a location."""

    display_name: Annotated[str | None, _NAME, "What people call it."] = None
    address: Annotated[AddressChangeParams | None, Nested(AddressChangeParams), "Where it is."] = None
    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class LocationListParams(ListParams):
    """Which locations."""

    starting_after: Annotated[LocationId | None, _LOCATION, OLDER] = None
    ending_before: Annotated[LocationId | None, _LOCATION, NEWER] = None


def render_location(location: Location, livemode: bool) -> dict[str, Any]:
    """A location."""
    address = location.address
    return {
        "id": location.id,
        "object": KIND,
        "address": {
            "city": address.city,
            "country": address.country,
            "line1": address.line1,
            "line2": address.line2,
            "postal_code": address.postcode,
            "state": address.state,
        },
        "display_name": location.name,
        "livemode": livemode,
        "metadata": dict(location.metadata),
    }


@frozen(kw_only=True)
class Locations:
    """The operations on locations."""

    create_location: CreateLocation
    update_location: UpdateLocation
    remove_location: RemoveLocation
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _LOCATIONS.get, _LOCATIONS.post, PATH + "/{location}"
        return (
            post("create", PATH, CreateParams, self.create, "Note a place where readers will stand."),
            get("list", PATH, LocationListParams, self.list, "List locations, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a location."),
            post("update", one, UpdateParams, self.update, "Change a location."),
            _LOCATIONS.delete(one, self.delete, "Take a location off the list, where no reader stands."),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params, given = call.params, call.params.address
        outcome = await self.create_location(
            call.request,
            call.scope,
            name=params.display_name,
            address=Address(
                line1=given.line1,
                line2=given.line2 or None,
                city=given.city,
                state=given.state,
                postcode=given.postal_code,
                country=given.country,
            ),
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
        )
        if isinstance(outcome, Failure):
            raise _refused(outcome.failure(), call)
        return _answer(outcome.unwrap(), call.scope)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        params, given = call.params, call.params.address or AddressChangeParams()
        outcome = await self.update_location(
            call.request,
            call.scope,
            _target(call),
            name=params.display_name,
            address=AddressChanges(
                line1=given.line1,
                line2=given.line2,
                city=given.city,
                state=given.state,
                postcode=given.postal_code,
                country=given.country,
            ),
            metadata=params.metadata,
        )
        if isinstance(outcome, Failure):
            raise _refused(outcome.failure(), call)
        return _answer(outcome.unwrap(), call.scope)

    async def delete(self, call: Call[Nothing]) -> Answer:
        id = _target(call)
        outcome = await self.remove_location(call.request, call.scope, id)
        if isinstance(outcome, Failure) and not isinstance(outcome.failure(), LocationRemoved):
            raise _refused(outcome.failure(), call)
        return Answer(gone(KIND, id))

    async def list(self, call: Call[LocationListParams]) -> Answer:
        listed = await self.queries.locations(call.scope, call.params.page())
        livemode = call.scope.livemode
        return Answer(list_of(PATH, listed, lambda location: render_location(location, livemode)))

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        rendered = await self.load(call.scope, call.target, {})
        if rendered is None:
            raise missing(KIND, call.target, "location")
        return Answer(rendered)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The location with an id, or what is left of it."""
        del seen
        parsed = LocationId.parse(id)
        location = await self.store.location(scope, parsed) if parsed else None
        if location is None:
            return None
        if location.removed_at is not None:
            return gone(KIND, location.id)
        return render_location(location, scope.livemode)


def _target(call: Call[Any]) -> LocationId:
    id = LocationId.parse(call.target)
    if id is None:
        raise missing(KIND, call.target, "location")
    return id


def _refused(refused: LocationRefusal, call: Call[Any]) -> Refused:
    """A location that has been removed is not there any more."""
    if isinstance(refused, LocationRemoved):
        return missing(KIND, call.target, "location")
    return Refused(terminal_problem(refused))


def _answer(reply: Reply[Location], scope: Scope) -> Answer:
    return Answer(render_location(reply.value, scope.livemode), replayed=reply.replayed)
