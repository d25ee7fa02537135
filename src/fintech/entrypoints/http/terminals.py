"""Terminals on the wire: readers."""

from datetime import datetime
from typing import Annotated, Any, Final

from attrs import frozen

from fintech.application.commits import Reply
from fintech.application.terminals.terminals import (
    PlaceTerminal,
    RegisterTerminal,
    TerminalRefusal,
    UpdateTerminal,
)
from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.terminals import (
    LABEL_MAX,
    SERIAL_PATTERN,
    Placing,
    Terminal,
    TerminalMayNot,
    TerminalStatus,
)
from fintech.entrypoints.http.codes import Code
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.kinds import METADATA_CHANGES, Choice, Pairs, Reference, Text
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, gone
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    Schema,
    const,
    expandable,
    maybe,
    members,
    one_of,
    or_gone,
)
from fintech.entrypoints.http.terminal_refusals import terminal_problem
from fintech.ports.clock import Clock
from fintech.ports.queries import Presence, Queries, Wanted
from fintech.ports.store import Store

PATH: Final = "/v1/terminal/readers"
KIND: Final = "terminal.reader"

_READERS: Final = Resource("terminal.readers", KIND)
_READER: Final = Reference(TerminalId, KIND)
_LOCATION: Final = Reference(LocationId, "terminal.location")
_SERIAL: Final = Code(SERIAL_PATTERN, "a serial number: digits, letters and hyphens")
_DEVICE: Final = "eftpos_terminal"
_SIMULATED_DEVICE: Final = "simulated_eftpos_terminal"
#: A retired terminal is deleted, as far as the wire is concerned.
_LISTED: Final = tuple(status for status in TerminalStatus if status is not TerminalStatus.RETIRED)

SCHEMA: Final[Schema] = or_gone(
    KIND,
    members(
        {
            "id": TEXT,
            "object": const(KIND),
            "action": NULL,
            "device_sw_version": NULL,
            "device_type": one_of(_DEVICE, _SIMULATED_DEVICE),
            "ip_address": NULL,
            "label": TEXT,
            "last_seen_at": maybe(INTEGER),
            "lifecycle": one_of(*TerminalStatus),
            "livemode": FLAG,
            "location": expandable("terminal.location"),
            "metadata": METADATA,
            "serial_number": TEXT,
            "status": one_of("offline", "online"),
            "terminal_id": TEXT,
        }
    ),
)


@frozen(kw_only=True)
class CreateParams:
    """A terminal to be registered."""

    registration_code: Annotated[
        str, _SERIAL, "The terminal's serial number; in test mode, ``simulated-`` and anything for a program."
    ]
    location: Annotated[LocationId, _LOCATION, "Where it stands."]
    label: Annotated[
        str | None, Text(LABEL_MAX, kept=True), "What people call it; by default its registration code."
    ] = None
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of a reader."""

    label: Annotated[str | None, Text(LABEL_MAX, kept=True), "What people call it."] = None
    location: Annotated[LocationId | None, _LOCATION, "Where it stands from now on."] = None
    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class ReaderListParams(ListParams):
    """Which readers."""

    location: Annotated[LocationId | None, _LOCATION, "Only those that stand here."] = None
    serial_number: Annotated[str | None, _SERIAL, "Only those of this serial number."] = None
    status: Annotated[
        bool | None, Choice({"online": True, "offline": False}), "Only those that are on line, or are not."
    ] = None
    starting_after: Annotated[TerminalId | None, _READER, OLDER] = None
    ending_before: Annotated[TerminalId | None, _READER, NEWER] = None


def render_reader(terminal: Terminal, livemode: bool, now: datetime) -> dict[str, Any]:
    """A reader as it is at a moment. ``terminal_id`` is its number and ``lifecycle`` our word for its status."""
    seen = terminal.signed_on_at
    return {
        "id": terminal.id,
        "object": KIND,
        "action": None,
        "device_sw_version": None,
        "device_type": _SIMULATED_DEVICE if terminal.simulated else _DEVICE,
        "ip_address": None,
        "label": terminal.label,
        "last_seen_at": int(seen.timestamp() * 1000) if seen else None,
        "lifecycle": terminal.status.value,
        "livemode": livemode,
        "location": terminal.location,
        "metadata": dict(terminal.metadata),
        "serial_number": terminal.serial,
        "status": "online" if terminal.online(now) else "offline",
        "terminal_id": terminal.number,
    }


@frozen(kw_only=True)
class Readers:
    """The operations on readers."""

    register_terminal: RegisterTerminal
    update_terminal: UpdateTerminal
    place_terminal: PlaceTerminal
    store: Store
    queries: Queries
    clock: Clock

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _READERS.get, _READERS.post, PATH + "/{reader}"
        return (
            post("create", PATH, CreateParams, self.create, "Register a terminal; it is given its number."),
            get("list", PATH, ReaderListParams, self.list, "List readers, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a reader."),
            post("update", one, UpdateParams, self.update, "Change what a reader is called, or move it."),
            _READERS.delete(one, self.delete, "Retire a terminal for good."),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params = call.params
        outcome = await self.register_terminal(
            call.request,
            call.scope,
            serial=params.registration_code,
            location=params.location,
            label=params.label,
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
        )
        if isinstance(outcome, Failure):
            raise _refused(outcome.failure(), call)
        return self._answer(outcome.unwrap(), call.scope)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        params = call.params
        outcome = await self.update_terminal(
            call.request,
            call.scope,
            _target(call),
            label=params.label,
            location=params.location,
            metadata=params.metadata,
        )
        if isinstance(outcome, Failure):
            raise _refused(outcome.failure(), call)
        return self._answer(outcome.unwrap(), call.scope)

    async def delete(self, call: Call[Nothing]) -> Answer:
        id = _target(call)
        outcome = await self.place_terminal(call.request, call.scope, id, Placing.RETIRE)
        if isinstance(outcome, Failure) and not isinstance(outcome.failure(), TerminalMayNot):
            raise _refused(outcome.failure(), call)
        return Answer(gone(KIND, id))

    async def list(self, call: Call[ReaderListParams]) -> Answer:
        params, now, livemode = call.params, self.clock.now(), call.scope.livemode
        wanted = Wanted(
            location=params.location,
            serial=params.serial_number,
            statuses=_LISTED,
            presence=None if params.status is None else Presence(params.status, now),
        )
        listed = await self.queries.terminals(call.scope, params.page(), wanted)
        return Answer(list_of(PATH, listed, lambda terminal: render_reader(terminal, livemode, now)))

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        id = _target(call)
        terminal = await self.store.terminal(call.scope, id)
        if terminal is None:
            raise missing(KIND, id, "reader")
        if terminal.status is TerminalStatus.RETIRED:
            return Answer(gone(KIND, id))
        return Answer(render_reader(terminal, call.scope.livemode, self.clock.now()))

    def _answer(self, reply: Reply[Terminal], scope: Scope) -> Answer:
        body = render_reader(reply.value, scope.livemode, self.clock.now())
        return Answer(body, replayed=reply.replayed)


def _target(call: Call[Any]) -> TerminalId:
    id = TerminalId.parse(call.target)
    if id is None:
        raise missing(KIND, call.target, "reader")
    return id


def _refused(refused: TerminalRefusal, call: Call[Any]) -> Refused:
    """A terminal that may not, since it is retired, is not there any more."""
    if isinstance(refused, TerminalMayNot):
        return missing(KIND, call.target, "reader")
    return Refused(terminal_problem(refused))
