"""Frames on a stream: two bytes, most significant first, that say how many bytes follow them."""

from typing import Final

from attrs import define, field

LENGTH_BYTES: Final = 2
FRAME_MAX: Final = 4096


def framed(payload: bytes) -> bytes:
    """A payload with its length before it. Raises ``ValueError`` for one that two bytes cannot count."""
    if not 0 < len(payload) < 2**16:
        message = "a frame has 1 to 65535 bytes"
        raise ValueError(message)
    return len(payload).to_bytes(LENGTH_BYTES) + payload


@define
class Framer:
    """Cuts a stream into payloads, however it arrives.

    A length of nothing, or of more than ``most``, cannot be told from garbage: nothing that follows it is believed,
    and ``lost`` says why.
    """

    most: int = FRAME_MAX
    lost: str | None = field(default=None, init=False)
    _buffer: bytes = field(default=b"", init=False, repr=False)

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and has not ended yet."""
        return bool(self._buffer) and self.lost is None

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete now."""
        if self.lost is not None:
            return []
        buffer = self._buffer + data if self._buffer else data
        payloads: list[bytes] = []
        start = 0
        while len(buffer) - start >= LENGTH_BYTES:
            size = int.from_bytes(buffer[start : start + LENGTH_BYTES])
            if not 0 < size <= self.most:
                self.lost = f"a frame of {size} bytes; there are 1 to {self.most}"
                break
            end = start + LENGTH_BYTES + size
            if len(buffer) < end:
                break
            payloads.append(buffer[start + LENGTH_BYTES : end])
            start = end
        self._buffer = buffer[start:] if self.lost is None else b""
        return payloads
