"""Every kind of wrong row is found, by the proof that is there for it, and named."""

from collections.abc import AsyncIterator, Iterator
from random import Random

import asyncpg
import pytest
from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import create_async_engine

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.postgres.database import Database, open_database
from fintech.adapters.postgres.proofs import PostgresProofs
from fintech.adapters.postgres.store import PostgresStore
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.remittances import LATENESS_MAX
from fintech.ports.contracts.disputing import quarrel
from fintech.ports.contracts.paying_out import pay_out, pay_out_every_way
from fintech.ports.contracts.seasons import NO, Season
from fintech.ports.contracts.trading import trade
from fintech.ports.errors import StoreUnavailable
from fintech.ports.proofs import Proof
from tests.conftest import Server, done, spelt
from tests.planting import plant

SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def changed(table: str, change: str, where: str = "true") -> str:
    key = "id" if table == "transfers" else "ctid"
    one = f"select {key} from {table} where not livemode and {where} limit 1"
    return f"update {table} set {change} where not livemode and {key} = ({one})"


def lost(table: str, where: str = "true") -> str:
    key = "id" if table == "transfers" else "ctid"
    one = f"select {key} from {table} where not livemode and {where} limit 1"
    return f"delete from {table} where not livemode and {key} = ({one})"


def account(code: str, sums: str) -> str:
    more = ", ".join(f"{name} = accounts.{name} + excluded.{name}" for name in SUMS)
    return (
        f"insert into accounts select id, false, '{code}', 'AUD', {sums} from merchants where not livemode"
        f" on conflict (merchant_id, livemode, code, currency) do update set {more}"
    )


#: One row in test mode, made wrong; the proof that finds it; how the subject begins.
WRONG = {
    "an account has more": (account("losses", "0, 1, 0, 0"), Proof.BALANCED, "posted AUD"),
    "an account has more pending": (account("losses", "0, 0, 1, 0"), Proof.BALANCED, "pending AUD"),
    "an account has as much more": (account("losses", "7, 7, 7, 7"), Proof.REBUILT, "acct_"),
    "a delta is lost": (lost("book_deltas"), Proof.REBUILT, "acct_"),
    "a transfer is lost": (lost("transfers"), Proof.REBUILT, "acct_"),
    "a transfer goes elsewhere": (changed("transfers", "credit_code = 'losses'"), Proof.REBUILT, "acct_"),
    "a transfer is of others": (changed("transfers", "debit_owner = 'acct_x'"), Proof.REBUILT, "acct_"),
    "a transfer has another currency": (changed("transfers", "currency = 'NZD'"), Proof.REBUILT, "acct_"),
    "a transfer has another phase": (
        changed("transfers", "phase = 'post'", "phase = 'pending'"),
        Proof.REBUILT,
        "acct_",
    ),
    "a hold is forgotten": (changed("payments", "held_minor = 0", "held_minor > 0"), Proof.HOLDS, "acct_"),
    "a hold is made up": (account("holds", "1, 0, 0, 0"), Proof.HOLDS, "acct_"),
    "money at the bank is gone": (
        account("client_cash", "0, 0, 0, 1000000000"),
        Proof.SAFEGUARDED,
        "client cash AUD",
    ),
    "more is owed": (account("reserved", "0, 0, 0, 1000000000"), Proof.SAFEGUARDED, "client cash AUD"),
    **{
        f"a {kind} is of another amount": (
            changed("transfers", "amount_minor = amount_minor + 1", f"kind = '{kind}'"),
            Proof.PAYMENTS,
            prefix,
        )
        for kind, prefix in {
            "capture": "pi_",
            "acquiring_fee": "pi_",
            "fee_tax": "pi_",
            "refund": "re_",
            "refund_failure": "re_",
            "fee_return": "re_",
            "fee_tax_return": "re_",
        }.items()
    },
    "a refund stays pending": (
        lost("transfers", "kind = 'refund' and phase = 'void_pending'"),
        Proof.PAYMENTS,
        "re_",
    ),
    "a transfer is for nothing": (
        changed("transfers", "source = 'pi_nothing'", "kind = 'hold' and phase = 'pending'"),
        Proof.PAYMENTS,
        "pi_nothing",
    ),
    "a transfer is for another payment": (
        changed(
            "transfers", "source = (select max(id) from payments where not livemode)", "kind = 'capture'"
        ),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a transfer is for a payment of another mode": (
        changed("transfers", "source = (select max(id) from payments where livemode)", "kind = 'hold'"),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a column forgets a capture": (
        changed("payments", "captured_minor = captured_minor - 1", "captured_minor > refunded_minor"),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a column forgets a refund": (
        changed("payments", "refunded_minor = refunded_minor - 1", "refunded_minor > 0"),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a column forgets a hold": (
        changed("payments", "held_minor = 0", "held_minor > 0"),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a line is left out of the statement": (
        changed("movements", "line = false", "line"),
        Proof.STATEMENTS,
        "acct_",
    ),
    "a line tells another net": (
        changed("movements", "net_minor = net_minor + 1", "net_minor <> 0"),
        Proof.STATEMENTS,
        "txn_",
    ),
    "a fee is on no invoice": (
        changed("movements", "line = false", "legs::text like '%acquiring_fee%'"),
        Proof.INVOICES,
        "acct_",
    ),
    "GST goes elsewhere": (
        changed("transfers", "credit_code = 'losses'", "kind = 'fee_tax'"),
        Proof.INVOICES,
        "acct_",
    ),
    "GST is of another rate": (
        changed("transfers", "amount_minor = amount_minor * 2", "kind = 'fee_tax' and amount_minor > 3"),
        Proof.INVOICES,
        "txn_",
    ),
    "GST is forgotten": (lost("transfers", "kind = 'fee_tax' and amount_minor > 3"), Proof.INVOICES, "txn_"),
    "a document says another fee": (
        changed(
            "events",
            "document = replace(document::text, '\"fee_minor\":', '\"fee_minor\":9')::json",
            "id in (select event_id from payments where refunded_minor > 0)",
        ),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a refund is lost": (lost("refunds", "status = 'succeeded'"), Proof.PAYMENTS, "re_"),
    "a refund is of another payment": (
        changed(
            "refunds",
            "payment_id = (select max(id) from payments where not livemode)",
            "payment_id <> (select max(id) from payments where not livemode) and status = 'succeeded'",
        ),
        Proof.PAYMENTS,
        "pi_",
    ),
    "a refund's column says another amount": (changed("refunds", "amount_minor = 1"), Proof.PAYMENTS, "re_"),
    **{
        f"a {kind} of a dispute is of another amount": (
            changed(
                "transfers", "amount_minor = amount_minor + 1", f"kind = '{kind}' and source like 'dp\\_%'"
            ),
            Proof.DISPUTES,
            "dp_",
        )
        for kind in (
            "dispute",
            "dispute_fee",
            "fee_tax",
            "dispute_reversal",
            "dispute_fee_return",
            "fee_tax_return",
            "reserve",
        )
    },
    "a reserve is released that nobody let go": (
        changed("transfers", "kind = 'reserve_release', debit_code = 'reserved'", "kind = 'reserve'"),
        Proof.DISPUTES,
        "dp_",
    ),
    "more is held back than disputes say": (account("reserved", "0, 0, 0, 1"), Proof.DISPUTES, "acct_"),
    "a dispute is of another payment": (
        changed(
            "disputes",
            "payment_id = (select min(id) from payments where not livemode)",
            "status = 'lost'",
        ),
        Proof.DISPUTES,
        "pi_",
    ),
    "a dispute is lost on the way": (lost("disputes", "status = 'lost'"), Proof.DISPUTES, "pi_"),
    "a dispute's column says another amount": (
        changed("disputes", "amount_minor = 1", "amount_minor > 1"),
        Proof.DISPUTES,
        "dp_",
    ),
    "a dispute's column says another status": (
        changed("disputes", "status = 'won'", "status = 'lost'"),
        Proof.DISPUTES,
        "dp_",
    ),
    **{
        f"a document of {table} forgets its {member}": (
            changed(
                "events",
                f"document = replace(document::text, '\"{member}\":', '\"forgotten\":')::json",
                f"id in (select event_id from {table}) and document -> '{member}' is not null",
            ),
            Proof.DISPUTES,
            prefix,
        )
        for table, prefix, members in (
            ("disputes", "dp_", ("withdrawal", "reinstatement", "fee", "reserved_minor", "fee_returned")),
            ("payments", "pi_", ("disputed_minor", "disputes")),
        )
        for member in members
    },
    "a write-off is of another amount": (
        changed("transfers", "amount_minor = amount_minor + 1", "kind = 'write_off'"),
        Proof.DISPUTES,
        "wo_",
    ),
    "a write-off was not approved": (
        changed("write_offs", "status = 'rejected'", "status = 'approved'"),
        Proof.DISPUTES,
        "wo_",
    ),
    **{
        f"a {kind} of a payout is of another amount": (
            changed(
                "transfers", "amount_minor = amount_minor + 1", f"kind = '{kind}' and source like 'po\\_%'"
            ),
            Proof.PAYOUTS,
            "po_",
        )
        for kind in (
            "payout",
            "instant_payout_fee",
            "fee_tax",
            "payout_paid",
            "payout_failure",
            "payout_cancel",
            "payout_reversal",
            "fee_return",
            "fee_tax_return",
            "quota",
            "own_funds",
            "earnings",
            "advance_repayment",
        )
    },
    "a payout's transfer is of another kind": (
        changed("transfers", "kind = 'capture'", "kind = 'payout_paid'"),
        Proof.PAYOUTS,
        "po_",
    ),
    "a payout's transfer is pending": (
        changed("transfers", "phase = 'pending'", "kind = 'payout_paid'"),
        Proof.PAYOUTS,
        "po_",
    ),
    "an advance is taken for available": (
        changed("transfers", "debit_code = 'available'", "kind = 'payout' and debit_code = 'advance'"),
        Proof.PAYOUTS,
        "po_",
    ),
    "more is given back than was advanced": (
        changed(
            "transfers",
            "credit_code = 'advance', amount_minor = amount_minor + 100000",
            "kind = 'payout_failure' and credit_code = 'available'",
        ),
        Proof.PAYOUTS,
        "po_",
    ),
    "an advance's repayment goes elsewhere": (
        changed(
            "transfers", "credit_code = 'available'", "source like 'stl\\_%' and credit_code = 'advance'"
        ),
        Proof.PAYOUTS,
        "stl_",
    ),
    "an advance's repayment stays with the merchants": (
        changed(
            "transfers",
            "kind = 'earnings'",
            "source like 'stl\\_%' and debit_code = 'own_cash' and kind = 'advance_repayment'",
        ),
        Proof.PAYOUTS,
        "stl_",
    ),
    "a settlement is lost": (
        lost("settlements", "id in (select source from transfers where kind = 'advance_repayment')"),
        Proof.PAYOUTS,
        "acct_",
    ),
    "more is in transit than payouts say": (account("in_transit", "0, 0, 0, 1"), Proof.PAYOUTS, "acct_"),
    "more is advanced than payouts say": (account("advance", "0, 1, 0, 0"), Proof.PAYOUTS, "acct_"),
    "more is counted than was paid out": (
        account("quota/payout/2026-01-01/amount", "0, 1, 0, 0"),
        Proof.PAYOUTS,
        "acct_",
    ),
    "one more is counted than was paid out": (
        account("quota/payout/2026-01-01/count", "0, 1, 0, 0"),
        Proof.PAYOUTS,
        "acct_",
    ),
    "an open payout is lost": (lost("payouts", "status = 'unknown'"), Proof.PAYOUTS, "acct_"),
    "an instant payout is lost": (
        lost("payouts", "method = 'instant' and status = 'paid'"),
        Proof.PAYOUTS,
        "acct_",
    ),
    **{
        f"a payout's column says another {column}": (
            changed("payouts", f"{column} = {value}", f"status = '{status}'"),
            Proof.PAYOUTS,
            "po_",
        )
        for column, value, status in (
            ("status", "'paid'", "failed"),
            ("currency", "'NZD'", "paid"),
            ("amount_minor", "amount_minor + 1", "paid"),
            ("in_transit_minor", "0", "unknown"),
        )
    },
    **{
        f"a payout's document, {status}, forgets its {member}": (
            changed(
                "events",
                f"document = replace(document::text, '\"{member}\":', '\"forgotten\":')::json",
                f"id in (select event_id from payouts where status = '{status}')"
                f" and document -> '{member}' is not null",
            ),
            Proof.PAYOUTS,
            "po_",
        )
        for status, member in (
            ("paid", "fee"),
            ("paid", "advanced_minor"),
            ("paid", "quota_day"),
            ("paid", "paid_at"),
            ("paid", "reverses"),
            ("failed", "paid_at"),
            ("canceled", "fee"),
        )
    },
    "a payout's document says another status": (
        changed(
            "events",
            'document = replace(document::text, \'"status":"failed\', \'"status":"paid\')::json',
            "id in (select event_id from payouts where status = 'failed')",
        ),
        Proof.PAYOUTS,
        "po_",
    ),
    "a settlement's document says another repayment": (
        changed(
            "events",
            "document = replace(document::text, '\"advance_repaid_minor\":', '\"advance_repaid_minor\":1')::json",
            "id in (select event_id from settlements) and document -> 'advance_repaid_minor' is not null",
        ),
        Proof.PAYOUTS,
        "stl_",
    ),
    "a remittance is lost": (lost("remittances"), Proof.REMITTED, "po_"),
    "a remittance is of another payout": (
        changed("remittances", "payout_id = 'po_0'"),
        Proof.REMITTED,
        "po_0",
    ),
    "a payout takes more than it pays for": (
        changed("transfers", "amount_minor = amount_minor + 1", "kind = 'payout'"),
        Proof.REMITTED,
        "po_",
    ),
    "a line that was paid for was less": (
        changed(
            "transfers",
            "amount_minor = 1",
            "kind = 'capture' and substr(id, 4, 26) = (select substr(document -> 'lines' -> 0 ->> 'movement', 5)"
            " from events where id = (select max(event_id) from remittances where not livemode))",
        ),
        Proof.REMITTED,
        "txn_",
    ),
    "a page is written over": (
        changed(
            "events",
            "document = (select o.document from events o where o.id ="
            " (select max(event_id) from remittances where not livemode))",
            "id = (select min(event_id) from remittances where not livemode)",
        ),
        Proof.REMITTED,
        "txn_",
    ),
    "the rest of a line is another": (
        changed(
            "events",
            "document = replace(document::text, '\"left_minor\":', '\"left_minor\":1')::json",
            "id in (select event_id from balance_settings)",
        ),
        Proof.REMITTED,
        "txn_",
    ),
    "a line is forgotten": (
        changed(
            "events",
            'document = replace(document::text, \'"closed":"txn_0\', \'"closed":"txn_9\')::json',
            "id in (select event_id from balance_settings)",
        ),
        Proof.REMITTED,
        "txn_",
    ),
    "an event is lost": (lost("events", "aggregate_id like 'pm\\_%'"), Proof.EVENTS, "pm_"),
    "an event is of nothing": (
        changed("events", "aggregate_id = 'pm_0'", "version > 1"),
        Proof.EVENTS,
        "pm_0",
    ),
    "a row names no event": (changed("payments", "event_id = 'evt_nothing'"), Proof.EVENTS, "pi_"),
    "a row names an older event": (
        changed(
            "payments p",
            "event_id = (select e.id from events e where e.aggregate_id = p.id and e.version = 1)",
            "version > 1",
        ),
        Proof.EVENTS,
        "pi_",
    ),
    "a row names another's event": (
        changed("payment_methods", "event_id = (select min(event_id) from merchants where not livemode)"),
        Proof.EVENTS,
        "pm_",
    ),
    "an event has another version": (changed("events", "version = 99"), Proof.EVENTS, ""),
    **{
        f"a row of {table} is ahead": (changed(table, "version = version + 1"), Proof.EVENTS, prefix)
        for table, prefix in {
            "merchants": "acct_",
            "api_keys": "key_",
            "payment_methods": "pm_",
            "payments": "pi_",
            "refunds": "re_",
            "settlements": "stl_",
            "disputes": "dp_",
            "write_offs": "wo_",
            "balance_settings": "bset_",
            "payouts": "po_",
            "remittances": "rem_",
        }.items()
    },
}


async def trade_in_every_way(store: PostgresStore, clock: ManualClock, *, livemode: bool) -> None:
    """Rows of every kind and in every state."""
    season = await Season.begin(store, RandomIdSource(), clock, livemode=livemode)
    await trade(season, Random(4), clock.advance, steps=6)
    await season.pay(9_000, manual=True)
    refund = await season.refund((await season.pay(8_000)).id, 3_000)
    await season.refund(refund.payment, 1_000, NO)
    await season.refund_comes_back((await season.refund(refund.payment, 2_000)).id)
    await season.present_card()
    await season.cut_key(b"digest" + bytes([livemode]))
    await season.settle()
    await pay_out_every_way(season)
    await quarrel(season)
    await season.pay(9_000)
    await season.settle()
    await pay_out(season, 5_000)
    clock.advance(2 * LATENESS_MAX)
    await pay_out(season, 1)
    await season.pay(1_000)


@pytest.fixture(scope="module")
def traded(postgres_server: Server) -> Iterator[str]:
    """The name of a database in which everything has happened once."""
    name = postgres_server.new_database()

    async def fill() -> None:
        clock = ManualClock()
        async with open_database(spelt(postgres_server.url_of(name), "postgresql"), clock) as opened:
            for livemode in (False, True):
                await trade_in_every_way(opened.store, clock, livemode=livemode)

    done(fill)
    yield name
    postgres_server.drop(name)


@pytest.fixture
def postgres_url(postgres_server: Server, traded: str) -> Iterator[URL]:
    """A copy of it, for one test to spoil."""
    name = postgres_server.new_database(like=traded)
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Database]:
    async with open_database(postgres_dsn, ManualClock()) as opened:
        yield opened


@pytest.mark.parametrize("wrong", WRONG)
async def test_it_is_found(database: Database, postgres_dsn: str, wrong: str) -> None:
    statement, proof, subject = WRONG[wrong]
    planted = await plant(postgres_dsn, statement)
    assert planted.endswith(" 1"), f"there was no such row: {planted}"
    found = await database.proofs.check(proof, livemode=False)
    assert any(discrepancy.subject.startswith(subject) for discrepancy in found), found
    assert list(await database.proofs.check(proof, livemode=True)) == []


async def test_what_others_wrote_is_no_obstacle(database: Database, postgres_dsn: str) -> None:
    """Postgres keeps JSON with a NUL in it, but cannot take it apart in every way."""
    connection = await asyncpg.connect(postgres_dsn)
    said = """update events set document = replace(document::text, '"id":', '"said":"\\u0000 \\\\u0000","id":')::json
        where id in (select event_id from {})"""
    for table in ("payments", "refunds", "payouts", "settlements"):
        await connection.execute(said.format(table))
    await connection.close()
    for proof in Proof:
        assert list(await database.proofs.check(proof, livemode=False)) == []


async def test_a_proof_takes_bounded_time(database: Database, postgres_dsn: str, sqlalchemy_url: str) -> None:
    engine = create_async_engine(sqlalchemy_url)
    connection = await asyncpg.connect(postgres_dsn)
    async with connection.transaction():
        await connection.execute("lock table movements")
        with pytest.raises(StoreUnavailable):
            await PostgresProofs(engine, timeout_s=0.2).check(Proof.REBUILT, livemode=False)
    await connection.close()
    await engine.dispose()


async def test_a_proof_writes_nothing_and_sees_one_moment(sqlalchemy_url: str) -> None:
    engine = create_async_engine(sqlalchemy_url)
    told: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: told.append(given[2]))
    await PostgresProofs(engine).check(Proof.PAYMENTS, livemode=False)
    await engine.dispose()
    assert len([statement for statement in told if "from" in statement]) == 1
