"""How the value of one element is read and written: a function for each, made from its line in the table."""

from collections.abc import Callable
from typing import Final, TypeAlias

from fintech.iso8583.elements import Element, Encoding, Format, Length, Value


class Fault(Exception):
    """Why an element cannot be read or written. It leaves the codec as `Malformed`, and has nothing of the value."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


#: The bytes, the same as hexadecimal digits, and an offset; the value there, and where it ends. Raises `Fault`.
Reader: TypeAlias = Callable[[bytes, str, int], tuple[Value, int]]
#: The bytes of a value. Raises `Fault`.
Writer: TypeAlias = Callable[[Value], bytes]
#: The same as `Reader`, for a length that is known.
_Body: TypeAlias = Callable[[bytes, str, int, int], tuple[Value, int]]

_COUNT_DIGITS: Final = {Length.LL: 2, Length.LLL: 3}
_SHORT: Final = "it is cut short"
_NOT_DIGITS: Final = "it has something other than digits"
_NOT_ANNOUNCED: Final = "its length is not a number"
_PADDED: Final = "the half byte that fills it up is not 0"
_SYMBOLS: Final = frozenset("0123456789d")
_SIGNS: Final = ("C", "D")


def reader_of(element: Element) -> Reader:
    """What reads an element."""
    body, size = _way_of(element)[0], element.size
    if element.length is Length.FIXED:
        return lambda data, digits, offset: body(data, digits, offset, size)
    count = _count_of(element)

    def read(data: bytes, digits: str, offset: int) -> tuple[Value, int]:
        announced, start = count(data, digits, offset)
        if announced > size:
            raise Fault(f"its length is {announced}, and it has at most {size}")
        return body(data, digits, start, announced)

    return read


def writer_of(element: Element) -> Writer:
    """What writes an element."""
    size, fixed = element.size, element.length is Length.FIXED
    packs = _way_of(element)[1]
    width = 0 if fixed else _COUNT_DIGITS[element.length]
    signs = int(element.format is Format.SIGNED)

    def write(value: Value) -> bytes:
        if isinstance(value, str) is (element.format is Format.BINARY):
            raise Fault("it is not the kind of value that this element has")
        long = len(value) - signs
        if fixed and long != size:
            raise Fault(f"it has {long} places instead of {size}")
        if long > size:
            raise Fault(f"it has {long} places, and there are at most {size}")
        return _counted(long, width, element.counted_in) + packs(value)

    return write


def _way_of(element: Element) -> tuple[_Body, Writer]:
    way = _WAYS.get((element.format, element.encoding))
    if way is None:
        message = f"element {element.number}: nobody has needed {element.format} in {element.encoding} yet"
        raise ValueError(message)
    return way


def _count_of(element: Element) -> Callable[[bytes, str, int], tuple[int, int]]:
    width = _COUNT_DIGITS[element.length]
    if element.counted_in is Encoding.ASCII:

        def in_ascii(data: bytes, _digits: str, offset: int) -> tuple[int, int]:
            count = data[offset : offset + width]
            if len(count) < width:
                raise Fault(_SHORT)
            if not count.isdigit():
                raise Fault(_NOT_ANNOUNCED)
            return int(count), offset + width

        return in_ascii
    size = (width + 1) // 2

    def in_bcd(_data: bytes, digits: str, offset: int) -> tuple[int, int]:
        count = digits[2 * offset : 2 * (offset + size)]
        if len(count) < 2 * size:
            raise Fault(_SHORT)
        if not count.isdecimal():
            raise Fault(_NOT_ANNOUNCED)
        return int(count), offset + size

    return in_bcd


def _read_packed(_data: bytes, digits: str, offset: int, size: int) -> tuple[Value, int]:
    """An odd number of digits is filled up on the left."""
    end = offset + (size + 1) // 2
    value = digits[2 * offset : 2 * end]
    if len(value) < size:
        raise Fault(_SHORT)
    if not value.isdecimal() and size:
        raise Fault(_NOT_DIGITS)
    if size % 2:
        if value[0] != "0":
            raise Fault(_PADDED)
        value = value[1:]
    return value, end


def _read_digits(data: bytes, _digits: str, offset: int, size: int) -> tuple[Value, int]:
    raw, end = _raw(data, offset, size)
    if not raw.isdigit() and size:
        raise Fault(_NOT_DIGITS)
    return raw.decode("ascii"), end


def _read_signed(data: bytes, digits: str, offset: int, size: int) -> tuple[Value, int]:
    sign = chr(data[offset]) if offset < len(data) else ""
    if not sign:
        raise Fault(_SHORT)
    if sign not in _SIGNS:
        raise Fault("it begins with something other than C or D")
    value, end = _read_packed(data, digits, offset + 1, size)
    return f"{sign}{value!s}", end


def _read_track(_data: bytes, digits: str, offset: int, size: int) -> tuple[Value, int]:
    """An odd number of symbols is filled up on the right."""
    end = offset + (size + 1) // 2
    value = digits[2 * offset : 2 * end]
    if len(value) < size:
        raise Fault(_SHORT)
    if size % 2:
        if value[-1] != "0":
            raise Fault(_PADDED)
        value = value[:-1]
    if not _SYMBOLS.issuperset(value):
        raise Fault("it has something other than digits and separators")
    return value.upper(), end


def _read_alphanumeric(data: bytes, _digits: str, offset: int, size: int) -> tuple[Value, int]:
    raw, end = _raw(data, offset, size)
    return _alphanumeric(raw.decode("latin-1")), end


def _read_text(data: bytes, _digits: str, offset: int, size: int) -> tuple[Value, int]:
    raw, end = _raw(data, offset, size)
    return _printable(raw.decode("latin-1")), end


def _read_bytes(data: bytes, _digits: str, offset: int, size: int) -> tuple[Value, int]:
    return _raw(data, offset, size)


def _raw(data: bytes, offset: int, size: int) -> tuple[bytes, int]:
    end = offset + size
    raw = data[offset:end]
    if len(raw) < size:
        raise Fault(_SHORT)
    return raw, end


def _alphanumeric(value: str) -> str:
    if not (value.isascii() and (value.isalnum() or value.replace(" ", "0").isalnum() or not value)):
        raise Fault("it has something other than letters, digits and blanks")
    return value


def _printable(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise Fault("it has something other than printable ASCII")
    return value


def _counted(long: int, width: int, encoding: Encoding) -> bytes:
    if not width:
        return b""
    if encoding is Encoding.ASCII:
        return f"{long:0{width}d}".encode()
    return bytes.fromhex(f"{long:0{width + width % 2}d}")


def _digits(value: Value) -> str:
    assert isinstance(value, str)
    if value and not (value.isascii() and value.isdecimal()):
        raise Fault(_NOT_DIGITS)
    return value


def _pack_bcd(value: Value) -> bytes:
    digits = _digits(value)
    return bytes.fromhex(f"0{digits}" if len(digits) % 2 else digits)


def _pack_digits(value: Value) -> bytes:
    return _digits(value).encode()


def _pack_signed(value: Value) -> bytes:
    if value[:1] not in _SIGNS:
        raise Fault("it begins with something other than C or D")
    assert isinstance(value, str)
    return value[0].encode() + _pack_bcd(value[1:])


def _pack_track(value: Value) -> bytes:
    assert isinstance(value, str)
    if not (_SYMBOLS.issuperset(value.lower()) and "d" not in value):
        raise Fault("it has something other than digits and separators")
    return bytes.fromhex(f"{value}0" if len(value) % 2 else value)


def _pack_alphanumeric(value: Value) -> bytes:
    assert isinstance(value, str)
    return _alphanumeric(value).encode()


def _pack_text(value: Value) -> bytes:
    assert isinstance(value, str)
    return _printable(value).encode()


def _pack_bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


_WAYS: Final[dict[tuple[Format, Encoding], tuple[_Body, Writer]]] = {
    (Format.NUMERIC, Encoding.BCD): (_read_packed, _pack_bcd),
    (Format.NUMERIC, Encoding.ASCII): (_read_digits, _pack_digits),
    (Format.SIGNED, Encoding.BCD): (_read_signed, _pack_signed),
    (Format.TRACK2, Encoding.BCD): (_read_track, _pack_track),
    (Format.ALPHANUMERIC, Encoding.BCD): (_read_alphanumeric, _pack_alphanumeric),
    (Format.TEXT, Encoding.BCD): (_read_text, _pack_text),
    (Format.BINARY, Encoding.BCD): (_read_bytes, _pack_bytes),
}
