"""How a host is reached: its name is resolved here, every address is looked at, and the socket goes to just such a one.

Nothing is connected to by name, so a name that changes its mind between the look and the connection (DNS rebinding)
gains nothing. The certificate is checked against the name all the same.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final, TypeAlias

from attrs import frozen

#: Names are resolved in threads, since that is the only way that asks what the system asks. One that hangs holds a
#: thread until the system gives up, so there are many.
RESOLVERS_MAX: Final = 64
#: How long what a name stands for is believed, and of how many names: many connect at once.
BELIEF_S: Final = 10.0
BELIEFS_MAX: Final = 1_000
#: How long an address is waited for when there are others.
ADDRESS_TIMEOUT_S: Final = 3.0

#: What `socket.getaddrinfo` is.
Resolve: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]
#: Whether an address may be connected to.
Permit: TypeAlias = Callable[[str], bool]


class AddressForbidden(OSError):
    """A name stands for an address that we send nothing to, or a URL is one."""


@frozen
class Believed:
    """The addresses of a name, or those who look them up."""

    addresses: "asyncio.Future[Sequence[str]]"
    until: float


class Reaching:
    """Connects to hosts. ``permit`` has the last word on every address."""

    def __init__(self, permit: Permit, threads: ThreadPoolExecutor, resolve: Resolve) -> None:
        self._permit = permit
        self._threads = threads
        self._resolve = resolve
        self._beliefs: dict[str, Believed] = {}

    async def connected(self, host: str, port: int) -> socket.socket:
        """A socket that is connected to one of a host's addresses. Raises ``OSError``, and `AddressForbidden`, which is
        one, if any of them is none that may be connected to."""
        addresses = await self._addresses(host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        if not all(map(self._permit, addresses)):
            raise AddressForbidden("nothing is sent to an address that this host stands for")
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(ADDRESS_TIMEOUT_S):
                    return await _connect(address, port)
            except (OSError, TimeoutError):
                continue
        return await _connect(addresses[-1], port)

    async def _addresses(self, host: str) -> Sequence[str]:
        if _is_address(host):
            return (host,)
        now = monotonic()
        believed = self._beliefs.get(host)
        if believed is None or believed.until <= now:
            if len(self._beliefs) >= BELIEFS_MAX:
                self._beliefs.clear()
            asking = asyncio.ensure_future(self._looked_up(host))
            believed = self._beliefs[host] = Believed(asking, now + BELIEF_S)
        try:
            return await asyncio.shield(believed.addresses)
        except OSError:
            self._beliefs.pop(host, None)  # what is not so now may be soon
            raise

    async def _looked_up(self, host: str) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self._resolve(host, None, type=socket.SOCK_STREAM)
        )
        families = (socket.AF_INET, socket.AF_INET6)
        return tuple(dict.fromkeys(where[0] for family, _, _, _, where in found if family in families))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _connect(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made
