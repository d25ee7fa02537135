"""Bytes to messages and back. The table is turned into one function for each element, once, when a codec is made.

Decoding is strict: there is one way to write a message, so what was decoded encodes to the same bytes, and whatever
is not written in that way is `Malformed`.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from fintech.domain.outcome import Failure, Outcome, Success
from fintech.iso8583.elements import Element, Encoding, Format, Length, Malformed, Message, Spec, Value
from fintech.iso8583.values import Fault, Reader, Writer, reader_of, writer_of

MTI_DIGITS: Final = 4
BITMAP_BYTES: Final = 8
#: How many bitmaps are remembered with what they announce. Terminals of one kind send a handful.
PLANS_MAX: Final = 1024
#: Elements below this are announced in the first bitmap, the others in the second.
SECOND_FROM: Final = 65

_Plan: TypeAlias = tuple[tuple[int, Reader], ...]


class Codec:
    """Reads and writes the messages of one specification."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.elements: Mapping[int, Element] = {each.number: each for each in spec.elements}
        self._readers = {each.number: reader_of(each) for each in spec.elements}
        self._writers: dict[int, Writer] = {each.number: writer_of(each) for each in spec.elements}
        mti = Element(0, "Message type", Format.NUMERIC, MTI_DIGITS, Length.FIXED, encoding=spec.mti)
        self._read_mti, self._write_mti = reader_of(mti), writer_of(mti)
        self._mti_bytes = MTI_DIGITS // 2 if spec.mti is Encoding.BCD else MTI_DIGITS
        self._plan: Callable[[bytes], _Plan] = lru_cache(maxsize=PLANS_MAX)(self._planned)

    def decode(self, data: bytes) -> Outcome[Message, Malformed]:
        """The message that bytes spell, all of them."""
        digits = data.hex()
        values: dict[int, Value] = {}
        mti, number, offset = "", 0, 0
        try:
            read, offset = self._read_mti(data, digits, 0)
            assert isinstance(read, str)
            mti, number = read, 1
            plan, end = self._announced(data, offset)
            offset = end
            for number, reader in plan:
                values[number], offset = reader(data, digits, offset)
        except Fault as fault:
            header = Message(mti, values) if mti else None
            return Failure(Malformed(fault.problem, number, offset, header))
        if offset != len(data):
            problem = f"{len(data) - offset} bytes more than the bitmap announces"
            return Failure(Malformed(problem, None, offset, Message(mti, values)))
        return Success(Message(mti, values))

    def encode(self, message: Message) -> Outcome[bytes, Malformed]:
        """The bytes of a message; refused for a value that its element cannot have, or an element that is unknown."""
        numbers = sorted(message.elements)
        number, offset = 0, 0
        try:
            parts = [self._write_mti(message.mti), b""]
            bits, secondary = 0, bool(numbers) and numbers[-1] >= SECOND_FROM
            offset = self._mti_bytes + BITMAP_BYTES * (1 + secondary)
            for number in numbers:
                writer = self._writers.get(number)
                if writer is None:
                    raise Fault(_unknown(self.spec))
                part = writer(message.elements[number])
                parts.append(part)
                offset += len(part)
                bits |= 1 << (128 - number)
        except Fault as fault:
            return Failure(Malformed(fault.problem, number, offset))
        if secondary:
            parts[1] = (bits | 1 << 127).to_bytes(2 * BITMAP_BYTES)
        else:
            parts[1] = (bits >> 64).to_bytes(BITMAP_BYTES)
        return Success(b"".join(parts))

    def _announced(self, data: bytes, offset: int) -> tuple[_Plan, int]:
        """What the bitmaps announce, and where they end."""
        end = offset + BITMAP_BYTES
        if len(data) < end:
            raise Fault("the bitmap is cut short")
        if data[offset] & 0x80:
            end += BITMAP_BYTES
            if len(data) < end:
                raise Fault("the second bitmap is cut short")
        return self._plan(data[offset:end]), end

    def _planned(self, bitmap: bytes) -> _Plan:
        bits = int.from_bytes(bitmap)
        size = 8 * len(bitmap)
        numbers = [number for number in range(2, size + 1) if bits >> (size - number) & 1]
        if size > 8 * BITMAP_BYTES and not (numbers and numbers[-1] >= SECOND_FROM):
            raise Fault("the second bitmap announces nothing")
        for number in numbers:
            if number not in self._readers:
                raise Fault(f"it announces element {number}, {_unknown(self.spec)}")
        return tuple((number, self._readers[number]) for number in numbers)


def _unknown(spec: Spec) -> str:
    return f"which {spec.name} does not have"
