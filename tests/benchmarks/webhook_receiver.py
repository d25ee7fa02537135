"""Receivers of webhooks that cost next to nothing: raw sockets, ready-made answers. Prints the port of one that
answers at once and of one that never does."""

import asyncio
from typing import Any

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
HEAD_END = b"\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection: answers each request when it is whole."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(HEAD_END)) >= 0:
            head = self._buffer[:end].lower()
            at = head.index(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(ANSWER)


async def main() -> None:
    """Listen until killed."""
    loop = asyncio.get_running_loop()
    fast = await loop.create_server(Receiver, "127.0.0.1", 0)
    hanging = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    print(*(each.sockets[0].getsockname()[1] for each in (fast, hanging)), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
