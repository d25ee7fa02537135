"""``fintech iso8583``."""

import json

import pytest
from click.testing import CliRunner

from fintech.entrypoints.cli import cli
from fintech.iso8583.elements import Message
from fintech.iso8583.framing import framed
from tests.unit.entrypoints.cli.conftest import Terminal
from tests.unit.iso8583.samples import PAN, PURCHASE, TRACK2, encoded

MESSAGE = Message(PURCHASE.mti, {**PURCHASE.elements, 35: TRACK2, 52: bytes(8)})
HEX = encoded(MESSAGE).hex()


def test_a_message_is_described_without_the_card(terminal: Terminal) -> None:
    said = terminal.says("iso8583", "describe", HEX)
    assert "Message type" in said
    assert "424242******4242" in said
    assert "[37 characters hidden]" in said
    assert PAN not in said
    assert "3012" not in said


@pytest.mark.parametrize(
    "text",
    [
        HEX.upper(),
        " ".join(HEX[place : place + 2] for place in range(0, len(HEX), 2)),
        framed(bytes.fromhex(HEX)).hex(),
    ],
)
def test_however_it_is_written(terminal: Terminal, text: str) -> None:
    assert terminal.says("iso8583", "describe", text) == terminal.says("iso8583", "describe", HEX)


def test_it_may_come_from_standard_input() -> None:
    result = CliRunner().invoke(cli, ["iso8583", "describe", "-"], input=HEX + "\n")
    assert result.exit_code == 0
    assert "Track 2 data" in result.output


def test_a_program_reads_it_too(terminal: Terminal) -> None:
    said = terminal.json("iso8583", "describe", HEX)
    assert said["type"] == "0200"
    assert said["elements"][0] == {
        "element": 2,
        "name": "Primary account number",
        "format": "n..19",
        "value": "424242******4242",
    }
    assert PAN not in json.dumps(said)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (HEX[:-2], "Error: element 52, at byte 70: it is cut short"),
        (framed(bytes.fromhex(HEX)).hex()[:-2], "Error: element 52, at byte 72: it is cut short"),
        (HEX + "00", "Error: the end, at byte 78: 1 bytes more than the bitmap announces"),
        ("ff", "Error: the message type, at byte 0: it is cut short"),
        ("0800" + "00", "Error: the bitmap, at byte 2: the bitmap is cut short"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(terminal: Terminal, text: str, error: str) -> None:
    assert terminal.refuses(1, "iso8583", "describe", text) == error


@pytest.mark.parametrize("text", ["", "xyz", "0", "00 0", "00" * 2**18])
def test_what_is_not_hexadecimal_is_wrong_usage(terminal: Terminal, text: str) -> None:
    if len(text) > 2**17:
        result = CliRunner().invoke(cli, ["iso8583", "describe", "-"], input=text)
        assert result.exit_code == 2
        return
    assert "hexadecimal" in terminal.refuses(2, "iso8583", "describe", text)
