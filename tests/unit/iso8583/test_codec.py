"""Bytes to messages and back, and nothing but a typed error for what is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.outcome import Failure, Success
from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Element, Encoding, Format, Length, Malformed, Message, Spec
from tests.unit.iso8583.samples import CODEC, PAN, PURCHASE, TRACK2, encoded, messages

#: Messages that others have published, in their bytes.
VECTORS = {
    # A terminal's log-on, as it is taken apart in tutorials: packed digits, binary bitmap, text in ASCII.
    "08002020000000800000000000000001" + "3239313130303031": Message(
        "0800", {3: "000000", 11: "000001", 41: "29110001"}
    ),
    # The sign-on reply of a processor's manual (its response code in ASCII instead of EBCDIC).
    "0810822000000200000004000000000000000501130427000005" + "3030" + "0001": Message(
        "0810", {7: "0501130427", 11: "000005", 39: "00", 70: "001"}
    ),
    # A purchase for terminals of the same make: amount, date, trace number, terminal, currency.
    "02003220000000808000000010000000001500120604120000000131323334303030310840": Message(
        "0200", {3: "000010", 4: "000000001500", 7: "1206041200", 11: "000001", 41: "12340001", 49: "840"}
    ),
}

#: The bitmap of a processor's manual, and what it says it means.
PUBLISHED_BITMAP = "3034045928E18203"
PUBLISHED_NUMBERS = [3, 4, 11, 12, 14, 22, 26, 28, 29, 32, 35, 37, 41, 42, 43, 48, 49, 55, 63, 64]


@pytest.mark.parametrize("text", VECTORS)
def test_a_published_message_is_read_and_written_as_published(text: str) -> None:
    assert CODEC.decode(bytes.fromhex(text)) == Success(VECTORS[text])
    assert encoded(VECTORS[text]).hex().upper() == text.upper()


def test_a_bitmap_announces_what_its_publisher_says() -> None:
    bits = int(PUBLISHED_BITMAP, 16)
    assert [number for number in range(1, 65) if bits >> (64 - number) & 1] == PUBLISHED_NUMBERS
    known = [number for number in PUBLISHED_NUMBERS if number in CODEC.elements]
    table = Codec(Spec("only these", tuple(CODEC.elements[number] for number in known)))
    failed = table.decode(bytes.fromhex("0200" + PUBLISHED_BITMAP)).failure()
    assert (failed.element, failed.problem) == (1, "it announces element 29, which only these does not have")


@given(messages())
def test_what_is_written_is_read_as_it_was(message: Message) -> None:
    assert CODEC.decode(encoded(message)) == Success(message)


@st.composite
def _spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data) - 1))
    return draw(
        st.sampled_from(
            [data[:at], data[:at] + draw(st.binary(min_size=1, max_size=3)) + data[at + 1 :], data + b"\0"]
        )
    )


@given(st.binary(max_size=200) | messages().map(encoded).flatmap(_spoilt))
def test_whatever_the_bytes_are_they_are_a_message_in_its_one_spelling_or_malformed(data: bytes) -> None:
    outcome = CODEC.decode(data)
    if isinstance(outcome, Success):
        assert encoded(outcome.unwrap()) == data
    else:
        malformed = outcome.failure()
        assert 0 <= malformed.offset <= len(data)
        assert malformed.element is None or 0 <= malformed.element <= 128


@pytest.mark.parametrize("cut", range(len(encoded(PURCHASE))))
def test_a_message_that_is_cut_short_says_where(cut: int) -> None:
    data = encoded(PURCHASE)[:cut]
    malformed = CODEC.decode(data).failure()
    assert malformed.element is not None
    assert malformed.offset <= cut
    assert malformed.problem.endswith("is cut short")


def hexed(*parts: str) -> bytes:
    return bytes.fromhex("".join(parts))


@pytest.mark.parametrize(
    ("data", "element", "problem"),
    [
        (b"", 0, "it is cut short"),
        (hexed("0A00", "00" * 8), 0, "it has something other than digits"),
        (hexed("0800", "0000"), 1, "the bitmap is cut short"),
        (hexed("0800", "80", "00" * 9), 1, "the second bitmap is cut short"),
        (hexed("0800", "80", "00" * 15), 1, "the second bitmap announces nothing"),
        (hexed("0800", "0040", "00" * 6), 1, "it announces element 10, which"),
        (hexed("0800", "80", "00" * 7, "80", "00" * 7), 1, "it announces element 65, which"),
        (hexed("0800", "2000000000000000", "00000F"), 3, "it has something other than digits"),
        (hexed("0800", "4000000000000000", "20", "00" * 10), 2, "its length is 20, and it has at most 19"),
        (hexed("0800", "4000000000000000", "1A"), 2, "its length is not a number"),
        (hexed("0800", "4000000000000000", "03", "1123"), 2, "the half byte that fills it up is not 0"),
        (hexed("0800", "0000000020000000", "03", "123D"), 35, "the half byte that fills it up is not 0"),
        (hexed("0800", "0000000020000000", "04", "123E"), 35, "it has something other than digits and sep"),
        (hexed("0800", "0000000002000000", "F0F0"), 39, "it has something other than letters"),
        (hexed("0800", "0000000000800000", "54" * 7, "0A"), 41, "it has something other than printable"),
        (hexed("0800", "0000001000000000", "4500000000"), 28, "it begins with something other than C or D"),
        (hexed("0800", "0000000000010000", "303058"), 48, "its length is not a number"),
        (hexed("0800", "0000000000000000", "00"), None, "1 bytes more than the bitmap announces"),
    ],
)
def test_what_is_wrong_is_said_with_its_element(data: bytes, element: int | None, problem: str) -> None:
    malformed = CODEC.decode(data).failure()
    assert malformed.element == element
    assert malformed.problem.startswith(problem)


def test_what_could_be_read_before_the_fault_is_told() -> None:
    data = encoded(Message("0200", {3: "000000", 11: "000001", 41: "T0000001"}))[:-1] + b"\n"
    malformed = CODEC.decode(data).failure()
    assert malformed.header == Message("0200", {3: "000000", 11: "000001"})
    assert malformed.offset == 2 + 8 + 3 + 3


@pytest.mark.parametrize(
    ("message", "element", "problem"),
    [
        (Message("020", {}), 0, "it has 3 places instead of 4"),
        (Message("02OO", {}), 0, "it has something other than digits"),
        (Message("0200", {10: "1"}), 10, "which AS 2805.2"),
        (Message("0200", {3: "00000"}), 3, "it has 5 places instead of 6"),
        (Message("0200", {2: "4" * 20}), 2, "it has 20 places, and there are at most 19"),
        (Message("0200", {2: "4242x"}), 2, "it has something other than digits"),
        (Message("0200", {2: "٤٢٤٢"}), 2, "it has something other than digits"),
        (Message("0200", {35: "4242=3012"}), 35, "it has something other than digits and separators"),
        (Message("0200", {35: "4242d3012"}), 35, "it has something other than digits and separators"),
        (Message("0200", {39: "é0"}), 39, "it has something other than letters"),
        (Message("0200", {41: "T000\n001"}), 41, "it has something other than printable"),
        (Message("0200", {28: "X00000000"}), 28, "it begins with something other than C or D"),
        (Message("0200", {52: "12345678"}), 52, "it is not the kind of value that this element has"),
        (Message("0200", {3: b"000000"}), 3, "it is not the kind of value that this element has"),
    ],
)
def test_what_cannot_be_written_is_said_with_its_element(
    message: Message, element: int, problem: str
) -> None:
    malformed = CODEC.encode(message).failure()
    assert malformed.element == element
    assert malformed.problem.startswith(problem)


def test_another_specification_is_another_table() -> None:
    """ISO 8583 in ASCII throughout, as many hosts still have it."""
    digits = {"encoding": Encoding.ASCII, "counted_in": Encoding.ASCII}
    ascii_table = Codec(
        Spec(
            "ASCII",
            (
                Element(2, "Primary account number", Format.NUMERIC, 19, Length.LL, **digits),  # type: ignore[arg-type] # the same for all
                Element(4, "Amount", Format.NUMERIC, 12, **digits),  # type: ignore[arg-type] # the same for all
            ),
            mti=Encoding.ASCII,
        )
    )
    message = Message("0200", {2: PAN, 4: "000000002000"})
    data = b"0200" + bytes.fromhex("5000000000000000") + b"16" + PAN.encode() + b"000000002000"
    assert ascii_table.encode(message) == Success(data)
    assert ascii_table.decode(data) == Success(message)
    assert ascii_table.decode(data.replace(b"0020", b"00x0")).failure().element == 4


@pytest.mark.parametrize("numbers", [(3, 3), (1,), (65,), (129,)])
def test_a_table_has_each_element_once_and_only_what_a_bitmap_can_announce(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="each of its elements once"):
        Spec("wrong", tuple(Element(number, "any", Format.NUMERIC, 6) for number in numbers))


def test_a_table_may_not_ask_for_what_nobody_reads_yet() -> None:
    track = Element(35, "Track 2", Format.TRACK2, 37, Length.LL, encoding=Encoding.ASCII)
    with pytest.raises(ValueError, match="element 35: nobody has needed z in ascii yet"):
        Codec(Spec("wrong", (track,)))


def test_no_repr_has_anything_of_a_card() -> None:
    message = Message("0200", {2: PAN, 35: TRACK2, 52: b"PINBLOCK"})
    cut = CODEC.decode(encoded(message)[:-1])
    assert isinstance(cut, Failure)
    for text in (repr(message), str(message), repr(cut), str(cut.failure())):
        assert PAN not in text
        assert "4242" not in text
        assert "PINBLOCK" not in text


def test_the_table_is_the_standards() -> None:
    """A few lines of ISO 8583:1987 that others rely on, frozen."""
    formats = {each.number: (each.format.value, each.size, each.length.value) for each in AS2805.elements}
    assert formats[2] == ("n", 19, "LL")
    assert formats[35] == ("z", 37, "LL")
    assert formats[41] == ("ans", 8, "fixed")
    assert formats[55] == ("b", 999, "LLL")
    assert formats[90] == ("n", 42, "fixed")


def test_a_malformed_message_is_a_value() -> None:
    assert CODEC.decode(b"") == Failure(Malformed("it is cut short", 0, 0))
