"""A line to Postgres that can be cut at the worst moment: a Unix socket in front of the server's own."""

import asyncio
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
        self._serving: set[asyncio.Task[None]] = set()
        self.cuts = 0

    def cut(self, how: Cut) -> None:
        """Cut the next large exchange."""
        self._plan.append(how)

    @property
    def idle(self) -> bool:
        """Whether every planned cut has been made."""
        return not self._plan

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it or the server leaves or the line is cut."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        ends = [writer]
        try:
            upstream, downstream = await asyncio.open_unix_connection(str(self._server))
            ends.append(downstream)
            line = Line(self)
            sides = {
                asyncio.ensure_future(line.requests(reader, downstream)),
                asyncio.ensure_future(line.replies(upstream, writer)),
            }
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
            for side in sides:
                side.cancel()
        finally:
            for end in ends:
                end.transport.abort()
            self._serving.discard(task)

    def due(self) -> Cut | None:
        """The cut that a large message meets now, if one is planned."""
        if not self._plan:
            return None
        self.cuts += 1
        return self._plan.pop(0)

    async def close(self) -> None:
        """Let every client go."""
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close their sockets in the next turn of the loop


class Line:
    """One client's line, and whether it is being cut."""

    def __init__(self, proxy: CuttingProxy) -> None:
        self._proxy = proxy
        self._cut: Cut | None = None

    async def requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the client says."""
        while data := await reader.read(1 << 20):
            if len(data) >= LARGE and self._cut is None:
                self._cut = self._proxy.due()
            if self._cut is Cut.REQUEST:
                return
            writer.write(data[: len(data) // 2] if self._cut is Cut.HALF_REQUEST else data)
            await writer.drain()
            if self._cut is Cut.HALF_REQUEST:
                return

    async def replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the server answers."""
        while data := await reader.read(1 << 20):
            if self._cut is Cut.REPLY:
                return
            writer.write(data[: len(data) // 2] if self._cut is Cut.HALF_REPLY else data)
            await writer.drain()
            if self._cut is Cut.HALF_REPLY:
                return


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
            await proxy.close()
