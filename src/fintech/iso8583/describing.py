"""A message as people may see it: what an element's sensitivity hides is hidden, whoever looks."""

from typing import Final

from attrs import frozen

from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Element, Message, Sensitivity, Value

#: Fewer digits than this are no card number, and six and four of them would leave nothing to guess.
PAN_DIGITS_MIN: Final = 13
FIRST_SHOWN: Final = 6
LAST_SHOWN: Final = 4


@frozen
class Described:
    """A line of a description. ``value`` is as it may be shown."""

    number: int
    name: str
    format: str
    value: str


def described(codec: Codec, message: Message) -> list[Described]:
    """The elements of a message in their order, without what nobody may see."""
    return [
        Described(number, element.name, _format_of(element), shown(element, message.elements[number]))
        for number in sorted(message.elements)
        for element in (codec.elements[number],)
    ]


def shown(element: Element, value: Value) -> str:
    """A value as it may be shown."""
    match element.sensitivity:
        case Sensitivity.PUBLIC:
            return value.hex().upper() if isinstance(value, bytes) else value
        case Sensitivity.PAN if isinstance(value, str) and len(value) >= PAN_DIGITS_MIN:
            hidden = "*" * (len(value) - FIRST_SHOWN - LAST_SHOWN)
            return f"{value[:FIRST_SHOWN]}{hidden}{value[-LAST_SHOWN:]}"
        case _:
            unit = "bytes" if isinstance(value, bytes) else "characters"
            return f"[{len(value)} {unit} hidden]"


def _format_of(element: Element) -> str:
    """As the standard writes it: ``n 6``, ``ans..40``, ``b 8``."""
    dots = "" if element.length.value == "fixed" else "." * len(element.length.value)
    return f"{element.format.value}{dots or ' '}{element.size}"
