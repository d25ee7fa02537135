"""An HTTP load generator that costs a fraction of what it measures: raw sockets, ready-made requests.

Closed loop (each connection sends as soon as it is answered) or open loop (requests are due at Poisson moments and
wait for a connection, and their wait counts).
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from typing import Any

import uvloop

HEAD_END = b"\r\n\r\n"
NAMED = "payment_method=pm_card_visa"
_CARD = "payment_method_data[card]"
TYPED = (
    f"payment_method_data[type]=card&{_CARD}[number]=4242424242424242&{_CARD}[exp_month]=12&{_CARD}[exp_year]=2034"
    f"&{_CARD}[cvc]=123"
)


class Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: Any = None
        self._buffer = b""
        self._due = 0.0
        self._missing = -1

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._load.free(self)

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a moment."""
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._missing < 0:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.index(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            self._missing = end + 4 + length
        if len(self._buffer) < self._missing:
            return
        status = int(self._buffer[9:12])
        body = self._buffer[: self._missing]
        self._buffer, self._missing = self._buffer[self._missing :], -1
        self._load.answered(self, status, self._due, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost += 1


class Load:
    """Counts answers; ``rate`` 0 is a closed loop."""

    def __init__(self, make: Any, seconds: float, rate: float) -> None:
        self._make = make
        self._begin = time.monotonic() + 0.5
        self._end = self._begin + seconds
        self._rate = rate
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self.seconds = seconds
        self.lost = 0
        self.waits: list[float] = []
        self.statuses: dict[int, int] = {}
        self.bad: bytes = b""

    def free(self, connection: Connection) -> None:
        """A connection has nothing to do."""
        if self._rate == 0:
            now = time.monotonic()
            if now < self._end:
                connection.send(self._make(), now)
        elif self._due:
            connection.send(self._make(), self._due.popleft())
        else:
            self._idle.append(connection)

    def answered(self, connection: Connection, status: int, due: float, body: bytes) -> None:
        """An answer came."""
        now = time.monotonic()
        if self._begin <= now <= self._end:
            self.waits.append(now - due)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status != 200 and not self.bad:
                self.bad = body
        self.free(connection)

    async def arrive(self) -> None:
        """Requests become due, until the end."""
        due = time.monotonic()
        while due < self._end:
            due += random.expovariate(self._rate)
            if (ahead := due - time.monotonic()) > 0.001:
                await asyncio.sleep(ahead)
            if self._idle:
                self._idle.popleft().send(self._make(), due)
            else:
                self._due.append(due)


def requests(options: argparse.Namespace) -> Any:
    """What makes the next request."""
    host = f"{options.host}:{options.port}"
    keys = options.key.split(",")
    heads = [
        f"Host: {host}\r\nAuthorization: Bearer {key}\r\nStripe-Version: 2026-10-28.endive\r\n"
        for key in keys
    ]
    if options.get:
        ready = [f"GET {options.get} HTTP/1.1\r\n{head}\r\n".encode() for head in heads]
        return lambda: ready[random.randrange(len(ready))]
    body = "amount=2000&currency=aud&confirm=true&metadata[order]=6735&" + (TYPED if options.typed else NAMED)
    tail = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    fronts = [f"POST /v1/payment_intents HTTP/1.1\r\n{head}Idempotency-Key: " for head in heads]

    def post() -> bytes:
        front = fronts[random.randrange(len(fronts))]
        return f"{front}{random.getrandbits(120):x}\r\n{tail}".encode()

    return post


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Open the connections, run, report."""
    load = Load(requests(options), options.seconds, options.rate)
    loop = asyncio.get_running_loop()
    for _ in range(options.connections):
        await loop.create_connection(lambda: Connection(load), options.host, options.port)
    if options.rate:
        await load.arrive()
    else:
        await asyncio.sleep(options.seconds + 0.5)
    await asyncio.sleep(0.3)
    waits = sorted(load.waits)
    total = len(waits)
    return {
        "per_second": total / options.seconds,
        "p50_ms": waits[total // 2] * 1e3 if waits else 0,
        "p99_ms": waits[int(total * 0.99)] * 1e3 if waits else 0,
        "statuses": load.statuses,
        "lost": load.lost,
        "bad": load.bad.decode(errors="replace")[:1000],
    }


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--get", default="")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--typed", action="store_true", help="with a typed-in card, and not a named one")
    parser.add_argument("--rate", type=float, default=0)
    uvloop.install()
    json.dump(asyncio.run(run(parser.parse_args())), sys.stdout)


if __name__ == "__main__":
    main()
