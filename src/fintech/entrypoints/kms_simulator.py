"""A simulated AWS KMS as a process of its own, beside the core and not a part of it: from ready to stopped."""

import asyncio
import json
import signal
from pathlib import Path

import uvloop
from attrs import frozen

from fintech.adapters.simulator.kms.server import SimulatedKms


class CannotSimulate(Exception):
    """It cannot listen where it was told to, or keep what it was told to. The message is one line."""


@frozen(kw_only=True)
class Simulation:
    """Where to listen (port 0 is any free one), where to keep its keys across restarts, if anywhere, and how long a grant
    takes to get about, in seconds."""

    host: str
    port: int
    state: Path | None
    grant_delay_s: float


def simulate(simulation: Simulation) -> None:
    """Simulate until SIGTERM or SIGINT. When it is ready, one line of JSON on standard output says where, and with which
    keys. Raises `CannotSimulate`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_simulate(simulation))


async def _simulate(simulation: Simulation) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    try:
        kms = SimulatedKms(state=simulation.state, grant_delay_s=simulation.grant_delay_s)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no state of this simulator"
        raise CannotSimulate(f"--state {simulation.state}: {reason}") from error
    try:
        async with kms.running(simulation.host, simulation.port) as running:
            print(json.dumps(running.told()), flush=True)  # noqa: T201 - the line that callers wait for
            await stop.wait()
    except OSError as error:
        raise CannotSimulate(
            f"cannot listen on {simulation.host}, port {simulation.port}: {error.strerror}"
        ) from error
