"""Terminals and the places where they stand."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.metadata import Metadata


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
    TerminalStatus.SUSPENDED: frozenset({TerminalStatus.ACTIVE, TerminalStatus.RETIRED}),
    TerminalStatus.RETIRED: frozenset(),
}


@frozen(kw_only=True, slots=False)
class Location:
    """A place: a shop, a market stall. The address is the merchant's, as it writes it."""

    id: LocationId
    version: int
    name: str
    line1: str
    city: str
    state: str
    postcode: str
    country: str
    created_at: datetime
    line2: str | None = None
    removed_at: datetime | None = None
    metadata: Metadata = field(default=())


@frozen(kw_only=True, slots=False)
class Terminal:
    """A terminal. ``number`` is its card acceptor terminal identification (ISO 8583:1987, data element 41): eight
    letters and digits that no other terminal of any merchant has, so it says whose a message is."""

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
