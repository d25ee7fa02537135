"""One process of one write path under load. Says ``ready``, waits for a line, runs, prints its figures as JSON."""

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import uvloop
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from fintech.adapters.postgres.database import open_database, sqlalchemy_url
from fintech.adapters.system.clock import SystemClock
from fintech.domain.outcome import Success
from tests.benchmarks.baseline_core import CoreWriter
from tests.benchmarks.baseline_cte import CteWriter
from tests.benchmarks.payments import Till

Commit = Callable[[Any, Any], Awaitable[bool]]


def arguments() -> argparse.Namespace:
    """What to run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", choices=("grouped", "core", "cte"), required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--callers", type=int, required=True)
    parser.add_argument("--pool", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--refused", type=float, default=0.0)
    parser.add_argument("--shared", action="store_true")
    return parser.parse_args()


async def opened(options: argparse.Namespace, closing: AsyncExitStack) -> Commit:
    """The write path, ready."""
    if options.path == "grouped":
        database = await closing.enter_async_context(open_database(options.dsn, SystemClock()))

        async def commit(scope: Any, changes: Any) -> bool:
            return isinstance(await database.store.commit(scope, changes), Success)

        return commit
    if options.path == "cte":
        pool = await asyncpg.create_pool(
            options.dsn,
            min_size=options.pool,
            max_size=options.pool,
            server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"},
        )
        closing.push_async_callback(pool.close)
        return CteWriter(pool).commit
    engine = create_async_engine(
        sqlalchemy_url(options.dsn),
        pool_size=options.pool,
        max_overflow=0,
        json_serializer=str,  # the rows have their JSON as text already
    )
    closing.push_async_callback(engine.dispose)
    core = CoreWriter(engine)

    async def commit_core(scope: Any, changes: Any) -> bool:
        try:
            return await core.commit(scope, changes)
        except IntegrityError:
            return False

    return commit_core


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Warm up for half a second, then count for the time given."""
    till = Till(shared_platform=options.shared, refused=options.refused)
    async with AsyncExitStack() as closing:
        commit = await opened(options, closing)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        begin = time.monotonic() + 0.5
        end = begin + options.seconds
        waits: list[float] = []
        counts = {"accepted": 0, "refused": 0}
        commits = 0

        async def caller() -> None:
            nonlocal commits
            while (started := time.monotonic()) < end:
                accepted = await commit(*till.payment())
                done = time.monotonic()
                commits += 1
                if begin <= done <= end:
                    counts["accepted" if accepted else "refused"] += 1
                    waits.append(done - started)

        before = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.gather(*(caller() for _ in range(options.callers)))
        after = resource.getrusage(resource.RUSAGE_SELF)
        waits.sort()
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        total = max(len(waits), 1)
        return {
            "per_second": len(waits) / options.seconds,
            **counts,
            "p50_ms": waits[total // 2] * 1e3 if waits else 0,
            "p99_ms": waits[int(total * 0.99)] * 1e3 if waits else 0,
            "cpu_us": cpu_s / max(commits, 1) * 1e6,
        }


if __name__ == "__main__":
    uvloop.install()
    print(json.dumps(asyncio.run(run(arguments()))), flush=True)
