"""Card payments and reads over HTTP, against TPC-B and a bare handler on the same cores in the same round."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from attrs import frozen

import fintech
from tests.benchmarks.harness import ROOT, Bench, Ratio, Rounds
from tests.benchmarks.payments import merchants

CONNECTIONS = 64
#: Payments are spread over so many merchants, each with a key.
SHOPS = 100
DIGEST_KEY = "00" * 32
UNLIMITED = "1000000000"
NO_VARIABLES: Mapping[str, str] = {}

RATIOS = [
    Ratio("HTTP card payments, 64 connections / TPC-B", "HTTP payments", "tpcb", 0.5),
    Ratio("HTTP read of a payment / bare aiohttp", "HTTP read", "bare read", 0.4),
    Ratio(
        "HTTP payments at half rate, open loop: p99 / median",
        "half rate p99",
        "half rate p50",
        5,
        smaller_is_better=True,
    ),
]


@frozen
class Shop:
    """A running server and the keys of its merchants."""

    port: int
    keys: str

    def load(
        self,
        seconds: float,
        *,
        rate: float = 0,
        get: str = "",
        port: int | None = None,
        typed: bool = False,
    ) -> dict[str, float]:
        """What the load generator reports; anything but 200 ends the run."""
        command = [sys.executable, "-m", "tests.benchmarks.load", "--port", str(port or self.port)]
        keys = self.keys.split(",")[0] if get else self.keys  # a read is of the first shop's payment
        command += ["--key", keys, "--seconds", str(seconds), "--connections", str(CONNECTIONS)]
        command += ["--rate", str(rate), "--get", get, *["--typed"] * typed]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        figures = json.loads(output)
        if set(figures["statuses"]) != {"200"} or figures["lost"]:
            raise SystemExit(f"the server did not answer every request: {figures}")
        return {"per_second": figures["per_second"], "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"]}

    def payment(self) -> tuple[str, bytes]:
        """The path and the bytes of one payment."""
        key = self.keys.split(",")[0]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/payment_intents",
            data=b"amount=2000&currency=aud&confirm=true&payment_method=pm_card_visa&metadata[order]=6735",
            headers={"Authorization": f"Bearer {key}"},
        )
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        return f"/v1/payment_intents/{json.loads(body)['id']}", body


async def _keys(dsn: str) -> str:
    secrets = []
    actor = fintech.Actor("bench", fintech.Face.EMBEDDED)
    async with fintech.on_postgres(dsn, digest_key=bytes.fromhex(DIGEST_KEY)) as core:
        for merchant in merchants(SHOPS):
            made = await core.create_api_key()(actor, fintech.Scope(merchant.id, livemode=False), "bench")
            secrets.append(made.unwrap().secret)
    return ",".join(secrets)


@contextmanager
def shop(
    bench: Bench,
    *,
    module: str | None = None,
    argument: str | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> Iterator[Shop]:
    """`fintech serve` on the database of this run, or another module that serves it."""
    environment = {
        **os.environ,
        **variables,
        "FINTECH_DATABASE_URL": bench.dsn,
        "FINTECH_DIGEST_KEY": DIGEST_KEY,
        "FINTECH_LOG_LEVEL": "warning",
        "FINTECH_HTTP_REQUESTS_PER_S": UNLIMITED,
        "FINTECH_HTTP_REQUESTS_BURST": UNLIMITED,
    }
    serve = [module] if module else ["fintech.entrypoints.cli", "serve", "--http"]
    command = [sys.executable, "-m", *serve, "127.0.0.1:0", *([argument] if argument else [])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(json.loads(server.stdout.readline())["http"].rpartition(":")[2])
            yield Shop(port, asyncio.run(_keys(bench.dsn)))
        finally:
            server.send_signal(signal.SIGTERM)


@contextmanager
def bare(body: bytes) -> Iterator[int]:
    """The bare handler; its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.benchmarks.bare", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as server:
        try:
            assert server.stdin is not None
            server.stdin.write(body)
            server.stdin.close()
            _await_port(port)
            yield port
        finally:
            server.terminate()


def _await_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        subprocess.run(["sleep", "0.05"], check=True)
    raise SystemExit("the bare handler did not start")


def http(bench: Bench, rounds: int) -> bool:
    """Payments, their latency at half the greatest rate, and reads."""
    with shop(bench) as running:
        path, body = running.payment()
        running.load(2)
        results = Rounds()
        with bare(body) as port:
            results.run(_measures(bench, running, path, port, results), rounds)
        return results.show(RATIOS)


def _measures(
    bench: Bench, running: Shop, path: str, port: int, results: Rounds
) -> dict[str, Callable[[], dict[str, float]]]:
    half: dict[str, float] = {}

    def at_half_rate() -> dict[str, float]:
        greatest = results.figures["HTTP payments"][-1]["per_second"]
        half.update(running.load(bench.seconds, rate=greatest / 2))
        return {"per_second": half["p99_ms"], "p99_ms": half["p99_ms"]}

    return {
        "tpcb": bench.tpcb,
        "HTTP payments": lambda: running.load(bench.seconds),
        "half rate p99": at_half_rate,
        "half rate p50": lambda: {"per_second": half["p50_ms"], "p99_ms": half["p99_ms"]},
        "HTTP read": lambda: running.load(bench.seconds, get=path),
        "bare read": lambda: running.load(bench.seconds, get=path, port=port),
    }
