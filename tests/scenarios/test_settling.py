"""Settling in real processes: one is killed without a word half way; a service does it by itself."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import open_database
from fintech.adapters.system.id_source import RandomIdSource
from fintech.application.commits import Request
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.ports.contracts.seasons import Season
from tests.scenarios.services import COMMAND, PATIENCE_S, answer, environment, serving

MERCHANTS = 400
SALE = 10_000
KEY = bytes(range(32))
ME = Actor("till", Face.EMBEDDED)
SETTLE = ("settle", "--all", "--through", "today", "--why", "the bank's statement")

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


async def sell(core: Core) -> None:
    """A new shop and its first sale."""
    scope = Scope(core.ids().new(MerchantId), livemode=False)
    (await core.onboard_merchant()(ME, scope.merchant, livemode=False, name="Kiosk")).unwrap()
    card = await core.find_method()(scope, "pm_card_visa")
    sale: dict[str, Any] = {"amount_minor": SALE, "currency": Currency.AUD, "method": card, "confirm": True}
    (await core.create_payment()(Request(actor=ME), scope, **sale)).unwrap()


async def killed_half_way(database: asyncpg.Connection, variables: dict[str, str]) -> int:
    """Start settling and kill it as soon as some are settled; how many are."""
    process = subprocess.Popen(
        [*COMMAND, *SETTLE, "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(**variables),
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await database.fetchval("select count(*) from settlements") < 20:
                assert process.poll() is None
    finally:
        process.kill()
        process.wait(PATIENCE_S)
    settled: int = await database.fetchval("select count(*) from settlements")
    return settled


async def test_a_run_that_is_killed_is_finished_by_the_next(postgres_dsn: str) -> None:
    variables = {"FINTECH_DATABASE_URL": postgres_dsn, "FINTECH_DIGEST_KEY": KEY.hex()}
    async with profiles.on_postgres(postgres_dsn, digest_key=KEY) as core:
        await asyncio.gather(*(sell(core) for _ in range(MERCHANTS)))
    database = await asyncpg.connect(postgres_dsn)
    first = await killed_half_way(database, variables)
    assert 20 <= first < MERCHANTS
    again = await asyncio.to_thread(answer, *SETTLE, **variables)
    documents = await database.fetch(
        "select document::text from events where type = 'settlement.created' order by merchant_id"
    )
    await database.close()
    settlements = [json.loads(document) for (document,) in documents]
    assert len(settlements) == len({each["merchant"] for each in settlements}) == MERCHANTS
    assert {each["gross_minor"] for each in settlements} == {SALE}
    # What was under way when it was killed may still have been committed by the database.
    assert MERCHANTS - first - 64 <= len(again["settlements"]) <= MERCHANTS - first
    verified = await asyncio.to_thread(answer, "ledger", "verify", **variables)
    assert verified["holds"] is True
    nothing = await asyncio.to_thread(answer, *SETTLE, **variables)
    assert (nothing["settlements"], nothing["merchants"]) == ([], MERCHANTS)


async def test_a_service_settles_what_is_due_in_test_mode_by_itself(
    postgres_dsn: str, tmp_path: Path
) -> None:
    long_ago = ManualClock(datetime.now(UTC) - timedelta(days=10))
    async with open_database(postgres_dsn, long_ago) as opened:
        live = await Season.begin(opened.store, RandomIdSource(), long_ago, livemode=True)
        test = await Season.begin(opened.store, RandomIdSource(), long_ago)
        for season in (live, test):
            await season.pay(SALE)
    database = await asyncpg.connect(postgres_dsn)
    variables = {"FINTECH_DATABASE_URL": postgres_dsn, "FINTECH_DIGEST_KEY": KEY.hex()}
    with serving(tmp_path, **variables) as first, serving(tmp_path, **variables) as second:
        async with asyncio.timeout(PATIENCE_S):
            while not await database.fetchval("select count(*) from settlements"):
                await asyncio.sleep(0.05)
    assert (first.ended(), second.ended()) == (0, 0)
    settled = await database.fetch("select merchant_id, livemode from settlements")
    assert [tuple(row) for row in settled] == [(test.story.merchant.id, False)]
    await database.close()
    assert (await asyncio.to_thread(answer, "ledger", "verify", **variables))["holds"] is True
