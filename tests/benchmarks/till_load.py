"""Terminals under load, at a fraction of the cost of what they measure: raw sockets, ready-made purchases.

A closed loop: each connection is a terminal, signs on, and sells again as soon as it is answered.
"""

import argparse
import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import uvloop

from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Message, Value
from fintech.iso8583.framing import framed

CODEC = Codec(AS2805)
CARD = "4242424242424242"
#: Where the trace number stands in a purchase: behind length, type, bitmap, and elements 2, 3, 4 and 7.
STAN = slice(2 + 2 + 8 + 9 + 3 + 6 + 5, 2 + 2 + 8 + 9 + 3 + 6 + 5 + 3)


def now() -> str:
    """The time as terminals write it."""
    return f"{datetime.now(UTC):%m%d%H%M%S}"


class Terminal(asyncio.Protocol):
    """One terminal on its line."""

    def __init__(self, number: str, first_stan: int, end: float, begin: float) -> None:
        self._number = number
        self._stan = first_stan
        self._begin, self._end = begin, end
        self._approval = b"00" + number.encode()
        self._buffer = b""
        self._sent = 0.0
        self._signed_on = False
        self._transport: Any = None
        said: dict[int, Value] = {2: CARD, 3: "000000", 4: "000000002000", 7: now(), 11: "000000", 14: "3412"}
        said |= {22: "051", 41: number, 49: "036"}
        self._purchase = bytearray(framed(CODEC.encode(Message("0200", said)).unwrap()))
        assert self._purchase[STAN] == bytes(3)
        self.waits: list[float] = []
        self.refused: bytes | None = None
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        sign_on = Message("0800", {7: now(), 11: f"{self._stan:06d}", 41: self._number, 70: "001"})
        transport.write(framed(CODEC.encode(sign_on).unwrap()))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) < 2 or len(self._buffer) < 2 + int.from_bytes(self._buffer[:2]):
            return
        reply, self._buffer = self._buffer, b""
        at = time.monotonic()
        if self._approval not in reply:
            self.refused = reply
            return
        if self._signed_on and self._begin <= at <= self._end:
            self.waits.append(at - self._sent)
        self._signed_on = True
        if at < self._end:
            self._stan += 1
            self._purchase[STAN] = bytes.fromhex(f"{self._stan:06d}")
            self._sent = at
            self._transport.write(bytes(self._purchase))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Open the lines, sell, report."""
    begin = time.monotonic() + 0.5
    end = begin + options.seconds
    loop = asyncio.get_running_loop()
    terminals = []
    for number in options.numbers.split(","):
        terminal = Terminal(number, options.first_stan, end, begin)
        await loop.create_connection(lambda terminal=terminal: terminal, "127.0.0.1", options.port)  # type: ignore[misc] # bound now
        terminals.append(terminal)
    await asyncio.sleep(options.seconds + 0.5)
    await asyncio.sleep(0.3)
    waits = sorted(wait for terminal in terminals for wait in terminal.waits)
    refused = [terminal.refused for terminal in terminals if terminal.refused]
    return {
        "per_second": len(waits) / options.seconds,
        "p50_ms": waits[len(waits) // 2] * 1e3 if waits else 0,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1e3 if waits else 0,
        "refused": refused[0].hex() if refused else "",
        "lost": sum(terminal.lost for terminal in terminals),
    }


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--numbers", required=True)
    parser.add_argument("--first-stan", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    uvloop.install()
    json.dump(asyncio.run(run(parser.parse_args())), sys.stdout)


if __name__ == "__main__":
    main()
