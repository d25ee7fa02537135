"""The proof that payouts pay for lines to the cent, in SQL."""

from typing import Final

#: Payouts against what their movements took; lines against what was paid for them; what is closed against what is not.
REMITTED: Final = """
with nets as (
    select m.merchant_id, m.id, m.source, m.legs -> 0 ->> 'kind' = 'payout' as taken, net.minor
      from movements m, lateral (
          select coalesce(sum(case when split_part(leg ->> 'credit', '/', 1) = any(buckets.balance) then amount.minor else 0 end
                              - case when split_part(leg ->> 'debit', '/', 1) = any(buckets.balance) then amount.minor else 0 end),
                          0) as minor
            from json_array_elements(m.legs) leg, lateral (select (leg ->> 'amount')::bigint as minor) amount,
                 (select array['unsettled', 'available', 'reserved', 'advance', 'receivable'] as balance) buckets
           where coalesce(leg ->> 'phase', 'post') in ('post', 'post_pending')
      ) net
     where m.livemode = :livemode and m.line
), paid as (
    select r.merchant_id, r.payout_id, line ->> 'movement' as id, (line ->> 'minor')::bigint as minor
      from remittances r join events e on (e.merchant_id, e.livemode, e.id) = (r.merchant_id, r.livemode, r.event_id),
           json_array_elements(e.document -> 'lines') line
     where r.livemode = :livemode
), paid_of as (
    select merchant_id, id, sum(minor) as minor from paid group by merchant_id, id
), lines as (
    select merchant_id, id, n.minor as net, p.minor as paid
      from (select merchant_id, id, minor from nets where not taken) n full join paid_of p using (merchant_id, id)
), taken as (
    select merchant_id, source as id, -sum(minor) as minor from nets where taken group by merchant_id, source
), remitted as (
    select merchant_id, payout_id as id, sum(minor) as minor from paid group by merchant_id, payout_id
), reached as (
    select s.merchant_id, (r ->> 'closed') collate "C" as closed, (r ->> 'split') collate "C" as split,
           coalesce((r ->> 'left_minor')::bigint, 0) as left_minor
      from balance_settings s
      join events e on (e.merchant_id, e.livemode, e.id) = (s.merchant_id, s.livemode, s.event_id),
           lateral (select e.document -> 'remitted' as r) remitted
     where s.livemode = :livemode
)
select id as subject, coalesce(t.minor, 0)::text as expected, coalesce(r.minor, 0)::text as found
  from taken t full join remitted r using (merchant_id, id) where coalesce(t.minor, 0) <> coalesce(r.minor, 0)
union all
select id || ' paid', case when net is null then 'a line' when net < 0 then net::text else '<= ' || net end, paid::text
  from lines
 where paid is not null
       and (net is null or net >= 0 and not paid between 0 and net or net < 0 and paid <> net)
union all
select id || ' closed', net::text, coalesce(paid, 0)::text
  from lines join reached using (merchant_id)
 where id <= closed and id is distinct from split and coalesce(paid, 0) <> net
union all
select split || ' left', (coalesce(net, 0) - coalesce(paid, 0))::text, left_minor::text
  from reached r left join lines l on (l.merchant_id, l.id) = (r.merchant_id, r.split)
 where split is not null and coalesce(net, 0) - coalesce(paid, 0) <> left_minor
"""
