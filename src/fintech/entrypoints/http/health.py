"""Health: whether the process lives, whether it should get requests, and its figures.

These answer without an API key, and beside the limits of the door: keep them off the public side of the load balancer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import web
from attrs import frozen

from fintech.domain.ledger import PLATFORM
from fintech.domain.scope import Scope
from fintech.entrypoints.http.limits import Flights
from fintech.entrypoints.http.metrics import Meter
from fintech.entrypoints.http.routes import Method
from fintech.ports.errors import PortError
from fintech.ports.key_vault import KeyVault
from fintech.ports.store import Store

LIVE_PATH: Final = "/livez"
READY_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"

#: What is served beside operations, by path: what it says, in one sentence, and the type of its answer.
PROBES: Final = {
    LIVE_PATH: ("Whether the process lives.", "application/json"),
    READY_PATH: (
        "Whether it should be sent requests: the store answers, and it is not about to stop; and what it can do meanwhile.",
        "application/json",
    ),
    METRICS_PATH: ("Figures for Prometheus.", "text/plain"),
}
_SCOPE: Final = Scope(PLATFORM, livemode=False)


@frozen
class Health:
    """Answers the probes."""

    store: Store
    meter: Meter
    flights: tuple[Flights, ...]
    timeout_s: float
    vault: KeyVault

    def drain(self) -> None:
        """From now on, say that no requests should be sent here. Those that come are answered all the same, and their
        connections closed, so that the next ones come in elsewhere."""
        for each in self.flights:
            each.draining = True

    def flying(self) -> int:
        """How many requests are under way."""
        return sum(map(len, self.flights))

    def handlers(self) -> dict[tuple[Method, str], Callable[[web.Request], Awaitable[web.StreamResponse]]]:
        """The probes' handlers."""
        return {
            (Method.GET, LIVE_PATH): self.live,
            (Method.GET, READY_PATH): self.ready,
            (Method.GET, METRICS_PATH): self.metrics,
        }

    async def live(self, _request: web.Request) -> web.StreamResponse:
        return _says(200, {"status": "live"})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        if any(each.draining for each in self.flights):
            return _says(503, {"status": "draining"})
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.store.merchant(_SCOPE)
        except (PortError, TimeoutError):
            return _says(503, {"status": "store unavailable"})
        return _says(200, {"status": "ready", "capabilities": {"protected_data": self._protected_data()}})

    def _protected_data(self) -> str:
        """Whether what is sealed can be used. If not, all else goes on, so the process is ready nevertheless: whoever put it
        out of the pool would only stop more, and nowhere would it be better."""
        reason = self.vault.health().reason
        return "ready" if reason is None else reason.value

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        self.meter.in_flight = self.flying()
        body = self.meter.exposition()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _says(status: int, body: dict[str, Any]) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
