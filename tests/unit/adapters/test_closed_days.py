"""Days that are closed: the database knows them as the domain does, and reads past them."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.connections import Connection, connect
from fintech.adapters.postgres.database import Database
from fintech.adapters.postgres.store import _ACCOUNTS, _OPEN_ACCOUNTS
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.chart import is_daily
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId, Balances, closed
from fintech.domain.money import Currency
from fintech.ports.contracts.histories import Story

pytestmark = pytest.mark.postgres

MERCHANT = MerchantId("acct_" + "m" * 24)
CODES = ["unsettled/2026-11-23", "scheme_receivable/visa/2026-11-23", "scheme_receivable/visa/refunds"]
CODES += ["available", "holds", "fees/acquiring", "gst_payable/gst", "quota/amount/2026-11-23", "/2026-11-23"]

_ROW = "insert into accounts values ($1, false, $2, 'AUD', $3, $4, $5, $6)"


async def test_the_flag_says_what_the_domain_says(connection: Connection) -> None:
    sums = [(0, 0, 0, 0), (0, 7, 0, 7), (0, 7, 0, 8), (1, 7, 1, 7), (0, 7, 1, 7)]
    for code in CODES:
        for debits_pending, debits_posted, credits_pending, credits_posted in sums:
            balances = Balances(debits_pending, debits_posted, credits_pending, credits_posted)
            await connection.execute("delete from accounts")
            await connection.execute(
                _ROW, MERCHANT, code, debits_pending, debits_posted, credits_pending, credits_posted
            )
            flagged = await connection.fetchval("select closed from accounts")
            assert flagged is closed(AccountId(MERCHANT, code, Currency.AUD), balances), (code, balances)


@given(st.sampled_from(CODES), st.dates())
def test_a_day_ends_a_code_of_a_daily_account(code: str, day: date) -> None:
    assert is_daily(f"{code}/{day.isoformat()}")
    assert not is_daily(f"{code}/{day.isoformat()}/x")


async def test_three_years_of_closed_days_are_not_read(
    database: Database, connection: Connection, postgres_dsn: str
) -> None:
    story = await Story.begin(database.store, RandomIdSource(), ManualClock())
    await story.paid(10_000)
    before = await database.store.books(story.scope)
    days = [(date(2023, 11, 1) + timedelta(days=n)).isoformat() for n in range(1_095)]
    for code in ("unsettled", "scheme_receivable/visa", "scheme_receivable/mastercard"):
        rows = [(story.merchant.id, f"{code}/{day}", 0, 5, 0, 5) for day in days]
        await connection.executemany(_ROW, rows)
    assert await database.store.books(story.scope) == before
    reader = await connect(postgres_dsn)
    for _ in range(2):
        assert await _rows_read(reader, _OPEN_ACCOUNTS, story.merchant.id, False, []) < 20
        assert await _rows_read(reader, _ACCOUNTS, story.merchant.id, False, ["available"]) < 20
        await connection.execute("analyze")
    await reader.close()


async def _rows_read(connection: Connection, statement: str, *arguments: Any) -> int:
    """How many rows of accounts a statement looked at, those that it left out included."""
    prepared = await connection.prepare(statement)
    (explained,) = await prepared.explain(*arguments, analyze=True)
    return sum(_looked_at(node) for node in _nodes(explained["Plan"]))


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(each for child in plan.get("Plans", []) for each in _nodes(child))]


def _looked_at(node: dict[str, Any]) -> int:
    if node.get("Relation Name") != "accounts":
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return round(node["Actual Loops"] * (node["Actual Rows"] + removed))
