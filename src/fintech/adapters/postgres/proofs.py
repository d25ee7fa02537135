"""The proofs of the books in SQL: reckoned from the rows alone, without the code that wrote them.

Each proof is one statement, so it sees one moment. It aggregates in the database and brings back discrepancies only,
as (subject, expected, found).
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres.dispute_proofs import disputes_statement
from fintech.adapters.postgres.payout_proofs import payouts_statement
from fintech.adapters.postgres.reading import reading
from fintech.adapters.postgres.remittance_proof import REMITTED
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.adapters.postgres.statement_proofs import invoices_proof, statements_proof
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

#: Postgres keeps JSON with a NUL in it, but takes it apart only without.
_LEGIBLE: Final = r"""
case when strpos(document::text, '\u0000') > 0
     then replace(replace(document::text, '\\', ''), '\u0000', '')::json else document end
"""

#: What documents say was booked, against the transfers; columns and payments against documents and refunds.
_PAYMENTS: Final = f"""
with said as (
    select p.merchant_id, p.id, p.captured_minor, p.held_minor, p.refunded_minor, taken.*,
           coalesce((legible ->> 'refunded_minor')::bigint, 0) as refunded,
           coalesce((legible -> 'fee_returned' ->> 'fee_minor')::bigint, 0)
               + coalesce((legible -> 'fee_returned' ->> 'tax_minor')::bigint, 0) as returned
      from payments p join events e on (e.merchant_id, e.livemode, e.id) = (p.merchant_id, p.livemode, p.event_id),
           lateral (select {_LEGIBLE} as legible) as plain, lateral (
          select coalesce(sum(capture.amount), 0) as captured, coalesce(sum(capture.fee), 0) as fee,
                 coalesce(sum(capture.tax), 0) as tax, coalesce(sum(hold.amount), 0) as held
            from json_array_elements(legible -> 'attempts') attempt, lateral (
                select sum((value ->> 'amount_minor')::bigint) as amount, sum((value ->> 'fee_minor')::bigint) as fee,
                       sum((value ->> 'tax_minor')::bigint) as tax from json_array_elements(attempt -> 'captures')
            ) as capture, lateral (
                select sum((value ->> 'amount_minor')::bigint) as amount from json_array_elements(attempt -> 'holds')
            ) as hold
      ) as taken
     where p.livemode = :livemode
), given as (
    select r.merchant_id, r.id, payment_id, amount_minor, status in ('sent', 'unknown') as open,
           status = 'succeeded' or legible -> 'failure_movement' is not null as posted,
           legible -> 'failure_movement' is not null as returned,
           (legible ->> 'amount_minor')::bigint as amount,
           coalesce((legible -> 'fee' ->> 'fee_minor')::bigint, 0) as fee,
           coalesce((legible -> 'fee' ->> 'tax_minor')::bigint, 0) as tax
      from refunds r join events e on (e.merchant_id, e.livemode, e.id) = (r.merchant_id, r.livemode, r.event_id),
           lateral (select {_LEGIBLE} as legible) as plain where r.livemode = :livemode
), given_of as (
    select merchant_id, payment_id as id, sum(amount) filter (where open or posted and not returned) as refunded,
           sum(fee + tax) filter (where open or posted) as returned
      from given group by 1, 2
), claimed as (
    select merchant_id, id, captured as capture, fee, tax, 0 as refund, 0 as pending, 0 as failure, 0 as fee_return,
           0 as tax_return from said
    union all
    select merchant_id, id, 0, 0, 0, case when posted then amount else 0 end, case when open then amount else 0 end,
           case when returned then amount else 0 end, case when posted then fee else 0 end,
           case when posted then tax else 0 end from given
    union all
    select merchant_id, id, 0, 0, 0, 0, 0, 0, 0, 0 from settlements where livemode = :livemode
), others as (
    select merchant_id, id from payouts where livemode = :livemode
    union all
    select merchant_id, id from disputes where livemode = :livemode
    union all
    select merchant_id, id from write_offs where livemode = :livemode
), moved as (
    select merchant_id, source as id, kind, case when phase in ('post', 'post_pending') then amount_minor else 0 end as posted,
           case phase when 'pending' then amount_minor when 'post' then 0 else -amount_minor end as pending
      from transfers t where livemode = :livemode and not exists (
          select from others o where (o.merchant_id, o.id) = (t.merchant_id, t.source))
), booked as (
    select merchant_id, id, sum(posted) filter (where kind = 'capture') as capture,
           sum(posted) filter (where kind = 'acquiring_fee') as fee, sum(posted) filter (where kind = 'fee_tax') as tax,
           sum(posted) filter (where kind = 'refund') as refund, sum(pending) filter (where kind = 'refund') as pending,
           sum(posted) filter (where kind = 'refund_failure') as failure,
           sum(posted) filter (where kind = 'fee_return') as fee_return,
           sum(posted) filter (where kind = 'fee_tax_return') as tax_return
      from moved group by merchant_id, id
), compared as (
    select id, c.id is not null as known, pair.*
      from claimed c full join booked b using (merchant_id, id), lateral (values
          ('capture', c.capture, b.capture), ('acquiring_fee', c.fee, b.fee), ('fee_tax', c.tax, b.tax),
          ('refund', c.refund, b.refund), ('refund pending', c.pending, b.pending), ('refund_failure', c.failure, b.failure),
          ('fee_return', c.fee_return, b.fee_return), ('fee_tax_return', c.tax_return, b.tax_return)
      ) as pair(name, expected, found)
     where (c.capture, c.fee, c.tax, c.refund, c.pending, c.failure, c.fee_return, c.tax_return)
           is distinct from (coalesce(b.capture, 0), coalesce(b.fee, 0), coalesce(b.tax, 0), coalesce(b.refund, 0),
           coalesce(b.pending, 0), coalesce(b.failure, 0), coalesce(b.fee_return, 0), coalesce(b.tax_return, 0))
    union all
    select id, true, pair.*
      from said s left join given_of g using (merchant_id, id), lateral (values
          ('captured_minor', s.captured, s.captured_minor), ('held_minor', s.held, s.held_minor),
          ('refunded_minor', s.refunded, s.refunded_minor), ('refunds', s.refunded, g.refunded),
          ('fee_returned', s.returned, g.returned)
      ) as pair(name, expected, found)
     where (s.captured, s.held, s.refunded, s.refunded, s.returned) is distinct from
           (s.captured_minor, s.held_minor, s.refunded_minor, coalesce(g.refunded, 0), coalesce(g.returned, 0))
    union all
    select id, true, 'amount_minor', amount, amount_minor from given
)
select distinct case when known then id || ' ' || name else id end as subject,
       case when known then expected::text else 'what the money moved for' end as expected,
       case when known then coalesce(found, 0)::text else 'none' end as found
  from compared where not known or expected <> coalesce(found, 0)
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

#: The last entry of the log about an aggregate has its version, and is the one that its row names as its document.
_EVENTS: Final = f"""
with aggregates as (
    {
    " union all ".join(
        f"select merchant_id, id, version, event_id from {mapping.table.name} where livemode = :livemode"
        for mapping in MAPPINGS.values()
    )
}
), logged as (
    select merchant_id, aggregate_id as id, max(version) as version
      from events where livemode = :livemode group by 1, 2
), named as (
    select merchant_id, id as event_id, aggregate_id as id, version from events where livemode = :livemode
)
select id as subject, coalesce(a.version, 0), coalesce(l.version, 0)
  from aggregates a full join logged l using (merchant_id, id)
 where coalesce(a.version, 0) <> coalesce(l.version, 0)
union all
select id || ' document', a.version, coalesce(n.version, 0)
  from aggregates a left join named n using (merchant_id, id, event_id) where a.version <> coalesce(n.version, 0)
"""

_STATEMENTS: Final = {
    Proof.BALANCED: _BALANCED,
    Proof.REBUILT: _REBUILT,
    Proof.HOLDS: _HOLDS,
    Proof.PAYMENTS: _PAYMENTS,
    Proof.SAFEGUARDED: _SAFEGUARDED,
    Proof.DISPUTES: disputes_statement(_ACCOUNTS, _LEGIBLE),
    Proof.PAYOUTS: payouts_statement(_ACCOUNTS, _LEGIBLE),
    Proof.REMITTED: REMITTED,
    Proof.STATEMENTS: statements_proof(_ACCOUNTS),
    Proof.INVOICES: invoices_proof(_LEGIBLE),
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
            connection = await connection.execution_options(**snapshot)  # noqa: PLW2901 - the same one
            await connection.execute(text("select set_config('work_mem', :size, true)"), {"size": _WORK_MEM})
            rows = await connection.execute(statement, {"livemode": livemode, "limit": limit})
            return [Discrepancy(proof, row[0], str(row[1]), str(row[2])) for row in rows]
