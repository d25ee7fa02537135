"""A simulated AWS KMS as a process of its own, beside the core and not a part of it: from ready to stopped."""

import asyncio
import json
import signal
from contextlib import AbstractAsyncContextManager
from typing import Any

import uvloop


def simulate(kms: AbstractAsyncContextManager[dict[str, Any]]) -> None:
    """Simulate until SIGTERM or SIGINT. When it is ready, one line of JSON on standard output says where, and with which
    keys. Raises what the profile raises."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_simulate(kms))


async def _simulate(kms: AbstractAsyncContextManager[dict[str, Any]]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    async with kms as told:
        print(json.dumps(told), flush=True)  # noqa: T201 - the line that callers wait for
        await stop.wait()
