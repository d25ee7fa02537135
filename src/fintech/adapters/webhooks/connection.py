"""One connection to a receiver, HTTP/1.1 (RFC 9112): one request at a time, of whose answer the status matters.

The rest of an answer is read only to know whether the connection can be used again: a short body of known length, or in
chunks. A connection whose receiver does anything else is closed, which costs nobody but that receiver.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

HEAD_MAX: Final = 16 * 1024
BODY_MAX: Final = 16 * 1024
#: How long the rest of an answer is waited for, by nobody but the connection.
BODY_TIMEOUT_S: Final = 0.5

_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?=\r\n)")
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*(?=\r\n)")
_CLOSING: Final = re.compile(rb"\r\nconnection:[^\r]*close")
_HEAD_END: Final = b"\r\n\r\n"
_CHUNK: Final = re.compile(rb"([0-9a-f]{1,5})[ \t]*(?:;[^\r\n]*)?\r\n", re.IGNORECASE)


class NotHttp(Exception):
    """What came back is not an answer of HTTP/1.x, or its head is too long."""


class Connection(asyncio.Protocol):
    """``freed`` is told when it can take the next request, ``gone`` when it is closed."""

    def __init__(
        self, freed: "Callable[[Connection], None]", gone: "Callable[[Connection], None]", key: object
    ) -> None:
        self.key = key
        self.idle_since = 0.0
        self._freed = freed
        self._gone = gone
        self._transport: Any = None
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None
        self._body: Callable[[bytes], int] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Send a request; its status. Raises ``ConnectionError`` where none comes, and `NotHttp`."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return answer

    def close(self) -> None:
        """Close at once; whoever waits for an answer gets none."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._body is None:
            if self._answer is None or self._answer.done():
                self.close()  # nobody has asked
                return
            self._read_head()
        else:
            self._read_body()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._fail(ConnectionResetError("the connection was closed before there was an answer"))
        if self._timer is not None:
            self._timer.cancel()
        self._gone(self)

    def _read_head(self) -> None:
        while True:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                if len(self._buffer) > HEAD_MAX or not b"HTTP/1.".startswith(self._buffer[:7]):
                    self._refuse()
                return
            head, self._buffer = self._buffer[: end + 2], self._buffer[end + 4 :]
            line = _STATUS.match(head)
            if line is None or end > HEAD_MAX:
                self._refuse()
                return
            status = int(line[2])
            if status >= 200 or status == 101:
                break
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)
        head = head.lower()
        self._body = _body_of(head, status)
        if self._body is None or line[1] == b"0" or _CLOSING.search(head) is not None:
            self.close()
            return
        self._read_body()

    def _read_body(self) -> None:
        assert self._body is not None
        length = self._body(self._buffer)
        if length == len(self._buffer):
            self._buffer, self._body, self._answer = b"", None, None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._freed(self)
        elif length >= 0 or len(self._buffer) > BODY_MAX:
            self.close()  # it is wrong, or goes on after its end, or does not end
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BODY_TIMEOUT_S, self.close)

    def _refuse(self) -> None:
        self._fail(NotHttp("the answer is not HTTP/1.x"))
        self.close()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _body_of(head: bytes, status: int) -> Callable[[bytes], int] | None:
    """What tells where an answer's body ends in what has come (-1: later), or None if only the connection's end does."""
    if status in (204, 304):
        return lambda _: 0
    chunked = _CHUNKED.search(head)
    lengths = {int(each) for each in _LENGTH.findall(head)}
    if chunked is not None:
        return None if lengths else _end_of_chunks
    if len(lengths) != 1 or b"\r\ntransfer-encoding" in head:
        return None
    (length,) = lengths
    return lambda body: length if len(body) >= length else -1


def _end_of_chunks(body: bytes) -> int:
    """Where a body in chunks ends (RFC 9112, 7.1); 0, which is never its end, for one that is wrong or has trailers."""
    at = 0
    while True:
        line = _CHUNK.match(body, at)
        if line is None:
            return 0 if b"\r\n" in body[at:] or len(body) - at > 64 else -1
        size = int(line[1], 16)
        at = line.end() + size
        if len(body) < at + 2:
            return -1
        if body[at : at + 2] != b"\r\n":
            return 0
        at += 2
        if size == 0:
            return at
