"""The sender over HTTP/1.1."""

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from fintech.adapters.webhooks.guard import (
    RESOLVERS_MAX,
    AddressForbidden,
    GuardedResolver,
    Permit,
    Resolve,
    guarded_socket,
    permits,
)
from fintech.domain.webhooks.delivery import TryFault
from fintech.domain.webhooks.urls import PORTS_BY_SCHEME, may_use
from fintech.ports.webhook_sender import Parcel, Sent, WebhookSender

TIMEOUT_S: Final = 10.0
#: An answer's body says nothing to us. A short one is read, so that the connection can be used again; one that is
#: longer, or takes longer, costs its receiver a new connection.
BODY_READ_MAX: Final = 16 * 1024
BODY_TIMEOUT_S: Final = 0.5
#: Less than receivers commonly keep idle connections (5 s), so that one is seldom used just as it is closed.
KEEP_ALIVE_S: Final = 3.0
USER_AGENT: Final = "fintech-webhooks/1.0"


class AiohttpSender(WebhookSender):
    """Made in the loop that it is used in; `close` it there.

    ``anywhere`` is for whoever forwards to a URL of his own choice: no address and no port is refused. ``trust`` and
    ``resolve`` are for tests: other certificates, other names.
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
        self._trust = trust or ssl.create_default_context()
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(RESOLVERS_MAX, thread_name_prefix="webhook-resolver")
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(self, parcel: Parcel) -> Sent:
        started = perf_counter()
        status: int | None = None
        fault: TryFault | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._posted(parcel)
        except TimeoutError:
            fault = TryFault.TIMEOUT
        except (OSError, aiohttp.ClientError, ValueError) as error:
            fault = _fault_of(error)
        else:
            status = response.status
            await _read_some(response)
        return Sent(duration_ms=round((perf_counter() - started) * 1000), status=status, fault=fault)

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _posted(self, parcel: Parcel) -> aiohttp.ClientResponse:
        """The answer's head."""
        if not self._anywhere and not _port_allowed(parcel.url):
            raise AddressForbidden("nothing is sent to this port")
        session = self._sessions.get(parcel.loopback) or self._session(loopback=parcel.loopback)
        url = URL(parcel.url, encoded=True)
        return await session.post(url, data=parcel.body, headers=parcel.headers, allow_redirects=False)

    def _session(self, *, loopback: bool) -> aiohttp.ClientSession:
        """The connections of one mode: what may be reached in the other is none of them."""
        permit: Permit = (lambda _: True) if self._anywhere else permits(loopback=loopback)
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(permit, self._threads, self._resolve),
            socket_factory=guarded_socket(permit),
            limit=0,  # the dispatcher has limits, for each endpoint and for all
            keepalive_timeout=KEEP_ALIVE_S,
            ssl=self._trust,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),  # one for the whole is ours
            trust_env=False,
            auto_decompress=False,
        )
        self._sessions[loopback] = session
        return session


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """Read a short body to its end; the receiver has answered, so nothing that goes wrong here matters.

    A connection whose answer was read to its end has gone back by then; any other is closed.
    """
    left = BODY_READ_MAX
    try:
        with suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while left > 0 and not response.content.at_eof():
                    left -= len(await response.content.read(left))
    finally:
        response.close()


def _port_allowed(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else PORTS_BY_SCHEME.get(parts.scheme, 0)
    return may_use(port)


def _fault_of(error: BaseException) -> TryFault:
    """Why there was no answer. The client wraps what a resolver or a socket raised; its cause tells."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = getattr(cause, "os_error", None) or cause.__cause__
    if any(isinstance(each, AddressForbidden) for each in causes):
        return TryFault.FORBIDDEN_ADDRESS
    if any(isinstance(each, socket.gaierror | UnicodeError) for each in causes):
        return TryFault.UNRESOLVED
    if any(isinstance(each, ssl.SSLError | ssl.CertificateError) for each in causes):
        return TryFault.TLS
    if any(isinstance(each, aiohttp.ClientResponseError | aiohttp.InvalidURL) for each in causes):
        return TryFault.PROTOCOL
    return TryFault.CONNECTION
