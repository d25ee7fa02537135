"""What proves statements and tax invoices, in SQL."""

from typing import Final

from fintech.domain.chart import BALANCE_BUCKETS
from fintech.domain.disputes import booking as disputes
from fintech.domain.lines import FEE_KINDS, TAX_KINDS
from fintech.domain.payments import booking as payments
from fintech.domain.tax import RATES, ROUNDING_MAX_MINOR


def _list(names: frozenset[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


_BUCKETS: Final = _list(frozenset(BALANCE_BUCKETS))

#: The legs that have moved, with what each did to the merchant's balance.
_LEGS: Final = f"""
legs as (
    select m.merchant_id, m.id, m.line, m.net_minor, m.currency, m.at, l.leg ->> 'kind' as kind, amount,
           l.leg ->> 'debit' as debit_code, l.leg ->> 'credit' as credit_code,
           amount * ((split_part(l.leg ->> 'credit', '/', 1) in ({_BUCKETS}))::int
                     - (split_part(l.leg ->> 'debit', '/', 1) in ({_BUCKETS}))::int) as change
      from movements m, json_array_elements(m.legs) as l (leg),
           lateral (select (l.leg ->> 'amount')::bigint as amount) as a
     where m.livemode = :livemode and coalesce(l.leg ->> 'phase', 'post') in ('post', 'post_pending')
)"""


def statements_proof(accounts: str) -> str:
    """Lines against balances, and what each line tells of itself. ``accounts`` defines ``stored``."""
    return f"""
with {accounts}, {_LEGS}, balances as (
    select owner, currency, sum(credits_posted - debits_posted) as balance
      from stored where bucket in ({_BUCKETS}) group by owner, currency
), lines as (
    select merchant_id as owner, currency, sum(change) as net from legs where line group by 1, 2
), told as (
    select id, net_minor, sum(change) as net
      from legs where line and net_minor is not null group by merchant_id, id, net_minor
)
select concat_ws(' ', owner, currency) as subject, coalesce(b.balance, 0)::text, coalesce(l.net, 0)::text
  from balances b full join lines l using (owner, currency)
 where coalesce(b.balance, 0) <> coalesce(l.net, 0)
union all
select id || ' net_minor', net::text, net_minor::text from told where net <> net_minor
"""


#: Fees whose tax code is the fee plan's.
_PLANNED: Final = _list(frozenset({payments.FEES_CODE, disputes.FEES_CODE}))
_RATES: Final = ", ".join(
    f"('{rate.code}', date '{rate.first_day.isoformat()}', {rate.rate_bps})" for rate in RATES
)


def invoices_proof(legible: str) -> str:
    """A month's accounts of fees and GST against its lines' legs of these kinds; each fee's tax by the rate of its day.

    ``legible`` makes a ``document`` one that can be taken apart.
    """
    return f"""
with {_LEGS}, dated as (
    select *, (at at time zone 'Australia/Sydney')::date as day from legs
), sides as (
    select merchant_id, day, currency, split_part(credit_code, '/', 1) as bucket, amount from dated
    union all
    select merchant_id, day, currency, split_part(debit_code, '/', 1), -amount from dated
), booked as (
    select merchant_id, to_char(day, 'YYYY-MM') as month, currency, bucket, sum(amount) as amount
      from sides where bucket in ('fees', 'gst_payable') group by 1, 2, 3, 4
), invoiced as (
    select merchant_id, to_char(day, 'YYYY-MM') as month, currency,
           case when kind in ({_list(FEE_KINDS)}) then 'fees' else 'gst_payable' end as bucket, sum(-change) as amount
      from dated where line and kind in ({_list(FEE_KINDS | TAX_KINDS)}) group by 1, 2, 3, 4
), charged as (
    select merchant_id, id, day, -sum(change) filter (where kind in ({_list(FEE_KINDS)})) as fee,
           coalesce(-sum(change) filter (where kind in ({_list(TAX_KINDS)})), 0) as tax,
           min(split_part(credit_code, '/', 2)) filter (where credit_code like 'gst_payable/%') as told,
           bool_or(credit_code in ({_PLANNED})) as planned
      from dated where line group by merchant_id, id, day
), plans as materialized (
    select m.merchant_id, coalesce(({legible}) -> 'fees' ->> 'tax_code', 'gst') as code
      from merchants m join events e on (e.merchant_id, e.livemode, e.id) = (m.merchant_id, m.livemode, m.event_id)
     where m.livemode = :livemode
), rated as (
    select c.id, c.fee, c.tax, r.code, r.rate_bps
      from charged c left join plans p on p.merchant_id = c.merchant_id, lateral (
          select code, rate_bps from (values {_RATES}) as rate (code, first_day, rate_bps)
           where code = coalesce(c.told, case when c.planned then coalesce(p.code, 'gst') end) and first_day <= c.day
           order by first_day desc limit 1
      ) as r
     where c.fee > 0
)
select concat_ws(' ', merchant_id, month, currency, bucket) as subject,
       coalesce(b.amount, 0)::text, coalesce(i.amount, 0)::text
  from booked b full join invoiced i using (merchant_id, month, currency, bucket)
 where coalesce(b.amount, 0) <> coalesce(i.amount, 0)
union all
select id || ' ' || code, rate_bps || ' bps of ' || fee, tax::text
  from rated where abs(10000 * tax - rate_bps * fee) > 10000 * {ROUNDING_MAX_MINOR}
"""
