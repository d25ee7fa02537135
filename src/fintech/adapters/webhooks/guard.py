"""What a connection may be made to: names are resolved here, and every address is looked at before a socket is made.

The connection goes to an address that was just looked at and never to the name again, so a name that changes its mind
(DNS rebinding) gains nothing. The certificate is checked against the name all the same.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from fintech.domain.webhooks.addresses import may_reach

#: Names are resolved in threads, since that is the only way that asks what the system asks. One that hangs holds a
#: thread until the system gives up, so there are many.
RESOLVERS_MAX: Final = 64

AddressInfo: TypeAlias = tuple[Any, ...]
#: What `socket.getaddrinfo` is.
Resolve: TypeAlias = Callable[..., list[AddressInfo]]
#: Whether an address may be connected to.
Permit: TypeAlias = Callable[[str], bool]


class AddressForbidden(OSError):
    """A name stands for an address that we send nothing to, or a URL is one."""


def permits(*, loopback: bool) -> Permit:
    """The rule of the domain."""
    return lambda address: may_reach(address, loopback=loopback)


class GuardedResolver(AbstractResolver):
    """Resolves a name once, and refuses it whole if any of its addresses may not be connected to."""

    def __init__(self, permit: Permit, threads: ThreadPoolExecutor, resolve: Resolve) -> None:
        self._permit = permit
        self._threads = threads
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ``OSError``, and `AddressForbidden`, which is one."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: self._resolve(host, port, family=family, type=socket.SOCK_STREAM)
        )
        addresses = [
            (each_family, proto, where[0])
            for each_family, _, proto, _, where in found
            if each_family in (socket.AF_INET, socket.AF_INET6)
        ]
        if not all(self._permit(address) for _, _, address in addresses):
            raise AddressForbidden("the name stands for an address that nothing is sent to")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=each_family,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for each_family, proto, address in addresses
        ]

    async def close(self) -> None:
        """The threads are their owner's."""


def guarded_socket(permit: Permit) -> Callable[[AddressInfo], socket.socket]:
    """Makes the sockets of all connections, and none to an address that may not be connected to, however it was found:
    a URL may have an address in the place of a name, which nobody resolves."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, proto, _, where = info
        if not permit(where[0]):
            raise AddressForbidden("nothing is sent to this address")
        return socket.socket(family, kind, proto)

    return make
