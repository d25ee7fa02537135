"""Purchases of terminals over TCP, intent and outcome committed, against TPC-B on the same cores in the same round."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from attrs import field, frozen

import fintech
from fintech.domain.addresses import COUNTRY, Address
from tests.benchmarks.harness import ROOT, Bench, Ratio, Rounds
from tests.benchmarks.http import DIGEST_KEY
from tests.benchmarks.payments import merchants

#: So many terminals, each of another merchant, each on a line of its own.
TERMINALS = 64
#: A run of terminals begins with other trace numbers than the one before it: they are keys.
STANS = 50_000

RATIOS = [Ratio("ISO 8583 purchases over TCP, 64 terminals / TPC-B", "ISO 8583 purchases", "tpcb", 0.4)]


@frozen
class Tills:
    """A running server and the numbers of its terminals."""

    port: int
    numbers: str
    _runs: Iterator[int] = field(factory=count)

    def load(self, seconds: float) -> dict[str, float]:
        """What the terminals report; a purchase that is not approved ends the run."""
        first = next(self._runs) * STANS + 1
        command = [sys.executable, "-m", "tests.benchmarks.till_load", "--port", str(self.port)]
        command += ["--numbers", self.numbers, "--seconds", str(seconds), "--first-stan", str(first)]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        figures = json.loads(output)
        if figures["refused"] or figures["lost"]:
            raise SystemExit(f"the gateway did not approve every purchase: {figures}")
        return {"per_second": figures["per_second"], "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"]}


async def _registered(dsn: str) -> str:
    numbers = []
    request = fintech.Request(actor=fintech.Actor("bench", fintech.Face.EMBEDDED))
    address = Address(line1="1 George Street", city="Sydney", state="NSW", postcode="2000", country=COUNTRY)
    async with fintech.on_postgres(dsn, digest_key=bytes.fromhex(DIGEST_KEY)) as core:
        for merchant in merchants(TERMINALS):
            scope = fintech.Scope(merchant.id, livemode=False)
            made = await core.create_location()(request, scope, name="Shop", address=address)
            location = made.unwrap().value.id
            terminal = await core.register_terminal()(
                request, scope, serial="simulated-bench", location=location
            )
            numbers.append(terminal.unwrap().value.number)
    return ",".join(numbers)


@contextmanager
def tills(bench: Bench) -> Iterator[Tills]:
    """`fintech serve --terminals` on the database of this run."""
    environment = {
        **os.environ,
        "FINTECH_DATABASE_URL": bench.dsn,
        "FINTECH_DIGEST_KEY": DIGEST_KEY,
        "FINTECH_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "fintech.entrypoints.cli", "serve", "--http", "127.0.0.1:0"]
    command += ["--terminals", "127.0.0.1:0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(json.loads(server.stdout.readline())["terminals"].rpartition(":")[2])
            yield Tills(port, asyncio.run(_registered(bench.dsn)))
        finally:
            server.send_signal(signal.SIGTERM)


def terminals(bench: Bench, rounds: int) -> bool:
    """Purchases over TCP."""
    with tills(bench) as running:
        running.load(2)
        results = Rounds()
        results.run({"tpcb": bench.tpcb, "ISO 8583 purchases": lambda: running.load(bench.seconds)}, rounds)
        return results.show(RATIOS)
