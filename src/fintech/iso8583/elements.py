"""What a table of data elements is made of. A specification is data: another one is another table, not other code."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from attrs import field, frozen


class Format(StrEnum):
    """What may stand in an element (ISO 8583:1987, 4.1)."""

    NUMERIC = "n"
    ALPHANUMERIC = "an"  #: letters, digits, and blanks as padding
    TEXT = "ans"  #: everything in ASCII that can be printed
    SIGNED = "x+n"  #: C or D, then digits
    TRACK2 = "z"  #: digits and D, which stands for the separator
    BINARY = "b"


class Length(StrEnum):
    """Whether an element's length is fixed, or said before it in two digits or three."""

    FIXED = "fixed"
    LL = "LL"
    LLL = "LLL"


class Encoding(StrEnum):
    """How digits are written: two in a byte, or one."""

    BCD = "bcd"
    ASCII = "ascii"


class Sensitivity(StrEnum):
    """What of an element may be shown to people (PCI DSS 3.4.1 and 3.3.1)."""

    PUBLIC = "public"
    PAN = "pan"  #: the first six and the last four digits
    HIDDEN = "hidden"  #: nothing but its length


@frozen
class Element:
    """A data element. ``size`` counts digits, characters or bytes: all of a fixed element, at most of a variable one.

    ``encoding`` is that of digits, which a track's symbols are too; ``counted_in`` that of the length before it.
    """

    number: int
    name: str
    format: Format
    size: int
    length: Length = Length.FIXED
    sensitivity: Sensitivity = Sensitivity.PUBLIC
    encoding: Encoding = Encoding.BCD
    counted_in: Encoding = Encoding.BCD


def _numbered_once(_instance: object, _attribute: object, elements: tuple[Element, ...]) -> None:
    numbers = [each.number for each in elements]
    if len(set(numbers)) < len(numbers) or not all(2 <= number <= 128 and number != 65 for number in numbers):
        raise ValueError(
            "a table has each of its elements once: 2 to 128, but for 65, which no bitmap has room for"
        )


@frozen
class Spec:
    """A specification: its name, how its message type is written, and its elements. Bitmaps are binary."""

    name: str
    elements: tuple[Element, ...] = field(validator=_numbered_once)
    mti: Encoding = Encoding.BCD


#: Text, or bytes for `Format.BINARY`.
Value: TypeAlias = str | bytes


@frozen
class Message:
    """A message: its type indicator of four digits, and its elements by number. No value of it is in its repr."""

    mti: str
    elements: Mapping[int, Value] = field(repr=False)

    def text(self, number: int) -> str | None:
        """An element that is not binary, or None if it is not there."""
        value = self.elements.get(number)
        return value if isinstance(value, str) else None


@frozen
class Malformed:
    """Why bytes are no message, or a message cannot be written. Nothing of what was sent is in it.

    ``element`` is the data element at fault: 0 is the message type, 1 the bitmaps, None something beyond them all.
    ``offset`` is where it begins, in bytes. ``header`` is what could be read before it.
    """

    problem: str
    element: int | None
    offset: int
    header: Message | None = field(default=None, repr=False)
