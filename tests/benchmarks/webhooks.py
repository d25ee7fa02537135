"""Webhooks to a fast receiver against a bare client that posts the same bytes, and beside a receiver that hangs."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
from attrs import frozen

import fintech
from fintech.application.commits import Request
from fintech.domain.ids import WebhookEndpointId
from fintech.domain.scope import Scope
from tests.benchmarks.harness import ROOT, Bench, Ratio, Rounds
from tests.benchmarks.payments import ACTOR, Till, merchants
from tests.benchmarks.webhook_subject import DIGEST_KEY, WARM_UP_S

ENDPOINTS = 10
#: More than is delivered in a measure.
PER_SECOND_MAX = 12_000

RATIOS = [
    Ratio("webhooks to one fast endpoint / bare aiohttp", "one endpoint", "bare client", 0.5),
    Ratio("nine endpoints beside one that hangs / nine", "nine and one that hangs", "nine endpoints", 0.9),
]


@frozen
class Scene:
    """The receivers' ports, and the endpoints: the first has a merchant of its own with many events."""

    bench: Bench
    fast: int
    hanging: int
    endpoints: list[tuple[Scope, WebhookEndpointId]]

    def measure(self, path: str) -> dict[str, float]:
        """The figures of one process."""
        command = [sys.executable, "-m", "tests.benchmarks.webhook_subject", "--path", path]
        command += ["--dsn", self.bench.dsn, "--seconds", str(self.bench.seconds)]
        command += ["--url", f"http://127.0.0.1:{self.fast}/hooks"]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            if running.stdout.readline().strip() != "ready":
                raise SystemExit(f"{path} did not start")
            figures: dict[str, float] = json.loads(running.communicate("go\n", timeout=120)[0])
        return {"p99_ms": 0, "refused": 0} | figures

    def dispatched(self, first: int, last: int, port: int) -> dict[str, float]:
        """Deliveries a second to some of the endpoints, all of whose events are due; the first is at a port."""
        asyncio.run(self._due(first, last, port))
        figures = self.measure("dispatch")
        asyncio.run(self._assert_some_are_left(first if port == self.fast else first + 1, last))
        return figures

    async def _assert_some_are_left(self, first: int, last: int) -> None:
        """What runs out of work is not as fast as it can be."""
        connection = await asyncpg.connect(self.bench.dsn)
        left = await connection.fetchval(
            "select count(*) from deliveries where status = 'pending' and endpoint_id = any($1)",
            [id for _, id in self.endpoints[first:last]],
        )
        await connection.close()
        if not left:
            raise SystemExit("everything was delivered before the time was up: raise PER_SECOND_MAX")

    async def _due(self, first: int, last: int, port: int) -> None:
        async with fintech.on_postgres(self.bench.dsn, digest_key=DIGEST_KEY) as core:
            scope, id = self.endpoints[0]
            url = f"http://127.0.0.1:{port}/hooks"
            (await core.update_webhook_endpoint()(Request(actor=ACTOR), scope, id, url=url)).unwrap()
        connection = await asyncpg.connect(self.bench.dsn)
        await connection.execute("update deliveries set due_at = null, status = 'canceled'")
        await connection.execute(
            "update deliveries set status = 'pending', due_at = now(), leased_until = null, tries = 0, step = 0, log = null"
            " where endpoint_id = any($1)",
            [id for _, id in self.endpoints[first:last]],
        )
        await connection.execute("delete from failing_endpoints")
        await connection.execute("vacuum deliveries")
        await connection.close()


@contextmanager
def receivers() -> Iterator[tuple[int, int]]:
    """The ports of a fast one and one that hangs."""
    command = [sys.executable, "-m", "tests.benchmarks.webhook_receiver"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            fast, hanging = map(int, running.stdout.readline().split())
            yield fast, hanging
        finally:
            running.terminate()


async def _prepared(bench: Bench, port: int) -> list[tuple[Scope, WebhookEndpointId]]:
    """Endpoints of as many merchants, and their events: as many for the first as for the others together."""
    scopes = [Scope(each.id, livemode=False) for each in merchants(ENDPOINTS)]
    made = []
    events = round((bench.seconds + WARM_UP_S) * PER_SECOND_MAX)
    async with fintech.on_postgres(bench.dsn, digest_key=DIGEST_KEY) as core:
        for scope in scopes:
            types = ("payment_intent.succeeded",)
            url = f"http://127.0.0.1:{port}/hooks"
            outcome = await core.create_webhook_endpoint()(Request(actor=ACTOR), scope, url, types)
            made.append((scope, outcome.unwrap().value.endpoint.id))
        for till in (Till(first=0, last=1), Till(first=1, last=ENDPOINTS)):
            left = events
            while left > 0:
                batch = [till.payment() for _ in range(min(left, 2_000))]
                await asyncio.gather(*(core.store().commit(*each) for each in batch))
                left -= len(batch)
    return made


def webhooks(bench: Bench, rounds: int) -> bool:
    """One endpoint, nine, and nine beside one that hangs."""
    with receivers() as (fast, hanging):
        scene = Scene(bench, fast, hanging, asyncio.run(_prepared(bench, fast)))
        measures: dict[str, Callable[[], dict[str, float]]] = {
            "bare client": lambda: scene.measure("bare"),
            "one endpoint": lambda: scene.dispatched(0, 1, fast),
            "nine endpoints": lambda: scene.dispatched(1, ENDPOINTS, fast),
            "nine and one that hangs": lambda: scene.dispatched(0, ENDPOINTS, hanging),
        }
        results = Rounds()
        results.run(measures, rounds)
        return results.show(RATIOS)
