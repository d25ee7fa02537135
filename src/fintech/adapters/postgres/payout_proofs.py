"""The proof of payouts in SQL."""

from string import Template
from typing import Final

#: ``cash`` is what the bank has less of than is owed by what was booked for a payout: own funds, earnings and
#: repayments of advances have to come to that, whatever their amounts.
_PAYOUTS: Final = Template("""
with $accounts, read as (
    select p.merchant_id, p.id, p.currency, p.status, p.amount_minor, p.in_transit_minor,
           legible ->> 'currency' as money, legible ->> 'status' as stands,
           (legible ->> 'amount_minor')::bigint as amount,
           coalesce((legible -> 'fee' ->> 'fee_minor')::bigint, 0) as fee,
           coalesce((legible -> 'fee' ->> 'tax_minor')::bigint, 0) as tax,
           coalesce((legible ->> 'advanced_minor')::bigint, 0) as advanced, legible ->> 'quota_day' as day,
           legible -> 'paid_at' is not null as paid, legible -> 'reverses' is not null as reversal
      from payouts p join events e on (e.merchant_id, e.livemode, e.id) = (p.merchant_id, p.livemode, p.event_id),
           lateral (select $legible as legible) as plain
     where p.livemode = :livemode
), said as (
    select *, stands in ('pending', 'sent', 'unknown', 'in_transit') and not reversal as open,
           stands in ('failed', 'canceled') and not reversal as back,
           stands in ('failed', 'canceled') and not reversal and not paid as undone from read
), settled as (
    select s.merchant_id, s.id, legible ->> 'currency' as currency,
           coalesce((legible ->> 'advance_repaid_minor')::bigint, 0) as repaid
      from settlements s join events e on (e.merchant_id, e.livemode, e.id) = (s.merchant_id, s.livemode, s.event_id),
           lateral (select $legible as legible) as plain
     where s.livemode = :livemode
), claimed as (
    select merchant_id, id, pair.* from said, lateral (values
        ('payout', case when reversal then 0 else amount end),
        ('instant_payout_fee', fee),
        ('fee_tax', tax),
        ('payout_paid', case when paid and not reversal then amount else 0 end),
        ('payout_reversal', case when paid and reversal then amount else 0 end),
        ('payout_failure', case when back and stands = 'failed' then amount else 0 end),
        ('payout_cancel', case when back and stands = 'canceled' then amount else 0 end),
        ('fee_return', case when undone then fee else 0 end),
        ('fee_tax_return', case when undone then tax else 0 end),
        ('quota', case when day is null then 0 when undone then 2 * (amount + 1) else amount + 1 end),
        ('advanced', advanced)) as pair(name, amount)
    union all
    select merchant_id, id, pair.* from settled, lateral (values
        ('repaid', repaid), ('advance_repayment', 2 * repaid)) as pair(name, amount)
), legs as not materialized (
    select merchant_id, source as id, kind, amount_minor as minor,
           split_part(debit_code, '/', 1) as went, split_part(credit_code, '/', 1) as came
      from transfers where livemode = :livemode and phase in ('post', 'post_pending')
), moved as (
    select merchant_id, id, pair.* from legs join said using (merchant_id, id), lateral (values
        (case when kind not in ('own_funds', 'earnings', 'advance_repayment') then kind end, minor),
        (case when went = 'advance' then 'advanced' end, minor),
        (case when came = 'advance' then 'given back' end, minor),
        ('cash', minor * ((came in ('available', 'in_transit', 'client_cash'))::int
                          - (went in ('available', 'in_transit', 'client_cash'))::int))) as pair(name, minor)
    union all
    select merchant_id, id, pair.* from legs join settled using (merchant_id, id), lateral (values
        (case when kind = 'advance_repayment' then kind end, minor),
        (case when came = 'advance' then 'repaid' end, minor)) as pair(name, minor)
), booked as (
    select merchant_id, id, name, sum(minor) as amount from moved where name is not null group by 1, 2, 3
), given as (
    select said.merchant_id, said.id, said.currency, case when back then advanced else 0 end as most, b.amount as repaid
      from said join booked b using (merchant_id, id) where b.name = 'given back'
), due as (
    select merchant_id as owner, currency, name, sum(minor) as minor from (
        select merchant_id, currency, pair.* from said, lateral (values
            ('in_transit', in_transit_minor), ('advance', advanced)) as pair(name, minor)
        union all
        select merchant_id, currency, pair.* from said, lateral (values
            ('quota/payout/' || day || '/amount', amount), ('quota/payout/' || day || '/count', 1)) as pair(name, minor)
         where day is not null and not undone
        union all
        select merchant_id, currency, 'advance', -repaid from given
        union all
        select merchant_id, currency, 'advance', -repaid from settled) as parts group by 1, 2, 3
), standing as (
    select owner, currency, case bucket when 'quota' then code else bucket end as name,
           sum((debits_posted - credits_posted) * case bucket when 'in_transit' then -1 else 1 end) as minor
      from stored where bucket in ('in_transit', 'advance', 'quota') group by 1, 2, 3
)
select concat_ws(' ', id, name) as subject, coalesce(c.amount, 0)::text as expected, coalesce(b.amount, 0)::text as found
  from claimed c full join booked b using (merchant_id, id, name)
 where coalesce(c.amount, 0) <> coalesce(b.amount, 0) and name <> 'given back'
union all
select id || ' repaid', '<= ' || most, repaid::text from given where repaid > most
union all
select concat_ws(' ', owner, currency, name), coalesce(d.minor, 0)::text, coalesce(s.minor, 0)::text
  from due d full join standing s using (owner, currency, name) where coalesce(d.minor, 0) <> coalesce(s.minor, 0)
union all
select id || ' row', concat_ws(' ', stands, money, amount, case when open then amount else 0 end),
       concat_ws(' ', status, currency, amount_minor, in_transit_minor)
  from said
 where (stands, money, amount, case when open then amount else 0 end)
       is distinct from (status, currency, amount_minor, in_transit_minor)
""")


def payouts_statement(accounts: str, legible: str) -> str:
    """What their documents say was booked, and settlements' of advances, against the transfers and the accounts.

    ``accounts`` makes ``stored``, every account's balances; ``legible`` is a document that can be taken apart.
    """
    return _PAYOUTS.substitute(accounts=accounts, legible=legible)
