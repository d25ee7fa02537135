"""What lines did to a merchant's balance, summed where they are stored."""

from typing import Final

from sqlalchemy import text

from fintech.domain.chart import BALANCE_BUCKETS

#: Summed by pairs of accounts first: there are few pairs, however many transfers.
BALANCE_BEFORE: Final = text("""
with pairs as (
    select debit_code, credit_code, sum(amount_minor) as amount from transfers
     where merchant_id = :merchant and livemode = :livemode and at < :moment and phase in ('post', 'post_pending')
     group by debit_code, credit_code
)
select coalesce(sum(amount) filter (where split_part(credit_code, '/', 1) = any(:buckets)), 0)
       - coalesce(sum(amount) filter (where split_part(debit_code, '/', 1) = any(:buckets)), 0) as balance
  from pairs
""").bindparams(buckets=sorted(BALANCE_BUCKETS))


#: The rows are cut to size first: only then are their legs taken apart.
LINES_SINCE: Final = text("""
select m.id, m.at, net.minor as net
  from (select id, at, legs from movements
         where merchant_id = :merchant and livemode = :livemode and id > :after
           and line and legs -> 0 ->> 'kind' <> 'payout' order by id limit :limit) m,
       lateral (
           select coalesce(sum((leg ->> 'amount')::bigint
                               * ((split_part(leg ->> 'credit', '/', 1) = any(:buckets))::int
                                  - (split_part(leg ->> 'debit', '/', 1) = any(:buckets))::int)), 0) as minor
             from json_array_elements(m.legs) leg where coalesce(leg ->> 'phase', 'post') in ('post', 'post_pending')
       ) net
 order by m.id
""").bindparams(buckets=sorted(BALANCE_BUCKETS))
