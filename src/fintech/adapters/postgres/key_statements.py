"""The SQL of the key table. What changes anything that others must hear of begins with `LOCK`."""

from typing import Final

#: Who changes keys tells it here, with the epoch.
CHANNEL: Final = "fintech_keys"

_RING: Final = """
select r.merchant_id, r.livemode, r.id, r.version, r.custody, r.opened_until, r.created_at, r.certified_at,
       r.left_cmks, r.left_grants, v.number, v.status, v.cmk, v.derivation, v.wrapped, v.grant_name, v.created_at as version_created_at,
       v.retired_at
  from {} r left join key_versions v on v.merchant_id = r.merchant_id and v.livemode = r.livemode
 order by r.merchant_id, r.livemode, v.number
"""

RING: Final = _RING.format("(select * from key_rings where merchant_id = $1 and livemode = $2)")

RINGS: Final = _RING.format(
    """(select * from key_rings where (merchant_id, livemode) > ($1, $2) order by merchant_id, livemode limit $3)"""
)

RINGS_OF_CMK: Final = _RING.format(
    """(select k.* from (
        select distinct merchant_id, livemode from key_versions
         where cmk = $4 and status <> 'retired' and (merchant_id, livemode) > ($1, $2)
         order by merchant_id, livemode limit $3) h
      join key_rings k on k.merchant_id = h.merchant_id and k.livemode = h.livemode)"""
)

RINGS_IN_USE: Final = _RING.format(
    """(select k.* from key_uses u join key_rings k on k.merchant_id = u.merchant_id and k.livemode = u.livemode
         where (u.merchant_id, u.livemode) > ($1, $2) and u.until > $4
         order by u.merchant_id, u.livemode limit $3)"""
)

RINGS_NOT_IN_USE: Final = _RING.format(
    """(select k.* from key_rings k where (k.merchant_id, k.livemode) > ($1, $2) and not exists (
            select from key_uses u where u.merchant_id = k.merchant_id and u.livemode = k.livemode and u.until > $4)
         order by k.merchant_id, k.livemode limit $3)"""
)

#: Rows are taken in one order by all, so that no two wait for each other.
USE: Final = """
insert into key_uses as u (merchant_id, livemode, until)
select each.*, $3::timestamptz from unnest($1::text[], $2::boolean[]) each (merchant_id, livemode)
 order by merchant_id collate "C", livemode
on conflict (merchant_id, livemode) do update set until = excluded.until where u.until < excluded.until
"""

#: Rows of two kinds: rings by custody, with those that broken glass opens at $1; and what hangs from each root key, with
#: what of it that seals was made by $2.
CENSUS: Final = """
with hanging as (
    select cmk, count(*) as rings, sum(active)::bigint as active, sum(decrypt_only)::bigint as decrypt_only,
           min(oldest) as oldest, sum(due)::bigint as due
      from (select cmk, count(*) filter (where status = 'active') as active,
                   count(*) filter (where status = 'decrypt_only') as decrypt_only,
                   min(created_at) filter (where status = 'active') as oldest,
                   count(*) filter (where status = 'active' and created_at <= $2) as due
              from key_versions where status <> 'retired' group by cmk, merchant_id, livemode) ring
     group by cmk
), withdrawing as (
    select cmk, count(*) as grants from key_rings, unnest(left_cmks) cmk group by cmk
)
select custody, null as cmk, count(*) as rings, null::bigint as active, null::bigint as decrypt_only,
       null::timestamptz as oldest, null::bigint as due, null::bigint as left_grants,
       count(*) filter (where custody in ('suspended', 'revoked') and opened_until > $1) as opened,
       count(*) filter (where custody = 'shredded' and certified_at is null) as uncertified
  from key_rings group by custody
union all
select null, coalesce(h.cmk, w.cmk), coalesce(h.rings, 0), coalesce(h.active, 0), coalesce(h.decrypt_only, 0), h.oldest,
       coalesce(h.due, 0), coalesce(w.grants, 0), null, null
  from hanging h full join withdrawing w on w.cmk = h.cmk
"""

#: Held until the end of the transaction: who is after it sees what this one did, and commits after it. Whoever stops in the
#: middle, as a process that is paused, has 3 s: an order of the bank waits behind him, and has 10 (`pooled.TIMEOUT_S`).
LOCK: Final = """
select epoch, set_config('idle_in_transaction_session_timeout', '3000', true) from key_epoch for update
"""

LAST_ORDER: Final = "select coalesce(max(sequence), 0) as sequence from key_orders"

#: How often a ring was saved, and how many versions of its key there have been.
STANDING: Final = """
select version, (select count(*) from key_versions v where v.merchant_id = $1 and v.livemode = $2) as versions
  from key_rings where merchant_id = $1 and livemode = $2
"""

#: At the end of a change: the epoch $1, told to all who listen when the transaction is committed.
MOVE_ON: Final = f"""
with moved as (update key_epoch set epoch = $1 returning epoch)
select pg_notify('{CHANNEL}', epoch::text) from moved
"""

KEEP_ORDER: Final = (
    "insert into key_orders (sequence, document, signature, applied_at) values ($1, $2, $3, $4)"
)

#: A ring ($1 to $11) and its versions ($12 on), of which those are written that have changed.
KEEP_RING: Final = """
with ring as (
    insert into key_rings as r (merchant_id, livemode, id, version, custody, opened_until, created_at, epoch, left_cmks,
                                left_grants, certified_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text[], $10::text[], $11)
    on conflict (merchant_id, livemode) do update
       set id = excluded.id, version = excluded.version, custody = excluded.custody,
           opened_until = excluded.opened_until, created_at = excluded.created_at, epoch = excluded.epoch,
           left_cmks = excluded.left_cmks, left_grants = excluded.left_grants,
           certified_at = excluded.certified_at
)
insert into key_versions as v (merchant_id, livemode, number, status, cmk, derivation, wrapped, grant_name, created_at,
                               retired_at)
select $1, $2, each.* from unnest($12::int[], $13::text[], $14::text[], $15::text[], $16::bytea[], $17::text[],
                                  $18::timestamptz[], $19::timestamptz[]) each
on conflict (merchant_id, livemode, number) do update
   set status = excluded.status, cmk = excluded.cmk, derivation = excluded.derivation, wrapped = excluded.wrapped,
       grant_name = excluded.grant_name, created_at = excluded.created_at, retired_at = excluded.retired_at
 where (v.status, v.cmk, v.derivation, v.wrapped, v.grant_name, v.created_at, v.retired_at)
       is distinct from (excluded.status, excluded.cmk, excluded.derivation, excluded.wrapped, excluded.grant_name,
                         excluded.created_at, excluded.retired_at)
"""

ROOT_KEYS: Final = "select cmk, status, custody_open, authorised_at from root_keys order by cmk"

#: Of a root key that is known with the same status. It needs no lock but its row's, and touches no index.
HEARTBEAT: Final = """
update root_keys set authorised_at = greatest(authorised_at, $3::timestamptz) where cmk = $1 and status = $2 returning cmk
"""

_KEEP_ROOT_KEY: Final = """
insert into root_keys as k (cmk, status, custody_open, authorised_at, epoch) values ($1, $2, $3, $4, $5)
on conflict (cmk) do update
   set {0} = excluded.{0}, authorised_at = greatest(k.authorised_at, excluded.authorised_at), epoch = excluded.epoch
"""

KEEP_STATUS: Final = _KEEP_ROOT_KEY.format("status")
KEEP_CUSTODY: Final = _KEEP_ROOT_KEY.format("custody_open")

EPOCH: Final = "select epoch from key_epoch"

CHANGES: Final = """
select * from (
    (select epoch, merchant_id, livemode, null as cmk from key_rings where epoch > $1 order by epoch limit $2)
    union all
    (select epoch, null, null, cmk from root_keys where epoch > $1 order by epoch limit $2)
) changed order by epoch limit $2
"""

ORDERS: Final = """
select sequence, document, signature, applied_at from key_orders where sequence > $1 order by sequence limit $2
"""

LEAD: Final = """
insert into key_leader as l (one, name, until) values (true, $1, $3)
on conflict (one) do update set name = excluded.name, until = excluded.until
 where l.name = excluded.name or l.until <= $2
returning name
"""
