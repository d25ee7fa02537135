"""A line to Postgres that can be cut at the worst moment: a Unix socket in front of the server's own."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

SOCKET = ".s.PGSQL.5432"
#: A group's statement with its rows; everything smaller is housekeeping.
LARGE = 2_000


class Cut(StrEnum):
    """Where the line breaks, counted from the next large message of a client."""

    REQUEST = "request"  #: the server never sees it
    HALF_REQUEST = "half_request"  #: the server sees half of it
    REPLY = "reply"  #: the server has committed, the client never hears of it
    HALF_REPLY = "half_reply"


class CuttingProxy:
    """Passes bytes on until it is told to cut; ``cuts`` counts what was cut."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._plan: list[Cut] = []
        self.cuts = 0

    def cut(self, how: Cut) -> None:
        """Cut the next large exchange."""
        self._plan.append(how)

    @property
    def idle(self) -> bool:
        """Whether every planned cut has been made."""
        return not self._plan

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        upstream, downstream = await asyncio.open_unix_connection(str(self._server))
        how: Cut | None = None

        async def requests() -> None:
            nonlocal how
            while data := await reader.read(1 << 20):
                if len(data) >= LARGE and self._plan and how is None:
                    how = self._plan.pop(0)
                    self.cuts += 1
                if how is Cut.REQUEST:
                    return
                downstream.write(data[: len(data) // 2] if how is Cut.HALF_REQUEST else data)
                await downstream.drain()
                if how is Cut.HALF_REQUEST:
                    return

        async def replies() -> None:
            while data := await upstream.read(1 << 20):
                if how is Cut.REPLY:
                    return
                writer.write(data[: len(data) // 2] if how is Cut.HALF_REPLY else data)
                await writer.drain()
                if how is Cut.HALF_REPLY:
                    return

        sides = {asyncio.ensure_future(requests()), asyncio.ensure_future(replies())}
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)
            for end in (writer, downstream):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()


@asynccontextmanager
async def cutting_proxy(dsn: str) -> AsyncIterator[tuple[CuttingProxy, str]]:
    """A proxy before the server of a DSN, and the DSN that goes through it."""
    parts = urlsplit(dsn)
    host = parse_qs(parts.query)["host"][0]
    with tempfile.TemporaryDirectory(prefix="cut-") as folder:
        proxy = CuttingProxy(Path(host) / SOCKET)
        server = await asyncio.start_unix_server(proxy.serve, path=str(Path(folder) / SOCKET))
        try:
            yield proxy, urlunsplit(parts._replace(query=f"host={folder}"))
        finally:
            server.close()
