"""Messages for tests, and every message that the table allows."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Element, Format, Length, Message, Spec, Value

CODEC = Codec(AS2805)
#: Stripe publishes it for tests; nobody can charge it.
PAN = "4242424242424242"
TRACK2 = f"{PAN}D30122010000000000000"

PURCHASE = Message(
    "0200",
    {
        2: PAN,
        3: "000000",
        4: "000000002000",
        7: "1123204139",
        11: "000001",
        14: "3012",
        22: "051",
        41: "T0000001",
        49: "036",
    },
)

_PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_ALPHANUMERIC = st.sampled_from(" 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGITS = st.sampled_from("0123456789")


def values(element: Element) -> SearchStrategy[Value]:
    """Everything that may stand in an element."""
    least = element.size if element.length is Length.FIXED else 0
    most = element.size
    match element.format:
        case Format.BINARY:
            return st.binary(min_size=least, max_size=most)
        case Format.NUMERIC:
            return st.text(_DIGITS, min_size=least, max_size=most)
        case Format.TRACK2:
            return st.text(st.sampled_from("0123456789D"), min_size=least, max_size=most)
        case Format.ALPHANUMERIC:
            return st.text(_ALPHANUMERIC, min_size=least, max_size=most)
        case Format.SIGNED:
            digits = st.text(_DIGITS, min_size=least, max_size=most)
            return st.tuples(st.sampled_from("CD"), digits).map("".join)
        case Format.TEXT:
            return st.text(_PRINTABLE, min_size=least, max_size=most)


def messages(spec: Spec = AS2805) -> SearchStrategy[Message]:
    """Every message of a table."""
    elements = st.lists(st.sampled_from(spec.elements), unique_by=lambda each: each.number, max_size=12)
    chosen = elements.flatmap(
        lambda some: st.fixed_dictionaries({each.number: values(each) for each in some})
    )
    return st.builds(Message, st.text(_DIGITS, min_size=4, max_size=4), chosen)


def encoded(message: Message) -> bytes:
    """Its bytes."""
    return CODEC.encode(message).unwrap()
