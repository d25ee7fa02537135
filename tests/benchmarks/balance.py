"""What a balance costs when much was booked, against when little was."""

import asyncio
import statistics
import time
from datetime import UTC, datetime

from fintech.adapters.postgres.database import open_database
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.changeset import Change, Changeset
from fintech.domain.chart import unsettled_on
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Books, Movement, TransferKind
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.ports.store import Store
from tests.benchmarks.harness import Bench, Ratio, Rounds
from tests.benchmarks.payments import ACTOR, merchants

LITTLE, MUCH = 1_000, 1_000_000
LEGS = 100
READS = 300
#: The two merchants, counted from the end, where the payments of other measures are as rare as anywhere.
LITTLE_AT, MUCH_AT = -1, -2

RATIOS = [
    Ratio(
        "one balance at 1,000,000 transfers / at 1,000 (time)", "much", "little", 1.5, smaller_is_better=True
    )
]


async def book(store: Store, merchant: Merchant, ids: RandomIdSource, transfers: int) -> None:
    """Commit so many transfers to one merchant, through the front door of the store."""
    scope, books, day = (
        Scope(merchant.id, livemode=False),
        Books.of(merchant.id, merchant.currency),
        datetime.now(UTC),
    )
    version = 1
    for _ in range(transfers // LEGS):
        changeset = ids.new(ChangesetId)
        movement = Movement(MovementId.of(changeset, 0), source=merchant.id, at=day)
        for _ in range(LEGS):
            movement.move(
                TransferKind.CAPTURE,
                books.platform_account("scheme_receivable/visa/2026-11-23"),
                books.account(unsettled_on(day.date())),
                100,
            )
        changes = Changeset(
            id=changeset,
            at=day,
            actor=ACTOR,
            changes=(Change(evolve(merchant, version=version), EventType.ACCOUNT_UPDATED),),
            transfers=tuple(movement.legs),
        )
        assert isinstance(await store.commit(scope, changes), Success)
        version += 1


async def _read(dsn: str, rounds: int, results: Rounds) -> None:
    ids, shops = RandomIdSource(), merchants()
    async with open_database(dsn, SystemClock()) as database:
        for at, transfers in ((LITTLE_AT, LITTLE), (MUCH_AT, MUCH)):
            started = time.monotonic()
            await book(database.store, shops[at], ids, transfers)
            print(f"  {transfers:,} transfers booked in {time.monotonic() - started:.0f} s", flush=True)
        for _ in range(rounds):
            for name, at in (("little", LITTLE_AT), ("much", MUCH_AT)):
                results.figures.setdefault(name, []).append(await _time(database.store, shops[at]))


async def _time(store: Store, merchant: Merchant) -> dict[str, float]:
    scope = Scope(merchant.id, livemode=False)
    account = Books.of(merchant.id, merchant.currency).account(unsettled_on(datetime.now(UTC).date()))
    times = []
    for _ in range(READS):
        started = time.perf_counter()
        await store.balances(scope, [account])
        times.append(time.perf_counter() - started)
    return {"per_second": statistics.median(times) * 1e6, "p99_ms": sorted(times)[int(READS * 0.99)] * 1e3}


def balance(bench: Bench, rounds: int) -> bool:
    """Times in microseconds, in the column of rates."""
    results = Rounds()
    asyncio.run(_read(bench.dsn, rounds, results))
    return results.show(RATIOS)
