"""A long-running service: the core of one deployment behind its doors, with its workers, from ready to drained."""

import asyncio
import gc
import json
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Final, Self

import uvloop
from aiohttp import web
from attrs import define, field, frozen
from prometheus_client.registry import Collector

from fintech.entrypoints import key_tending
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.app import HEALTH, build_app, server_options
from fintech.entrypoints.http.audit_metrics import AuditMetrics
from fintech.entrypoints.http.custody_metrics import CustodyGauges
from fintech.entrypoints.http.health import Health
from fintech.entrypoints.http.key_metrics import KeyFigures
from fintech.entrypoints.http.tending_metrics import TendingMetrics
from fintech.entrypoints.http.webhook_metrics import DeliveryFigures
from fintech.entrypoints.key_tending import KeyTending
from fintech.entrypoints.noting import Strangers
from fintech.entrypoints.profiles import CannotOpen
from fintech.entrypoints.sandbox import ready_sandbox
from fintech.entrypoints.settings import Settings
from fintech.entrypoints.settling import INTERVAL_S, DailySettling
from fintech.entrypoints.terminal_gateway import TerminalGateway, require_loopback, terminal_gateway
from fintech.entrypoints.terminals.settings import TerminalSettings
from fintech.entrypoints.worker import delivering, dispatcher, noting, sweeping_keys, working

BACKLOG: Final = 1024
#: Young objects die young: collect them less often than by default, and never look at what was there at the start.
GC_THRESHOLDS: Final = (50_000, 20, 100)
LANDING_POLL_S: Final = 0.02
#: How often merchants' rings are counted for the figures: all of them are read.
CUSTODY_INTERVAL_S: Final = 60.0
#: What a request may still take that came when all others had been answered.
LAST_CALL_S: Final = 2.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


class CannotServe(Exception):
    """The service cannot listen where it was told to. The message is one line, ``door`` the option that said where."""

    def __init__(self, door: str, address: "Address", error: OSError) -> None:
        super().__init__(f"cannot listen on {address}: {error.strerror or error}")
        self.door = door


@frozen
class Address:
    """Where to listen. Port 0 is any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``127.0.0.1:8080``, ``[::1]:8080``, ``localhost:0``. Raises ``ValueError``."""
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not host or (":" in host and not bracketed):
            raise ValueError("is HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080")
        if not (port.isascii() and port.isdigit() and int(port) < 2**16):
            raise ValueError("has a port of 0 to 65535")
        return cls(host[1:-1] if bracketed else host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen(kw_only=True)
class Service:
    """What to serve, over HTTP and, where ``terminals`` says so, to terminals over ISO 8583. ``data_dir`` is the folder
    that a sandbox is kept in, where there is one."""

    core: AbstractAsyncContextManager[Core]
    settings: Settings
    address: Address
    terminals: Address | None = None
    data_dir: Path | None = None


def serve(service: Service) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way and return. A second signal ends the process.

    When it is ready, one line of JSON says so on standard output: where, and for a sandbox as whom. Raises
    `CannotServe`, `LoopbackOnly` and what the profile raises.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(service))


async def _serve(service: Service) -> None:
    stop = _Stop(asyncio.current_task())
    with stop.on_signals():
        try:
            await _until_stopped(service, stop)
        except asyncio.CancelledError:
            if not stop.asked:
                raise
    _log.info("stopped")


async def _until_stopped(service: Service, stop: "_Stop") -> None:
    settings = service.settings
    async with AsyncExitStack() as closing:
        # Bound first, so that a port that is taken is known before anything is started; nobody can connect yet.
        listener = closing.enter_context(_bound("http", service.address))
        tills = closing.enter_context(_bound_for_terminals(service.terminals)) if service.terminals else None
        core = await closing.enter_async_context(service.core)
        ready = {"http": f"http://{_named(listener)}"} | ({"terminals": _named(tills)} if tills else {})
        where = dict(ready)
        if service.data_dir is not None:
            ready |= await _sandbox(core, service.data_dir, with_terminal=tills is not None)
        await closing.enter_async_context(working(core.sweep(), interval_s=settings.sweep_interval_s))
        daily = DailySettling(core.clock(), core.settle_everybody())
        await closing.enter_async_context(working(daily, interval_s=INTERVAL_S, name="settler"))
        tending = await _tended(closing, core)
        strangers = await closing.enter_async_context(noting(core))
        deliveries = dispatcher(core)
        await closing.enter_async_context(delivering(deliveries, interval_s=settings.webhook_interval_s))
        also: list[Collector] = [
            DeliveryFigures(deliveries.figures),
            await _custody(closing, core),
            KeyFigures(core.key_vault(), core.key_sweep()),
            tending,
            AuditMetrics(core.audit_figures(), core.clock()),
        ]
        gateway = None
        if tills is not None and service.terminals is not None:
            gateway = await _gateway(closing, core, settings.terminals, tills, service.terminals, strangers)
            also.append(gateway.meter)
        app = build_app(core, settings.http, also=also, strangers=strangers)
        runner = web.AppRunner(app, shutdown_timeout=LAST_CALL_S, **server_options(settings.http))
        closing.push_async_callback(runner.cleanup)
        await runner.setup()
        site = await _listening(runner, listener, service.address)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        print(json.dumps(ready), flush=True)  # noqa: T201 - the line that callers wait for
        _log.info("ready", extra={**where, "pid": os.getpid()})
        await stop.wait()
        _log.info("draining", extra={"signal": stop.asked})
        app[HEALTH].drain()
        await asyncio.sleep(settings.drain_delay_s)
        await site.stop()
        answering = [_landed(app[HEALTH], settings.drain_s)]
        answering += [gateway.drain(settings.drain_s)] if gateway else []
        await asyncio.gather(*answering)


@define
class _Stop:
    """Whether a signal has told us to stop. Before we are ready, it ends the start."""

    _starting: "asyncio.Task[object] | None"
    asked: str | None = None
    _event: asyncio.Event = field(factory=asyncio.Event)

    async def wait(self) -> None:
        """Return when it is asked."""
        self._starting = None
        await self._event.wait()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen to the signals meanwhile."""
        loop = asyncio.get_running_loop()
        for each in _SIGNALS:
            loop.add_signal_handler(each, self._ask, each)
        try:
            yield
        finally:
            for each in _SIGNALS:
                loop.remove_signal_handler(each)

    def _ask(self, asking: signal.Signals) -> None:
        if self.asked is not None:
            _log.warning("ended by a second signal", extra={"signal": asking.name})
            os._exit(128 + asking)
        self.asked = asking.name
        self._event.set()
        if self._starting is not None:
            self._starting.cancel()


async def _tended(closing: AsyncExitStack, core: Core) -> TendingMetrics:
    """Keys are swept and looked after meanwhile."""
    await closing.enter_async_context(sweeping_keys(core.key_sweep()))
    tending = KeyTending(tend=core.tend_keys(), remove_unneeded=core.remove_unneeded(), clock=core.clock())
    await closing.enter_async_context(working(tending, interval_s=key_tending.INTERVAL_S, name="key keeper"))
    return TendingMetrics(figures=tending.figures, touched=core.reseal_touched().figures, clock=core.clock())


async def _custody(closing: AsyncExitStack, core: Core) -> CustodyGauges:
    """The figures of custody, counted again every while."""
    gauges = CustodyGauges(core.order_figures(), core.sum_up_custody())
    watch = working(gauges.look, interval_s=CUSTODY_INTERVAL_S, name="custody watch")
    await closing.enter_async_context(watch)
    return gauges


async def _sandbox(core: Core, data_dir: Path, *, with_terminal: bool) -> dict[str, str]:
    try:
        sandbox = await ready_sandbox(core, data_dir)
    except OSError as error:
        raise CannotOpen(f"the sandbox's key in {data_dir} cannot be kept: {error.strerror}") from error
    told = {"account": sandbox.account, "sandbox_key": sandbox.key}
    return told | {"terminal_id": sandbox.terminal} if with_terminal else told


@contextmanager
def _bound(door: str, address: Address) -> Iterator[socket.socket]:
    try:
        family, _, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise CannotServe(door, address, error) from error
    with listener:
        yield listener


@contextmanager
def _bound_for_terminals(address: Address) -> Iterator[socket.socket]:
    """Where terminals are served, which nobody but this machine can reach."""
    with _bound("terminals", address) as listener:
        require_loopback(listener)
        yield listener


async def _listening(runner: web.AppRunner, listener: socket.socket, address: Address) -> web.BaseSite:
    site = web.SockSite(runner, listener, backlog=BACKLOG)
    try:
        await site.start()
    except OSError as error:
        raise CannotServe("http", address, error) from error
    return site


async def _gateway(
    closing: AsyncExitStack,
    core: Core,
    settings: TerminalSettings,
    listener: socket.socket,
    address: Address,
    strangers: Strangers,
) -> TerminalGateway:
    try:
        return await closing.enter_async_context(
            terminal_gateway(core, listener, settings, strangers=strangers)
        )
    except OSError as error:
        raise CannotServe("terminals", address, error) from error


async def _landed(health: Health, within_s: float) -> None:
    """Wait for the requests that are under way: a runner that is cleaned up reads no more of their bodies."""
    deadline = monotonic() + within_s
    while health.flying() and monotonic() < deadline:  # noqa: ASYNC110 - those who land tell nobody
        await asyncio.sleep(LANDING_POLL_S)
    if left := health.flying():
        _log.warning("requests are cut off", extra={"requests": left})


def _named(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return str(Address(host, port))
