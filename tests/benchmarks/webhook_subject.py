"""One process that posts events: the dispatcher on its outbox, or a bare aiohttp client with the same bytes.

Says ``ready``, waits for a line, runs, prints its figures as JSON.
"""

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import uvloop

import fintech
from fintech.application.webhooks.figures import Ending
from fintech.application.webhooks.lanes import RUNNING_MAX
from fintech.entrypoints.http.events import event_body
from fintech.entrypoints.worker import dispatcher
from fintech.ports.queries import Page
from tests.benchmarks.payments import merchants

WARM_UP_S = 1.0
DIGEST_KEY = bytes(32)


async def counted(seconds: float, count: Callable[[], int]) -> dict[str, float]:
    """What is done in a span of time, from now on."""
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.sleep(WARM_UP_S)
    began, before, cpu = time.monotonic(), count(), resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.sleep(seconds)
    done, spent, now = count() - before, time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = now.ru_utime + now.ru_stime - cpu.ru_utime - cpu.ru_stime
    return {"per_second": done / spent, "cpu_us": cpu_s / max(done, 1) * 1e6}


async def dispatch(options: argparse.Namespace) -> dict[str, float]:
    """The dispatcher of a service."""
    async with fintech.on_postgres(options.dsn, digest_key=DIGEST_KEY) as core:
        made = dispatcher(core)
        figures: dict[str, float] = {}

        async def measure() -> None:
            figures.update(await counted(options.seconds, lambda: made.figures.endings[Ending.ARRIVED]))
            made.stop()

        measuring = asyncio.create_task(measure())
        await made.run(patience_s=0.1)
        await measuring
        return figures


async def bare(options: argparse.Namespace) -> dict[str, float]:
    """As many posts at once as one endpoint gets."""
    body, done = await _event(options.dsn), 0
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}",
        "User-Agent": "bare",
    }
    async with aiohttp.ClientSession() as session:

        async def post() -> None:
            nonlocal done
            while True:
                async with session.post(options.url, data=body, headers=headers) as response:
                    assert response.status == 200
                    await response.read()
                done += 1

        posting = [asyncio.create_task(post()) for _ in range(RUNNING_MAX)]
        figures = await counted(options.seconds, lambda: done)
        for each in posting:
            each.cancel()
        await asyncio.gather(*posting, return_exceptions=True)
    return figures


async def _event(dsn: str) -> bytes:
    """What the dispatcher posts."""
    scope = fintech.Scope(merchants(1)[0].id, livemode=False)
    async with fintech.on_postgres(dsn, digest_key=DIGEST_KEY) as core:
        listed = await core.queries().events(scope, Page(limit=1), ("payment_intent.succeeded",))
        return event_body(listed.items[0], False, 1)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", choices=("dispatch", "bare"), required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    gc.set_threshold(50_000, 20, 100)
    run: Any = {"dispatch": dispatch, "bare": bare}[options.path]
    print(json.dumps(asyncio.run(run(options))), flush=True)


if __name__ == "__main__":
    uvloop.install()
    main()
