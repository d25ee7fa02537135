"""The SQL of the outbox, which leaves a planner that has no statistics yet nothing to guess.

The order of the four columns of `deliveries_due` is spelt out wherever it is walked, so that the primary key, which has
every delivery of the past, is not taken for it. What belongs to a row is looked up by ``lateral … offset 0``, which is
not turned into a join: a join looked through all events of a merchant for the one that an endpoint points to.
"""

from typing import Final

#: The endpoints after a place that have anything to deliver, and when the first of it is due: a look into the index for
#: each endpoint, however many rows it has.
ROUND: Final = """
with recursive queues as (
    (select d.merchant_id, d.livemode, d.endpoint_id, d.due_at from deliveries d
      where d.due_at is not null and (d.merchant_id, d.livemode, d.endpoint_id) > ($1, $2, $3)
      order by d.merchant_id, d.livemode, d.endpoint_id, d.due_at limit 1)
    union all
    select n.* from queues q cross join lateral (
        select d.merchant_id, d.livemode, d.endpoint_id, d.due_at from deliveries d
         where d.due_at is not null
           and (d.merchant_id, d.livemode, d.endpoint_id) > (q.merchant_id, q.livemode, q.endpoint_id)
         order by d.merchant_id, d.livemode, d.endpoint_id, d.due_at limit 1) n
)
select merchant_id, livemode, endpoint_id, due_at from queues limit $4
"""

#: How many endpoints an event of a row ``l`` has not reached yet.
_PENDING: Final = """(
    select count(*) from webhook_endpoints o join deliveries p on p.merchant_id = o.merchant_id
       and p.livemode = o.livemode and p.endpoint_id = o.id and p.event_id = l.event_id
     where o.merchant_id = l.merchant_id and o.livemode = l.livemode and o.status <> 'removed' and p.status = 'pending')"""

#: Of each endpoint as many as it has room for, leased, with all that sending them needs.
CLAIM: Final = f"""
with wanted as (
    select * from unnest($1::text[], $2::bool[], $3::text[], $4::int[]) as w(merchant_id, livemode, endpoint_id, room)
), taken as materialized (
    select d.* from wanted w cross join lateral (
        select t.merchant_id, t.livemode, t.endpoint_id, t.event_id from deliveries t
         where t.merchant_id = w.merchant_id and t.livemode = w.livemode and t.endpoint_id = w.endpoint_id
           and t.due_at <= $5 and (t.leased_until is null or t.leased_until <= $5)
         order by t.due_at limit w.room for update skip locked) d
     limit $7
), leased as (
    update deliveries t set leased_until = $6 from taken d
     where t.merchant_id = d.merchant_id and t.livemode = d.livemode and t.endpoint_id = d.endpoint_id
       and t.event_id = d.event_id
    returning t.*
)
select l.merchant_id, l.livemode, l.endpoint_id, l.event_id, l.status, l.tries, l.step, l.due_at, l.log::text as log,
       e.type, e.at, e.actor::text as actor, e.aggregate_id, e.document::text as document,
       s.document::text as endpoint,
       (select f.since from failing_endpoints f
         where f.merchant_id = l.merchant_id and f.livemode = l.livemode and f.endpoint_id = l.endpoint_id)
       as failing_since,
       {_PENDING} as pending
  from leased l
 cross join lateral (
    select * from events t where t.merchant_id = l.merchant_id and t.livemode = l.livemode and t.id = l.event_id
    offset 0) e
 cross join lateral (
    select t.event_id from webhook_endpoints t
     where t.merchant_id = l.merchant_id and t.livemode = l.livemode and t.id = l.endpoint_id offset 0) w
 cross join lateral (
    select t.document from events t
     where t.merchant_id = l.merchant_id and t.livemode = l.livemode and t.id = w.event_id offset 0) s
"""

#: What became of claimed ones, whose lease is still the one that they were claimed with; and which endpoints work
#: ($12 to $14) or have begun to fail (those with a moment in $11).
RECORD: Final = """
with tried as materialized (
    select * from unnest($1::text[], $2::bool[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::int[],
                         $8::int[], $9::timestamptz[], $10::text[], $11::timestamptz[])
      as r(merchant_id, livemode, endpoint_id, event_id, leased_until, status, made, step, due_at, log, failed_at)
), kept as (
    update deliveries t
       set status = r.status, tries = t.tries + r.made, step = r.step, due_at = r.due_at, leased_until = null,
           log = r.log::json
      from tried r
     where t.merchant_id = r.merchant_id and t.livemode = r.livemode and t.endpoint_id = r.endpoint_id
       and t.event_id = r.event_id and t.status = 'pending'
       and (t.leased_until = r.leased_until or r.status = 'delivered')
), working as (
    delete from failing_endpoints f
     using unnest($12::text[], $13::bool[], $14::text[]) as w(merchant_id, livemode, endpoint_id)
     where f.merchant_id = w.merchant_id and f.livemode = w.livemode and f.endpoint_id = w.endpoint_id
), failing as (
    insert into failing_endpoints (merchant_id, livemode, endpoint_id, since)
    select merchant_id, livemode, endpoint_id, min(failed_at) from tried where failed_at is not null
     group by merchant_id, livemode, endpoint_id order by merchant_id, livemode, endpoint_id
    on conflict do nothing
)
select
"""

#: Whoever holds a lease writes a moment of his own when he ends it: those are left to him. Materialized, for a join may ask a
#: subquery again and again, and each time it skips what is locked by then.
WAKE: Final = """
with later as materialized (
    select endpoint_id, event_id from deliveries
     where merchant_id = $1 and livemode = $2 and due_at > $3 and leased_until is null
     order by endpoint_id, event_id limit $4 for update skip locked
)
update deliveries t set due_at = $3 from later
 where t.merchant_id = $1 and t.livemode = $2 and t.endpoint_id = later.endpoint_id and t.event_id = later.event_id
returning t.event_id
"""

#: What `Delivery.again` says, of one that is there or not.
SEND_AGAIN: Final = """
with there as (
    select e.type from events e join webhook_endpoints w on w.merchant_id = e.merchant_id and w.livemode = e.livemode
     where e.merchant_id = $1 and e.livemode = $2 and e.id = $4 and w.id = $3 and w.status <> 'removed'
), again as (
    insert into deliveries as d (merchant_id, livemode, endpoint_id, event_id, status, tries, step, due_at)
    select $1, $2, $3, $4, 'pending', 0, 0, $5 from there
    on conflict (merchant_id, livemode, endpoint_id, event_id)
    do update set status = 'pending', step = 0, due_at = $5
    returning d.*
)
select again.endpoint_id, again.event_id, again.status, again.tries, again.step, again.due_at, again.log::text as log,
       there.type
  from again, there
"""

PENDING: Final = f"""
select l.event_id, {_PENDING}
  from unnest($3::text[]) as u(id) cross join lateral (select $1 as merchant_id, $2::bool as livemode, u.id as event_id) l
"""
