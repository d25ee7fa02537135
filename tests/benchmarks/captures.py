"""Captures by the million, in the rows that the store writes: one is committed by it, the others are copies in SQL."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
from attrs import frozen

from fintech.adapters.postgres.database import open_database
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.business_days import sydney_day
from fintech.domain.outcome import Success
from tests.benchmarks.payments import Till, merchants, onboarding

#: Days that captures of one load are spread over: a week end's.
DAYS = 3
#: Noon in Sydney, or an hour later: the date is the same in both calendars.
NOON_UTC = 2

#: ``$1`` merchants, ``$2`` captures each, ``$3`` a name for the load, ``$4`` days, then the bodies of the payment and the
#: changeset that are copied, their merchant and their day.
_COPIES = """
create temporary table copies on commit drop as
select m.merchant_id, n, $4::int - 1 - n % $4::int as back,
       rpad($3::text || to_char(n, 'FM000000'), 24, '0') as payment,
       rpad($3::text || to_char(n, 'FM000000'), 24, '1') as changeset
  from (select merchant_id from merchants order by merchant_id limit $1) m, generate_series(0, $2::int - 1) n
"""
_SPELT = """replace(replace(replace({text}, '{payment}', c.payment), '{changeset}', c.changeset),
        '{day}', (date '{day}' - c.back)::text)"""
_TABLES = {
    "payments": ("id", "event_id", "created_at"),
    "movements": ("id", "source", "at", "legs"),
    "claims": ("key", "resource", "answered_by", "lease_until"),
    "events": ("id", "aggregate_id", "at", "document"),
}
_ACCOUNTS = """
insert into accounts as t (merchant_id, livemode, code, currency, debits_pending, debits_posted, credits_pending,
                           credits_posted)
select u.merchant_id, false, code, currency, 0, sum(u.debits), 0, sum(u.credits) from (
    select c.merchant_id, replace(a.code, '{day}', (date '{day}' - c.back)::text) as code, a.currency,
           a.debits_posted as debits, a.credits_posted as credits
      from copied_accounts a, (select merchant_id, back from copies) c
) u group by u.merchant_id, code, currency
on conflict (merchant_id, livemode, code, currency) do update
   set debits_posted = t.debits_posted + excluded.debits_posted,
       credits_posted = t.credits_posted + excluded.credits_posted
"""
_HISTORY = """
insert into accounts (merchant_id, livemode, code, currency, debits_pending, debits_posted, credits_pending, credits_posted)
select m.merchant_id, false, kind || '/' || (date '2020-01-01' + n)::text, 'AUD', 0, 10000, 0, 10000
  from merchants m, generate_series(0, $1::int - 1) n,
       unnest(array['unsettled', 'scheme_receivable/visa', 'scheme_receivable/mastercard',
                    'scheme_receivable/eftpos_au']) kind
"""


@frozen
class Load:
    """What was captured: how many, by how many merchants, in days up to ``through``."""

    captures: int
    merchants: int
    through: date


async def open_books(dsn: str, count: int) -> None:
    """So many merchants, and the capture that the others are copies of: the first merchant's."""
    ids = RandomIdSource()
    async with open_database(dsn, SystemClock()) as opened:
        await asyncio.gather(*(opened.store.commit(*onboarding(each, ids)) for each in merchants(count)))


async def capture(dsn: str, name: str, each: int, count: int, *, days_ago: int = 1) -> Load:
    """``each`` captures of ``count`` merchants, spread over the `DAYS` up to some days ago. ``name``: a letter."""
    day = sydney_day(datetime.now(UTC)) - timedelta(days=days_ago)
    scope, changes = Till().payment(0, datetime(day.year, day.month, day.day, NOON_UTC, tzinfo=UTC))
    async with open_database(dsn, SystemClock()) as opened:
        before = await opened.store.books(scope)
        assert isinstance(await opened.store.commit(scope, changes), Success)
        after = await opened.store.books(scope)
    moved = [
        (
            account.code,
            account.currency,
            balances.debits_posted - (before[account].debits_posted if account in before else 0),
            balances.credits_posted - (before[account].credits_posted if account in before else 0),
        )
        for account, balances in after.items()
    ]
    bodies = {
        "payment": changes.changes[0].aggregate.id.partition("_")[2],
        "changeset": changes.id.body,
        "day": day.isoformat(),
    }
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(_COPIES, count, each, name, DAYS)
            for table, changed in _TABLES.items():
                await connection.execute(await _copying(connection, table, changed, bodies))
            await connection.execute("create temporary table copied_accounts on commit drop as"
                                     " select code, currency, debits_posted, credits_posted from accounts limit 0")  # fmt: skip
            await connection.copy_records_to_table(
                "copied_accounts", records=[each for each in moved if each[2] or each[3]]
            )
            await connection.execute(_ACCOUNTS.format(**bodies))
            await connection.execute(
                "insert into books select distinct merchant_id, false from copies on conflict do nothing"
            )
        # As it would be at night: what was written by day has been swept up after, and is on disk.
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return Load(count * each + 1, count, day)


async def _copying(
    connection: asyncpg.Connection, table: str, changed: tuple[str, ...], bodies: dict[str, str]
) -> str:
    """Inserts copies of the one row that the store has written, with ids and days of their own."""
    columns = await connection.fetch(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = $1::regclass and attnum > 0 and attname <> 'xact' order by attnum",
        table,
    )
    values = []
    for name, kind in columns:
        if name == "merchant_id":
            values.append("c.merchant_id")
        elif kind.startswith("timestamp") and name in changed:
            values.append(f"o.{name} - c.back * interval '1 day'")
        elif name in changed:
            values.append(_SPELT.format(text=f"o.{name}::text", **bodies) + f"::{kind}")
        else:
            values.append(f"o.{name}")
    key = "key" if table == "claims" else "id"
    names = ", ".join(name for name, _ in columns)
    body = bodies["payment"] if table == "payments" else bodies["changeset"]
    return (
        f"insert into {table} ({names}) select {', '.join(values)} from {table} o, copies c"
        f" where o.merchant_id = '{merchants(1)[0].id}' and strpos(o.{key}, '{body}') > 0"
        " order by c.merchant_id, c.n"
    )


async def grow_old(dsn: str, days: int) -> None:
    """Give every merchant so many days of closed accounts (which no transfer explains: prove nothing afterwards)."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_HISTORY, days)
    await connection.execute("analyze accounts")
    await connection.close()
