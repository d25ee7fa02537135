"""The gateway of terminals: ISO 8583 over TCP. On loopback only, as long as it has no TLS."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final

from attrs import frozen

from fintech.entrypoints.container import Core
from fintech.entrypoints.noting import Strangers
from fintech.entrypoints.terminals.line import Line, Traffic
from fintech.entrypoints.terminals.messages import Messages
from fintech.entrypoints.terminals.metrics import TerminalMeter
from fintech.entrypoints.terminals.settings import TerminalSettings
from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec

BACKLOG: Final = 1024

_log: Final = logging.getLogger(__name__)


class LoopbackOnly(ValueError):
    """Somebody else's machine could listen in. The message is one line that says what to do."""


@frozen
class TerminalGateway:
    """A gateway that listens. ``host`` and ``port`` are where."""

    host: str
    port: int
    meter: TerminalMeter
    _traffic: Traffic
    _server: asyncio.Server

    def flying(self) -> int:
        """How many messages are under way."""
        return len(self._traffic.tasks)

    async def drain(self, within_s: float) -> None:
        """Take nothing more, answer what is under way within a time, and close every connection."""
        self._traffic.draining = True
        self._server.close()
        for line in list(self._traffic.lines):
            line.leave()
        if self._traffic.tasks:
            _, late = await asyncio.wait(self._traffic.tasks, timeout=within_s)
            if late:
                _log.warning("messages are cut off", extra={"messages": len(late)})


@asynccontextmanager
async def terminal_gateway(
    core: Core,
    listener: socket.socket,
    settings: TerminalSettings | None = None,
    meter: TerminalMeter | None = None,
    strangers: Strangers | None = None,
) -> AsyncIterator[TerminalGateway]:
    """Answer terminals on a bound socket meanwhile; ``strangers`` counts whoever is not let in. At the end, drained or not, no connection is left, and what was
    under way is cancelled. Raises `LoopbackOnly` for a socket that others could reach, and ``OSError``."""
    host, port = require_loopback(listener)
    meter = meter or TerminalMeter()
    traffic = Traffic(
        settings or TerminalSettings(), Codec(AS2805), Messages.of(core), meter, strangers or Strangers()
    )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(traffic), sock=listener, backlog=BACKLOG)
    gateway = TerminalGateway(host, port, meter, traffic, server)
    try:
        yield gateway
    finally:
        await gateway.drain(0)
        for task in list(traffic.tasks):
            task.cancel()
        await asyncio.gather(*traffic.tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was written just now is sent in the next turn of the loop
        for line in list(traffic.lines):
            line.abort()


def require_loopback(listener: socket.socket) -> tuple[str, int]:
    """Where a socket is bound. Raises `LoopbackOnly` where that is not on this machine alone."""
    host, port, *_ = listener.getsockname()
    if not ip_address(host).is_loopback:
        raise LoopbackOnly(
            f"terminals are not served on {host}: they have no TLS yet; use 127.0.0.1, and a tunnel before it"
        )
    return host, port
