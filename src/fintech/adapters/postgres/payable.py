"""Lines as payouts look at them: what each did to the balance, without its legs where it tells its net."""

from typing import Final

from sqlalchemy import text

from fintech.domain.chart import BALANCE_BUCKETS

#: Leg by leg only where a line was written by a release that did not say its net.
PAYABLE_LINES: Final = text("""
select id, at, coalesce(net_minor, (
           select coalesce(sum((leg ->> 'amount')::bigint
                               * ((split_part(leg ->> 'credit', '/', 1) = any(:buckets))::int
                                  - (split_part(leg ->> 'debit', '/', 1) = any(:buckets))::int)), 0)
             from json_array_elements(legs) leg where coalesce(leg ->> 'phase', 'post') in ('post', 'post_pending')
       )) as net
  from movements
 where merchant_id = :merchant and livemode = :livemode and id > :after and line
       and legs -> 0 ->> 'kind' <> 'payout'
 order by id limit :limit
""").bindparams(buckets=sorted(BALANCE_BUCKETS))
