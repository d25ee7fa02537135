"""Terminals and the places where they stand. `TRANSITIONS` is a terminal's whole life."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.addresses import Address, AddressChanges, AddressFault
from fintech.domain.evolving import evolve
from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.metadata import Metadata, TooManyKeys, merged
from fintech.domain.outcome import Failure, Outcome, Success

#: Longest name of a location and longest label of a terminal, in characters.
LOCATION_NAME_MAX: Final = 1_000
LABEL_MAX: Final = 100
SERIAL_MAX: Final = 40
#: What the serial number of a terminal begins with that is a program.
SIMULATED: Final = "simulated-"
#: A terminal that goes on reporting is written down so often, not each time: a fleet is large.
SIGN_ON_RESOLUTION: Final = timedelta(hours=1)
#: For how long after it reported a terminal passes for on line: twice as long as a report may go unwritten.
ONLINE_FOR: Final = 2 * SIGN_ON_RESOLUTION

NUMBER_PATTERN: Final = "[0-9A-Z]{8}"
SERIAL_PATTERN: Final = f"[0-9A-Za-z][0-9A-Za-z-]{{0,{SERIAL_MAX - 1}}}"


class TerminalStatus(StrEnum):
    """Whether a terminal may be used."""

    REGISTERED = "registered"  #: has never signed on
    ACTIVE = "active"
    SUSPENDED = "suspended"  #: its transactions are declined; reversals and advices are still taken
    RETIRED = "retired"


TRANSITIONS: Final[dict[TerminalStatus, frozenset[TerminalStatus]]] = {
    TerminalStatus.REGISTERED: frozenset(
        {TerminalStatus.ACTIVE, TerminalStatus.SUSPENDED, TerminalStatus.RETIRED}
    ),
    TerminalStatus.ACTIVE: frozenset({TerminalStatus.SUSPENDED, TerminalStatus.RETIRED}),
    TerminalStatus.SUSPENDED: frozenset(
        {TerminalStatus.REGISTERED, TerminalStatus.ACTIVE, TerminalStatus.RETIRED}
    ),
    TerminalStatus.RETIRED: frozenset(),
}


class Placing(StrEnum):
    """What may be done about a terminal."""

    SUSPEND = "suspend"
    RESTORE = "restore"
    RETIRE = "retire"


class TerminalFault(StrEnum):
    """What is wrong with a terminal that is to be registered."""

    NUMBER = "number"  #: not eight digits and capital letters
    SERIAL = "serial number"  #: not digits, letters and hyphens, or too many


@frozen
class SimulatedInLiveMode:
    """Programs are terminals in test mode only."""


@frozen
class TerminalMayNot:
    """The terminal's status does not allow it. ``wanted`` is the verb."""

    status: TerminalStatus
    wanted: str


@frozen
class LocationInUse:
    """Terminals stand there."""

    terminals: int


@frozen
class LocationRemoved:
    """The location has been removed already."""


@frozen(kw_only=True, slots=False)
class Location:
    """A place: a shop, a market stall. ``terminals`` is how many stand there, retired ones not counted; it changes in
    the commit that brings one or takes one away, so that no place is removed under a terminal."""

    id: LocationId
    version: int
    name: str
    address: Address
    created_at: datetime
    terminals: int = 0
    removed_at: datetime | None = None
    metadata: Metadata = field(default=())

    def updated(
        self,
        *,
        name: str | None = None,
        address: AddressChanges | None = None,
        metadata: Metadata | None = None,
    ) -> "Outcome[Location, LocationRemoved | AddressFault | TooManyKeys]":
        """Change what is given. Refused as `Address.changed` and `merged` refuse, and once it is removed."""
        if self.removed_at is not None:
            return Failure(LocationRemoved())
        changed = self.address.changed(address or AddressChanges())
        if isinstance(changed, Failure):
            return changed
        merging = merged(self.metadata, metadata)
        if isinstance(merging, Failure):
            return merging
        return Success(
            evolve(self, name=name or self.name, address=changed.unwrap(), metadata=merging.unwrap())
        )

    def removed(self, at: datetime) -> "Outcome[Location, LocationInUse | LocationRemoved]":
        """Take it off the list. Its terminals have to be moved or retired before."""
        if self.removed_at is not None:
            return Failure(LocationRemoved())
        if self.terminals:
            return Failure(LocationInUse(self.terminals))
        return Success(evolve(self, removed_at=at))

    def joined(self) -> "Outcome[Location, LocationRemoved]":
        """With one terminal more."""
        if self.removed_at is not None:
            return Failure(LocationRemoved())
        return Success(evolve(self, terminals=self.terminals + 1))

    def left(self) -> "Location":
        """With one terminal less."""
        assert self.terminals, "a terminal leaves where none stands"
        return evolve(self, terminals=self.terminals - 1)


@frozen(kw_only=True, slots=False)
class Terminal:
    """A terminal. ``number`` is its card acceptor terminal identification (ISO 8583:1987, data element 41): eight
    digits and capital letters that no other terminal of any merchant has or will have, so it says whose a message is.
    ``serial`` is its maker's number. ``signed_on_at`` is when it last reported, to `SIGN_ON_RESOLUTION`."""

    id: TerminalId
    version: int
    number: str
    label: str
    location: LocationId
    serial: str
    status: TerminalStatus
    created_at: datetime
    signed_on_at: datetime | None = None
    metadata: Metadata = field(default=())

    @property
    def simulated(self) -> bool:
        """Whether it is a program."""
        return self.serial.startswith(SIMULATED)

    def online(self, now: datetime) -> bool:
        """Whether it may be used and has reported lately. It may have gone away since: see `ONLINE_FOR`."""
        reported = self.signed_on_at
        return self.status is TerminalStatus.ACTIVE and reported is not None and now - reported < ONLINE_FOR

    def signed_on(self, now: datetime) -> "Outcome[Terminal, TerminalMayNot]":
        """It reports. The same terminal when that is known well enough; refused to a suspended or retired one."""
        if self.status is TerminalStatus.REGISTERED:
            return Success(evolve(self, status=self._moved_to(TerminalStatus.ACTIVE), signed_on_at=now))
        if self.status is not TerminalStatus.ACTIVE:
            return Failure(TerminalMayNot(self.status, "sign on"))
        if self.signed_on_at is not None and now - self.signed_on_at < SIGN_ON_RESOLUTION:
            return Success(self)
        return Success(evolve(self, signed_on_at=now))

    def updated(
        self,
        *,
        label: str | None = None,
        location: LocationId | None = None,
        metadata: Metadata | None = None,
    ) -> "Outcome[Terminal, TerminalMayNot | TooManyKeys]":
        """Change what is given. Refused as `merged` refuses, and to a retired terminal.

        When it moves, `Location.left` and `Location.joined` belong into the same commit."""
        if self.status is TerminalStatus.RETIRED:
            return Failure(TerminalMayNot(self.status, "update"))
        merging = merged(self.metadata, metadata)
        if isinstance(merging, Failure):
            return merging
        return Success(
            evolve(
                self,
                label=label or self.label,
                location=location or self.location,
                metadata=merging.unwrap(),
            )
        )

    def placed(self, placing: Placing) -> "Outcome[Terminal, TerminalMayNot]":
        """Suspend, restore to what it was, or retire for good."""
        if placing is Placing.RESTORE and self.status is not TerminalStatus.SUSPENDED:
            return Failure(TerminalMayNot(self.status, placing))
        known = TerminalStatus.REGISTERED if self.signed_on_at is None else TerminalStatus.ACTIVE
        wanted = {
            Placing.SUSPEND: TerminalStatus.SUSPENDED,
            Placing.RESTORE: known,
            Placing.RETIRE: TerminalStatus.RETIRED,
        }[placing]
        if wanted not in TRANSITIONS[self.status]:
            return Failure(TerminalMayNot(self.status, placing))
        return Success(evolve(self, status=self._moved_to(wanted)))

    def _moved_to(self, status: TerminalStatus) -> TerminalStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a terminal"
            raise AssertionError(message)
        return status


def new_location(
    *, id: LocationId, name: str, address: Address, at: datetime, metadata: Metadata = ()
) -> Outcome[Location, AddressFault]:
    """A location where no terminal stands yet. Refused as `Address.checked` refuses."""
    checked = address.checked()
    if isinstance(checked, Failure):
        return checked
    return Success(
        Location(id=id, version=0, name=name, address=checked.unwrap(), created_at=at, metadata=metadata)
    )


def new_terminal(
    *,
    id: TerminalId,
    serial: str,
    location: LocationId,
    at: datetime,
    livemode: bool,
    number: str | None = None,
    label: str | None = None,
    metadata: Metadata = (),
) -> Outcome[Terminal, TerminalFault | SimulatedInLiveMode]:
    """A terminal that has not signed on yet, called by its serial number where it has no label.

    Without a number it gets the last eight characters of its id: 40 random bits in an alphabet without I, L, O and U,
    so that it can be read over a telephone.
    """
    given = number or id[-8:].upper()
    if not re.fullmatch(NUMBER_PATTERN, given):
        return Failure(TerminalFault.NUMBER)
    if not re.fullmatch(SERIAL_PATTERN, serial):
        return Failure(TerminalFault.SERIAL)
    terminal = Terminal(
        id=id,
        version=0,
        number=given,
        label=label or serial,
        location=location,
        serial=serial,
        status=TerminalStatus.REGISTERED,
        created_at=at,
        metadata=metadata,
    )
    return Failure(SimulatedInLiveMode()) if livemode and terminal.simulated else Success(terminal)
