"""Lines as payouts look at them: what each did to the balance, summed where its legs are stored."""

from typing import Final

from sqlalchemy import text

from fintech.domain.chart import BALANCE_BUCKETS

#: The rows are cut to size first: only then are their legs taken apart.
PAYABLE_LINES: Final = text("""
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
