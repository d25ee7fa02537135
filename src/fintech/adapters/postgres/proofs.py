"""The proofs of the books in SQL: reckoned from the rows alone, without the code that wrote them.

Each proof is one statement, so it sees one moment. It aggregates in the database and brings back discrepancies only,
as (subject, expected, found).
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres.reading import reading
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.ports.proofs import Discrepancy, Proof, Proofs

TIMEOUT_S: Final = 600.0
_WORK_MEM: Final = "64MB"

#: Every account's balances: its row, and what has been added since and not folded into it yet.
_ACCOUNTS: Final = """
parts as (
    select merchant_id as owner, code, currency, debits_pending, debits_posted, credits_pending, credits_posted
      from accounts where livemode = :livemode
    union all
    select d.merchant_id, move ->> 0, move ->> 1,
           (move ->> 2)::bigint, (move ->> 3)::bigint, (move ->> 4)::bigint, (move ->> 5)::bigint
      from book_deltas d, json_array_elements(d.moves) move where d.livemode = :livemode
), stored as (
    select owner, code, currency, split_part(code, '/', 1) as bucket,
           sum(debits_pending) as debits_pending, sum(debits_posted) as debits_posted,
           sum(credits_pending) as credits_pending, sum(credits_posted) as credits_posted
      from parts group by owner, code, currency
)"""

_BALANCED: Final = f"""
with {_ACCOUNTS}, totals as (
    select 'pending ' || currency as subject, sum(debits_pending) as debits, sum(credits_pending) as credits
      from stored group by currency
    union all
    select 'posted ' || currency, sum(debits_posted), sum(credits_posted) from stored group by currency
)
select subject, debits, credits from totals where debits <> credits
"""

#: A transfer's legs are summed by pairs of accounts first: there are few pairs, however many transfers.
_REBUILT: Final = f"""
with {_ACCOUNTS}, pairs as (
    select coalesce(debit_owner, merchant_id) as debit_owner, debit_code,
           coalesce(credit_owner, merchant_id) as credit_owner, credit_code, currency,
           sum(case phase when 'pending' then amount_minor when 'post' then 0 else -amount_minor end) as pending,
           sum(case when phase in ('post', 'post_pending') then amount_minor else 0 end) as posted
      from transfers where livemode = :livemode group by 1, 2, 3, 4, 5
), sides as (
    select debit_owner as owner, debit_code as code, currency, pending as debits_pending, posted as debits_posted,
           0 as credits_pending, 0 as credits_posted from pairs
    union all
    select credit_owner, credit_code, currency, 0, 0, pending, posted from pairs
), rebuilt as (
    select owner, code, currency,
           sum(debits_pending) as debits_pending, sum(debits_posted) as debits_posted,
           sum(credits_pending) as credits_pending, sum(credits_posted) as credits_posted
      from sides group by owner, code, currency
), spelt as (
    select concat_ws(' ', owner, code, currency) as subject,
           format('debits %s + %s pending, credits %s + %s pending', coalesce(r.debits_posted, 0),
                  coalesce(r.debits_pending, 0), coalesce(r.credits_posted, 0), coalesce(r.credits_pending, 0)) as expected,
           format('debits %s + %s pending, credits %s + %s pending', coalesce(s.debits_posted, 0),
                  coalesce(s.debits_pending, 0), coalesce(s.credits_posted, 0), coalesce(s.credits_pending, 0)) as found
      from rebuilt r full join stored s using (owner, code, currency)
)
select subject, expected, found from spelt where expected <> found
"""

_HOLDS: Final = f"""
with {_ACCOUNTS}, open as (
    select merchant_id as owner, currency, sum(held_minor) as held from payments where livemode = :livemode group by 1, 2
), held as (
    select owner, currency, sum(debits_pending) as held from stored where bucket = 'holds' group by owner, currency
)
select concat_ws(' ', owner, currency) as subject, coalesce(o.held, 0), coalesce(h.held, 0)
  from open o full join held h using (owner, currency)
 where coalesce(o.held, 0) <> coalesce(h.held, 0)
"""

#: What documents say was booked, by source and kind, against the transfers. Members of a document are read with `->`
#: wherever others' text is beside them: `->>` chokes on the one character that Postgres cannot spell.
_PAYMENTS: Final = """
with taken as (
    select p.merchant_id, p.id, sum((c.value ->> 'amount_minor')::bigint) as captured,
           sum((c.value ->> 'fee_minor')::bigint) as fee, sum((c.value ->> 'tax_minor')::bigint) as tax
      from payments p, json_array_elements(p.document -> 'attempts') a(value),
           json_array_elements(a.value -> 'captures') c(value)
     where p.livemode = :livemode group by p.merchant_id, p.id
), held as (
    select p.merchant_id, p.id, sum((h.value ->> 'amount_minor')::bigint) as held
      from payments p, json_array_elements(p.document -> 'attempts') a(value),
           json_array_elements(a.value -> 'holds') h(value)
     where p.livemode = :livemode group by p.merchant_id, p.id
), returned as (
    select merchant_id, payment_id as id, sum(amount_minor) as refunded
      from refunds where livemode = :livemode and status <> 'failed' group by 1, 2
), given as (
    select merchant_id, id, amount_minor, status in ('sent', 'unknown') as open,
           document -> 'failure_movement' is not null as failed_late, status = 'succeeded' as succeeded,
           (document -> 'amount_minor')::text::bigint as document_minor
      from refunds where livemode = :livemode
), claimed as (
    select merchant_id, id as source, 'capture' as kind, captured as amount from taken
    union all select merchant_id, id, 'acquiring_fee', fee from taken
    union all select merchant_id, id, 'fee_tax', tax from taken
    union all select merchant_id, id, 'refund', case when succeeded or failed_late then document_minor else 0 end from given
    union all select merchant_id, id, 'refund_failure', case when failed_late then document_minor else 0 end from given
    union all select merchant_id, id, 'refund pending', case when open then document_minor else 0 end from given
), moved as (
    select merchant_id, source, kind,
           sum(case when phase in ('post', 'post_pending') then amount_minor else 0 end) as posted,
           sum(case phase when 'pending' then amount_minor when 'post' then 0 else -amount_minor end) as pending
      from transfers where livemode = :livemode group by 1, 2, 3
), booked as (
    select merchant_id, source, kind, posted as amount from moved
    union all
    select merchant_id, source, 'refund pending', pending from moved where kind = 'refund'
), sources as (
    select merchant_id, id as source from payments where livemode = :livemode
    union all select merchant_id, id from refunds where livemode = :livemode
    union all select merchant_id, id from settlements where livemode = :livemode
)
select source || ' ' || kind as subject, coalesce(c.amount, 0)::text as expected, coalesce(b.amount, 0)::text as found
  from claimed c full join booked b using (merchant_id, source, kind)
 where coalesce(c.amount, 0) <> coalesce(b.amount, 0)
   and kind in ('capture', 'acquiring_fee', 'fee_tax', 'refund', 'refund_failure', 'refund pending')
union all
select source || ' ' || kind, 'a payment, refund or settlement', 'none'
  from moved m where not exists (select from sources s where s.merchant_id = m.merchant_id and s.source = m.source)
union all
select id || ' ' || name, expected::text, found::text
  from payments p left join taken t using (merchant_id, id) left join held h using (merchant_id, id)
       left join returned r using (merchant_id, id),
       lateral (values
           ('captured_minor', coalesce(t.captured, 0), p.captured_minor),
           ('held_minor', coalesce(h.held, 0), p.held_minor),
           ('refunded_minor', coalesce((p.document -> 'refunded_minor')::text::bigint, 0), p.refunded_minor),
           ('refunds', coalesce((p.document -> 'refunded_minor')::text::bigint, 0), coalesce(r.refunded, 0))
       ) as pair(name, expected, found)
 where p.livemode = :livemode and expected <> found
union all
select id || ' amount_minor', document_minor::text, amount_minor::text from given where document_minor <> amount_minor
"""

_SAFEGUARDED: Final = f"""
with {_ACCOUNTS}, sums as (
    select currency,
           sum(credits_posted - debits_posted) filter (where bucket in ('available', 'reserved', 'in_transit')) as owed,
           sum(debits_posted - credits_posted) filter (where bucket = 'client_cash') as cash
      from stored group by currency
)
select 'client cash ' || currency as subject, '>= ' || owed, coalesce(cash, 0) from sums where coalesce(cash, 0) < owed
"""

_EVENTS: Final = f"""
with aggregates as (
    {
    " union all ".join(
        f"select merchant_id, id, version from {mapping.table.name} where livemode = :livemode"
        for mapping in MAPPINGS.values()
    )
}
), logged as (
    select merchant_id, aggregate_id as id, max(version) as version
      from events where livemode = :livemode group by 1, 2
)
select id as subject, coalesce(a.version, 0), coalesce(l.version, 0)
  from aggregates a full join logged l using (merchant_id, id)
 where coalesce(a.version, 0) <> coalesce(l.version, 0)
"""

_STATEMENTS: Final = {
    Proof.BALANCED: _BALANCED,
    Proof.REBUILT: _REBUILT,
    Proof.HOLDS: _HOLDS,
    Proof.PAYMENTS: _PAYMENTS,
    Proof.SAFEGUARDED: _SAFEGUARDED,
    Proof.EVENTS: _EVENTS,
}


class PostgresProofs(Proofs):
    """Checks the books of a database, which goes on being written meanwhile."""

    def __init__(self, engine: AsyncEngine, *, timeout_s: float = TIMEOUT_S) -> None:
        self._engine = engine
        self._timeout_s = timeout_s

    async def check(self, proof: Proof, livemode: bool, limit: int = 20) -> Sequence[Discrepancy]:
        found = f"({_STATEMENTS[proof]}) as found (subject, expected, found)"
        statement = text(f'select * from {found} order by subject collate "C" limit :limit')
        async with reading(self._engine, self._timeout_s) as connection:
            snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            connection = await connection.execution_options(**snapshot)  # noqa: PLW2901
            await connection.execute(text("select set_config('work_mem', :size, true)"), {"size": _WORK_MEM})
            rows = await connection.execute(statement, {"livemode": livemode, "limit": limit})
            return [Discrepancy(proof, row[0], str(row[1]), str(row[2])) for row in rows]
