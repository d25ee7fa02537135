"""A gateway on a real socket, and a hand on the other end of its line."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen

from fintech.adapters.simulator.terminal import SimulatedTerminal
from fintech.entrypoints.noting import Strangers
from fintech.entrypoints.terminal_gateway import TerminalGateway, terminal_gateway
from fintech.entrypoints.terminals.settings import TerminalSettings
from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Message
from fintech.iso8583.framing import framed
from tests.unit.application.terminals.till import NUMBER, VISA, Till, open_till

CODEC = Codec(AS2805)
PATIENCE_S = 20.0


@frozen
class Hand:
    """The raw end of a line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes | Message) -> None:
        """Send bytes, or a message in its frame."""
        self.writer.write(framed(CODEC.encode(data).unwrap()) if isinstance(data, Message) else data)
        await self.writer.drain()

    async def hear(self) -> Message | None:
        """The next message, or None when the line is closed."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                size = int.from_bytes(await self.reader.readexactly(2))
                return CODEC.decode(await self.reader.readexactly(size)).unwrap()
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def ask(self, message: Message) -> Message | None:
        """Send a message and hear what comes."""
        await self.send(message)
        return await self.hear()

    async def sign_on(self, number: str = NUMBER) -> str | None:
        """The response code of a sign-on."""
        return code(await self.ask(network("001", number)))

    def close(self) -> None:
        """Let go."""
        self.writer.transport.abort()


@frozen
class Counter:
    """A till's gateway."""

    till: Till
    gateway: TerminalGateway
    strangers: Strangers

    @asynccontextmanager
    async def line(self, *, signed_on: bool = True) -> AsyncIterator[Hand]:
        """A line to it."""
        hand = Hand(*await asyncio.open_connection(self.gateway.host, self.gateway.port))
        try:
            if signed_on:
                assert await hand.sign_on() == "00"
            yield hand
        finally:
            hand.close()

    def terminal(self, **terms: Any) -> SimulatedTerminal:
        """A simulated terminal at it."""
        quick: dict[str, Any] = {"reply_timeout_s": PATIENCE_S, "retry_delays_s": (0.0, 0.01)} | terms
        clock = self.till.shop.clock
        return SimulatedTerminal(self.gateway.host, self.gateway.port, NUMBER, clock, **quick)

    async def left_no_trace(self) -> bool:
        """Whether there is nothing in the books."""
        return await self.till.shop.payments() == () and not await self.till.shop.refunds()


@asynccontextmanager
async def counter(till: Till, **limits: Any) -> AsyncIterator[Counter]:
    """A gateway for a till."""
    listener = socket.create_server(("127.0.0.1", 0))
    strangers = Strangers()
    serving = terminal_gateway(till.core, listener, TerminalSettings(**limits), strangers=strangers)
    async with serving as gateway:
        yield Counter(till, gateway, strangers)


@asynccontextmanager
async def open_counter(**limits: Any) -> AsyncIterator[Counter]:
    """A gateway, and a till in memory behind it."""
    async with open_till() as till, counter(till, **limits) as opened:
        yield opened


def code(message: Message | None) -> str | None:
    """A reply's response code."""
    return message.text(39) if message is not None else None


#: When the till's clock stands, as terminals write it.
NOW = "1123010000"


def network(function: str, number: str = NUMBER, stan: int = 900_000) -> Message:
    """A network management message."""
    return Message("0800", {7: NOW, 11: f"{stan:06d}", 41: number, 70: function})


def financial(mti: str = "0200", stan: int = 1, amount_minor: int = 10_000, **elements: Any) -> Message:
    """A purchase, or what is made of one; ``e39="00"`` sets element 39, ``e2=None`` leaves element 2 out."""
    said: dict[int, Any] = {
        2: VISA,
        3: "000000",
        4: f"{amount_minor:012d}",
        7: NOW,
        11: f"{stan:06d}",
        14: "3412",
        22: "051",
        41: NUMBER,
        49: "036",
    }
    said |= {int(name[1:]): value for name, value in elements.items()}
    return Message(mti, {number: value for number, value in said.items() if value is not None})


def reversal(stan: int = 1, own: int = 500_000, mti: str = "0420", **elements: Any) -> Message:
    """A reversal of the purchase that has a trace number."""
    original = f"0200{stan:06d}{NOW}{'0' * 22}"
    return financial(mti, own, **({"e2": None, "e14": None, "e90": original} | elements))
