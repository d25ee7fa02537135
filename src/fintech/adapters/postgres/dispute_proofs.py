"""The proof of disputes and write-offs in SQL."""

from string import Template
from typing import Final

_DISPUTES: Final = Template("""
with $accounts, said as (
    select d.merchant_id, d.id, d.payment_id, d.currency, d.amount_minor, d.status,
           legible ->> 'status' as stands, (legible ->> 'amount_minor')::bigint as amount,
           coalesce((legible ->> 'reserved_minor')::bigint, 0) as reserved,
           legible -> 'withdrawal' is not null as taken, legible -> 'reinstatement' is not null as returned,
           coalesce((legible ->> 'fee_returned')::boolean, false) as fee_returned,
           coalesce((legible -> 'fee' ->> 'fee_minor')::bigint, 0) as fee,
           coalesce((legible -> 'fee' ->> 'tax_minor')::bigint, 0) as tax
      from disputes d join events e on (e.merchant_id, e.livemode, e.id) = (d.merchant_id, d.livemode, d.event_id),
           lateral (select $legible as legible) as plain
     where d.livemode = :livemode
), given_up as (
    select w.merchant_id, w.id, w.amount_minor, w.status, legible ->> 'status' as stands,
           (legible ->> 'amount_minor')::bigint as amount
      from write_offs w join events e on (e.merchant_id, e.livemode, e.id) = (w.merchant_id, w.livemode, w.event_id),
           lateral (select $legible as legible) as plain
     where w.livemode = :livemode
), claimed as (
    select merchant_id, id, pair.* from said, lateral (values
        ('dispute', case when taken then amount else 0 end),
        ('dispute_fee', case when taken then fee else 0 end),
        ('fee_tax', case when taken then tax else 0 end),
        ('dispute_reversal', case when returned then amount else 0 end),
        ('dispute_fee_return', case when fee_returned then fee else 0 end),
        ('fee_tax_return', case when fee_returned then tax else 0 end),
        ('reserved', reserved)) as pair(name, amount)
    union all
    select merchant_id, id, 'write_off', case when stands = 'approved' then amount else 0 end from given_up
), moved as (
    select merchant_id, source as id, pair.*
      from transfers t, lateral (values
          (kind, amount_minor),
          ('reserved', case when credit_code = 'reserved' then amount_minor else 0 end
                       - case when debit_code = 'reserved' then amount_minor else 0 end)) as pair(name, amount)
     where livemode = :livemode and exists (
           select from claimed c where (c.merchant_id, c.id) = (t.merchant_id, t.source))
), booked as (
    select merchant_id, id, name, sum(amount) as amount from moved group by 1, 2, 3
), standing as (
    select merchant_id, payment_id as id, count(*) as disputes,
           sum(case when stands in ('needs_response', 'under_review', 'lost') then amount else 0 end) as disputed
      from said group by 1, 2
), known as (
    select p.merchant_id, p.id, coalesce((legible ->> 'disputed_minor')::bigint, 0) as disputed,
           coalesce(json_array_length(legible -> 'disputes'), 0) as disputes
      from payments p join events e on (e.merchant_id, e.livemode, e.id) = (p.merchant_id, p.livemode, p.event_id),
           lateral (select $legible as legible) as plain
     where p.livemode = :livemode
), reserves as (
    select merchant_id as owner, currency, sum(reserved) as reserved from said group by 1, 2
), kept as (
    select owner, currency, sum(credits_posted - debits_posted) as reserved
      from stored where bucket = 'reserved' group by 1, 2
)
select concat_ws(' ', c.id, c.name) as subject, c.amount::text, coalesce(b.amount, 0)::text
  from claimed c left join booked b using (merchant_id, id, name) where c.amount <> coalesce(b.amount, 0)
union all
select concat_ws(' ', k.id, pair.name), pair.expected::text, pair.found::text
  from known k left join standing s using (merchant_id, id), lateral (values
      ('disputed_minor', k.disputed, coalesce(s.disputed, 0)), ('disputes', k.disputes, coalesce(s.disputes, 0))
  ) as pair(name, expected, found)
 where pair.expected <> pair.found
union all
select concat_ws(' ', owner, currency, 'reserved'), coalesce(r.reserved, 0)::text, coalesce(k.reserved, 0)::text
  from reserves r full join kept k using (owner, currency) where coalesce(r.reserved, 0) <> coalesce(k.reserved, 0)
union all
select concat_ws(' ', id, 'row'), concat_ws(' ', stands, amount), concat_ws(' ', status, amount_minor)
  from (select id, stands, amount, status, amount_minor from said
        union all select id, stands, amount, status, amount_minor from given_up) as rows
 where (stands, amount) is distinct from (status, amount_minor)
""")


def disputes_statement(accounts: str, legible: str) -> str:
    """What their documents say was booked, against the transfers, their payments' documents and ``reserved``.

    ``accounts`` makes ``stored``, every account's balances; ``legible`` is a document that can be taken apart.
    """
    return _DISPUTES.substitute(accounts=accounts, legible=legible)
