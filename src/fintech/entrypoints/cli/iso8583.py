"""``fintech iso8583``: what is in a terminal's message, for who may not see the card."""

import sys
from typing import Any, Final

import click

from fintech.domain.outcome import Failure
from fintech.entrypoints.cli.options import json_option
from fintech.entrypoints.cli.printing import Column, print_json, print_table
from fintech.entrypoints.cli.working import Refused
from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec
from fintech.iso8583.describing import Described, described
from fintech.iso8583.elements import Malformed, Message
from fintech.iso8583.framing import LENGTH_BYTES

#: Two bytes can announce no more, and each is two digits; people put blanks between them.
HEX_MAX: Final = 4 * 2**16


@click.group()
def iso8583() -> None:
    """Look into the messages of terminals."""


@iso8583.command()
@click.argument("message", metavar="HEX")
@json_option
def describe(message: str, as_json: bool) -> None:
    """List the data elements of a message, in hexadecimal; - reads it from standard input.

    The length before a message on the line may be there or not. Of card numbers the first six and the last four
    digits are shown; tracks, PIN blocks, chip data and private elements are hidden.
    """
    codec = Codec(AS2805)
    found = _message(codec, _bytes_of(sys.stdin.read(HEX_MAX + 1) if message == "-" else message))
    lines = described(codec, found)
    if as_json:
        print_json(
            {"type": found.mti, "table": codec.spec.name, "elements": [_fields(each) for each in lines]}
        )
        return
    columns = [Column("element", right=True), Column("name"), Column("format"), Column("value")]
    rows = [[str(each.number), each.name, each.format, each.value] for each in lines]
    print_table(columns, [["0", "Message type", "n 4", found.mti], *rows])


def _bytes_of(text: str) -> bytes:
    digits = "".join(text.split())
    if not 0 < len(digits) <= HEX_MAX:
        raise click.BadParameter(f"is 1 to {HEX_MAX} hexadecimal digits", param_hint="'HEX'")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise click.BadParameter("is not hexadecimal, two digits a byte", param_hint="'HEX'") from None


def _message(codec: Codec, data: bytes) -> Message:
    """The message, with its length before it or without. What is neither is refused as what it looks more like."""
    bare, framed = codec.decode(data), codec.decode(data[LENGTH_BYTES:])
    if not isinstance(bare, Failure):
        return bare.unwrap()
    if not isinstance(framed, Failure) and int.from_bytes(data[:LENGTH_BYTES]) == len(data) - LENGTH_BYTES:
        return framed.unwrap()
    one, other = bare.failure(), framed.failure() if isinstance(framed, Failure) else bare.failure()
    if _elements(other.header) > _elements(one.header):
        raise Refused(_said(other, LENGTH_BYTES))
    raise Refused(_said(one, 0))


def _elements(header: Message | None) -> int:
    return len(header.elements) if header else 0


def _said(malformed: Malformed, skipped: int) -> str:
    named = {0: "the message type", 1: "the bitmap", None: "the end"}
    place = named.get(malformed.element, f"element {malformed.element}")
    return f"{place}, at byte {malformed.offset + skipped}: {malformed.problem}"


def _fields(line: Described) -> dict[str, Any]:
    return {"element": line.number, "name": line.name, "format": line.format, "value": line.value}
