"""What settling costs when little was captured and when much was, in time and memory; and that killing it is harmless."""

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from typing import Any

import asyncpg

from fintech.adapters.postgres.database import open_database, sqlalchemy_url
from fintech.adapters.postgres.schema import upgrade
from fintech.adapters.system.clock import SystemClock
from fintech.ports.proofs import Proof
from tests.benchmarks.captures import Load, capture, grow_old, open_books
from tests.benchmarks.harness import ROOT, Bench, Ratio, Rounds

SIZES = (10_000, 100_000, 1_000_000)
PER_MERCHANT = 1_000
#: So many merchants trade for three years, after which so many days are closed.
AGED = 100
OLD_DAYS = 1_095
MEMORY_MIB = 256
PATIENCE_S = 600


def settlement(bench: Bench, rounds: int) -> bool:
    """Microseconds for 1,000 captures (a merchant's day, here), in the column of rates; memory in MiB."""
    sizes = [size for size in SIZES if size <= bench.captures_max]
    results = Rounds({"one": [{"per_second": 1.0}]})
    for size in sizes:
        # The larger a size, the less a round's chance weighs.
        runs = [_measured(bench, size) for _ in range(rounds if size < SIZES[-1] else 1)]
        results.figures[f"{size:,} captures"] = [_median(runs, "us")]
        results.figures[f"{size:,} captures, memory"] = [_median(runs, "peak_mib")]
    for _ in range(rounds):
        for name, figures in _aged(bench).items():
            results.figures.setdefault(name, []).append(figures)
    return results.show(_ratios(sizes))


def _ratios(sizes: list[int]) -> list[Ratio]:
    rows = [
        Ratio(
            f"a capture of {more:,} / of {less:,} (time)",
            f"{more:,} captures",
            f"{less:,} captures",
            1.5,
            smaller_is_better=True,
        )
        for less, more in pairwise(sizes)
    ]
    rows += [
        Ratio(
            f"most memory at {size:,} (MiB)",
            f"{size:,} captures, memory",
            "one",
            MEMORY_MIB,
            smaller_is_better=True,
        )
        for size in sizes
    ]
    aged = Ratio(
        "after three years / in the first days (time)",
        "after three years",
        "in the first days",
        1.5,
        smaller_is_better=True,
    )
    return [*rows, aged]


def _median(runs: list[dict[str, float]], name: str) -> dict[str, float]:
    return {"per_second": statistics.median(run[name] for run in runs)}


def _measured(bench: Bench, size: int) -> dict[str, Any]:
    """In a database of its own: loaded, settled, killed half way while it settles more, settled, proved."""
    count = size // PER_MERCHANT
    with _database(bench, count) as dsn:
        started = time.monotonic()
        load = asyncio.run(capture(dsn, "a", PER_MERCHANT, count))
        loaded_s = time.monotonic() - started
        figures = _settle(dsn, load)
        assert figures["settlements"] == count, figures
        assert _settle(dsn, load)["settlements"] == 0
        print(
            f"  {load.captures:,} captures of {count:,} merchants loaded in {loaded_s:.0f} s, settled in"
            f" {figures['seconds']:.3f} s; most memory {figures['peak_mib']:.0f} MiB",
            flush=True,
        )
        _killed(dsn, load)
        return figures


def _aged(bench: Bench) -> dict[str, dict[str, float]]:
    """The same captures twice: of merchants who have just begun, and three years later."""
    with _database(bench, AGED) as dsn:
        figures = {}
        for name, letter, days_ago in (("in the first days", "a", 1), ("after three years", "b", 0)):
            if letter == "b":
                asyncio.run(grow_old(dsn, OLD_DAYS))
            load = asyncio.run(capture(dsn, letter, PER_MERCHANT // 10, AGED, days_ago=days_ago))
            ran = _settle(dsn, load)
            assert ran["settlements"] == AGED, ran
            figures[name] = {"per_second": ran["us"]}
        return figures


def _killed(dsn: str, load: Load) -> None:
    """A week end later it is killed half way, and run again."""
    more = asyncio.run(capture(dsn, "b", PER_MERCHANT // 10, load.merchants, days_ago=0))
    half = load.merchants + load.merchants // 2
    process = subprocess.Popen(_command(dsn, more.through), cwd=ROOT, stdout=subprocess.DEVNULL)
    at = asyncio.run(_watched(dsn, half))
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)
    figures = _settle(dsn, more)
    wrong = asyncio.run(_proved(dsn))
    settled = asyncio.run(_count(dsn))
    assert not wrong, wrong
    assert settled == 2 * load.merchants, settled
    print(
        f"  killed at {at - load.merchants} of {load.merchants} settlements; the next run settled"
        f" {figures['settlements']:.0f}, and all proofs hold",
        flush=True,
    )


def _settle(dsn: str, load: Load) -> dict[str, Any]:
    ran = subprocess.run(
        _command(dsn, load.through), cwd=ROOT, check=True, capture_output=True, text=True, timeout=PATIENCE_S
    )
    figures: dict[str, Any] = json.loads(ran.stdout)
    assert not figures["troubled"], figures
    return {**figures, "us": figures["seconds"] / load.captures * 1e9}


def _command(dsn: str, through: date) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.settling", "--dsn", dsn, "--through", through.isoformat()]


@contextmanager
def _database(bench: Bench, count: int) -> Iterator[str]:
    """A database with so many merchants."""
    name = f"settle_{count}"
    dsn = bench.dsn.replace("@/fintech", f"@/{name}", 1)
    asyncio.run(_told(bench.dsn, f"create database {name}"))
    try:
        asyncio.run(upgrade(sqlalchemy_url(dsn)))
        asyncio.run(open_books(dsn, count))
        yield dsn
    finally:
        asyncio.run(_told(bench.dsn, f"drop database {name} with (force)"))


async def _watched(dsn: str, half: int) -> int:
    """Wait until so many settlements are there."""
    connection = await asyncpg.connect(dsn)
    async with asyncio.timeout(PATIENCE_S):
        while (count := await connection.fetchval("select count(*) from settlements")) < half:
            await asyncio.sleep(0)
    await connection.close()
    return int(count)


async def _count(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    count = await connection.fetchval("select count(*) from settlements")
    await connection.close()
    return int(count)


async def _proved(dsn: str) -> list[Any]:
    async with open_database(dsn, SystemClock()) as opened:
        return [found for proof in Proof for found in await opened.proofs.check(proof, livemode=False)]


async def _told(dsn: str, command: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(command)
    await connection.close()
