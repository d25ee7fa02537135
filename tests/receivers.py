"""Receivers of webhooks on real sockets: one that behaves, and those that do not."""

import asyncio
import socket
import ssl
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web
from attrs import define, field

#: Handles one connection, whatever comes over it.
Rude = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@define
class Inbox:
    """What came to a receiver that behaves. ``hold`` makes it wait before it answers."""

    url: str
    nowhere: str
    statuses: deque[int] = field(factory=deque)
    posts: list[tuple[bytes, dict[str, str]]] = field(factory=list)
    hold: asyncio.Event | None = None
    connections: set[tuple[str, int]] = field(factory=set)
    came: asyncio.Event = field(factory=asyncio.Event)

    def answers(self, *statuses: int) -> None:
        self.statuses.extend(statuses)

    def got(self) -> Sequence[tuple[bytes, dict[str, str]]]:
        return self.posts

    async def handle(self, request: web.Request) -> web.Response:
        self.posts.append((await request.read(), dict(request.headers)))
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername")[:2])
        self.came.set()
        if self.hold is not None:
            await self.hold.wait()
        status = self.statuses.popleft() if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status // 100 == 3 else {})

    async def until(self, count: int) -> None:
        """Return when so many have come."""
        async with asyncio.timeout(20):
            while len(self.posts) < count:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def receiving(trust: ssl.SSLContext | None = None) -> AsyncIterator[Inbox]:
    """A receiver that behaves, on this machine."""
    inbox = Inbox("", f"http://127.0.0.1:{free_port()}/hooks")
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", inbox.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
        scheme = "https" if trust else "http"
        inbox.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/hooks"
        yield inbox
    finally:
        if inbox.hold is not None:
            inbox.hold.set()
        await runner.cleanup()


@asynccontextmanager
async def rude(behave: Rude, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """A receiver that does as it likes; its URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await behave(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, host, 0)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}/hooks"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """A whole request: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)


async def hangs(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Takes everything and says nothing."""
    await reader.read()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for a name, made now: the context of its server, and that of a client that trusts it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(command, check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=str(cert))
