"""The sender over HTTP/1.1, with or without TLS, on connections of its own."""

import asyncio
import re
import socket
import ssl
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from time import monotonic, perf_counter
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from attrs import field, frozen

from fintech.adapters.webhooks.connection import Connection, NotHttp
from fintech.adapters.webhooks.reaching import RESOLVERS_MAX, AddressForbidden, Permit, Reaching, Resolve
from fintech.domain.webhooks.addresses import may_reach
from fintech.domain.webhooks.delivery import TryFault
from fintech.domain.webhooks.urls import PORTS_BY_SCHEME, may_use
from fintech.ports.webhook_sender import Parcel, Sent, WebhookSender

TIMEOUT_S: Final = 10.0
#: Less than receivers commonly keep idle connections (5 s), so that one is seldom used just as it is closed.
KEEP_ALIVE_S: Final = 3.0
USER_AGENT: Final = "fintech-webhooks/1.0"

_TEXT: Final = re.compile(r"[!-~]+")
#: Whose connections may be used: of which mode, and to where.
Key: TypeAlias = "tuple[bool, Target]"


@frozen(cache_hash=True)
class Target:
    """Where a URL leads. ``head`` is how each request to it begins."""

    secure: bool
    host: str
    port: int
    head: bytes = field(repr=False, eq=False)


class HttpSender(WebhookSender):
    """Made in the loop that it is used in; `close` it there.

    Connections are kept for `KEEP_ALIVE_S` and used again, by mode and by host, port and scheme; there are as many as
    there are parcels under way at once. ``anywhere`` is for whoever forwards to a URL of his own choice: no address and
    no port is refused. ``trust`` and ``resolve`` are for tests: other certificates, other names.
    """

    def __init__(
        self,
        *,
        anywhere: bool = False,
        timeout_s: float = TIMEOUT_S,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        self._anywhere = anywhere
        self._timeout_s = timeout_s
        self._trust = trust
        self._threads = ThreadPoolExecutor(RESOLVERS_MAX, thread_name_prefix="webhook-resolver")
        self._reaching = {
            loopback: Reaching(self._permit(loopback=loopback), self._threads, resolve)
            for loopback in (False, True)
        }
        self._idle: dict[Key, deque[Connection]] = {}
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def post(self, parcel: Parcel) -> Sent:
        started = perf_counter()
        status: int | None = None
        fault: TryFault | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._posted(parcel)
        except TimeoutError:
            fault = TryFault.TIMEOUT
        except (OSError, NotHttp, ValueError) as error:
            fault = _fault_of(error)
        return Sent(duration_ms=round((perf_counter() - started) * 1000), status=status, fault=fault)

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._open):
            connection.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.sleep(0)  # for the sockets to be closed

    def _permit(self, *, loopback: bool) -> Permit:
        return lambda address: self._anywhere or may_reach(address, loopback=loopback)

    async def _posted(self, parcel: Parcel) -> int:
        target = target_of(parcel.url)
        if not self._anywhere and not may_use(target.port):
            raise AddressForbidden("nothing is sent to this port")
        headers = "".join([f"{name}: {value}\r\n" for name, value in parcel.headers.items()])
        request = b"%b%bContent-Length: %d\r\n\r\n%b" % (
            target.head,
            headers.encode("ascii"),
            len(parcel.body),
            parcel.body,
        )
        key = (parcel.loopback, target)
        connection = self._taken(key) or await self._connected(key)
        try:
            return await connection.ask(request)
        except BaseException:
            connection.close()
            raise

    def _taken(self, key: Key) -> Connection | None:
        """An idle connection that has not been idle for long."""
        idle = self._idle.get(key)
        while idle:
            connection = idle.pop()
            if monotonic() - connection.idle_since < KEEP_ALIVE_S:
                return connection
            connection.close()
        return None

    async def _connected(self, key: Key) -> Connection:
        loopback, target = key
        made = await self._reaching[loopback].connected(target.host, target.port)
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._freed, self._gone, key),
                sock=made,
                ssl=self._context() if target.secure else None,
                server_hostname=target.host.rstrip(".") if target.secure else None,
            )
        except BaseException:
            made.close()
            raise
        self._open.add(connection)
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust

    def _freed(self, connection: Connection) -> None:
        if self._closed:
            connection.close()
            return
        connection.idle_since = monotonic()
        key: Key = connection.key  # type: ignore[assignment] # as it was given
        self._idle.setdefault(key, deque()).append(connection)
        if self._sweeper is None:
            self._sweep_later()

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        idle = self._idle.get(connection.key)  # type: ignore[call-overload] # the same
        if idle is not None and connection in idle:
            idle.remove(connection)

    def _sweep_later(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(KEEP_ALIVE_S, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long."""
        old = monotonic() - KEEP_ALIVE_S
        for key, idle in list(self._idle.items()):
            while idle and idle[0].idle_since <= old:
                idle.popleft().close()
            if not idle:
                del self._idle[key]
        self._sweeper = None
        if self._idle:
            self._sweep_later()


@lru_cache(maxsize=4_096)
def target_of(url: str) -> Target:
    """Where a URL leads. Raises ``ValueError`` for one that cannot be asked for just so."""
    parts = urlsplit(url)
    host, default = parts.hostname or "", PORTS_BY_SCHEME.get(parts.scheme)
    if default is None or not host or _TEXT.fullmatch(url) is None:
        raise ValueError("is not a URL of the web")
    port = parts.port if parts.port is not None else default
    named = f"[{host}]" if ":" in host else host
    authority = named if port == default else f"{named}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {authority}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
    )
    return Target(
        parts.scheme == "https", host, port, "".join(f"{line}\r\n" for line in lines).encode("ascii")
    )


def _fault_of(error: Exception) -> TryFault:
    """Why there was no answer."""
    if isinstance(error, AddressForbidden):
        return TryFault.FORBIDDEN_ADDRESS
    if isinstance(error, socket.gaierror | UnicodeError):
        return TryFault.UNRESOLVED
    if isinstance(error, ssl.SSLError):
        return TryFault.TLS
    if isinstance(error, OSError):
        return TryFault.CONNECTION
    return TryFault.PROTOCOL
