"""Addresses in Australia, as merchants write them."""

import re
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.outcome import Failure, Outcome, Success

COUNTRY: Final = "AU"
#: States and territories (AS 4590.1:2017, 5.8), as they are abbreviated.
STATES: Final = ("ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA")
#: Longest line of an address, in characters.
LINE_MAX: Final = 200

_POSTCODE: Final = re.compile(r"[0-9]{4}")


class AddressFault(StrEnum):
    """What is wrong with an address: the part of it."""

    LINE1 = "line1"
    LINE2 = "line2"
    CITY = "city"
    STATE = "state"
    POSTCODE = "postcode"
    COUNTRY = "country"


@frozen(kw_only=True)
class AddressChanges:
    """Parts of an address that shall be others; None keeps a part, an empty ``line2`` removes it."""

    line1: str | None = field(default=None, repr=False)
    line2: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    state: str | None = None
    postcode: str | None = None
    country: str | None = None


@frozen(kw_only=True, slots=False)
class Address:
    """An address. ``city`` is the suburb or town, ``state`` one of `STATES`, ``postcode`` four digits.

    A stall's may be where somebody lives, so that its lines are in no repr.
    """

    line1: str = field(repr=False)
    city: str = field(repr=False)
    state: str
    postcode: str
    country: str
    line2: str | None = field(default=None, repr=False)

    def checked(self) -> "Outcome[Address, AddressFault]":
        """The address, its state in capitals; refused with the first part of it that is none."""
        fault = _fault(self)
        return Success(evolve(self, state=self.state.upper())) if fault is None else Failure(fault)

    def changed(self, changes: AddressChanges) -> "Outcome[Address, AddressFault]":
        """The address with some parts changed. The country stays what it is; refused as `checked` refuses."""
        if changes.country not in (None, self.country):
            return Failure(AddressFault.COUNTRY)
        given = {name: getattr(changes, name) for name in ("line1", "line2", "city", "state", "postcode")}
        after = evolve(self, **{name: part for name, part in given.items() if part is not None})
        return evolve(after, line2=after.line2 or None).checked()


def _fault(address: Address) -> AddressFault | None:
    lines = {
        AddressFault.LINE1: address.line1,
        AddressFault.LINE2: address.line2 if address.line2 is not None else "none",
        AddressFault.CITY: address.city,
    }
    for part, line in lines.items():
        if not line.strip() or len(line) > LINE_MAX or not line.isprintable():
            return part
    if address.state.upper() not in STATES:
        return AddressFault.STATE
    if not _POSTCODE.fullmatch(address.postcode):
        return AddressFault.POSTCODE
    return None if address.country == COUNTRY else AddressFault.COUNTRY
