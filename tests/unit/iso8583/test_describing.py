"""What people may see of a message."""

import pytest

from fintech.iso8583.describing import described, shown
from fintech.iso8583.elements import Message
from tests.unit.iso8583.samples import CODEC, PAN, TRACK2


def test_elements_are_listed_in_their_order_with_what_may_be_seen() -> None:
    message = Message("0200", {52: bytes(8), 2: PAN, 35: TRACK2, 4: "000000002000", 64: b"\xab" * 8})
    assert [(each.number, each.format, each.value) for each in described(CODEC, message)] == [
        (2, "n..19", "424242******4242"),
        (4, "n 12", "000000002000"),
        (35, "z..37", "[37 characters hidden]"),
        (52, "b 8", "[8 bytes hidden]"),
        (64, "b 8", "ABABABABABABABAB"),
    ]


@pytest.mark.parametrize(
    ("number", "seen"),
    [("4" * 13, "444444***4444"), ("4" * 12, "[12 characters hidden]"), ("", "[0 characters hidden]")],
)
def test_six_and_four_digits_are_shown_only_of_what_has_enough(number: str, seen: str) -> None:
    assert shown(CODEC.elements[2], number) == seen


@pytest.mark.parametrize("number", [14, 35, 45, 47, 48, 52, 53, 55, 60, 61, 62, 63])
def test_what_may_have_card_data_in_it_is_hidden(number: int) -> None:
    value = b"secret" if number in (52, 55) else "secret"
    assert shown(CODEC.elements[number], value) in ("[6 bytes hidden]", "[6 characters hidden]")
