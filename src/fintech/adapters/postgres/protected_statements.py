"""The SQL of the protected store. Every index begins with the scope; nothing is looked through."""

from typing import Final

_COLUMNS: Final = "table_name, record_id, column_name, schema, number, message, blind_index, put_at"

#: Values in the order of their keys, so that two who put lock in the same order.
PUT: Final = f"""
insert into protected_values (merchant_id, livemode, {_COLUMNS})
select * from unnest($1::text[], $2::bool[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bytea[],
                     $9::bytea[], $10::timestamptz[])
on conflict (merchant_id, livemode, table_name, record_id, column_name) do update
   set schema = excluded.schema, number = excluded.number, message = excluded.message,
       blind_index = excluded.blind_index, put_at = excluded.put_at, quarantined_at = null
"""

GET: Final = f"""
select {_COLUMNS} from unnest($3::text[], $4::text[], $5::text[]) wanted(t, r, c) cross join lateral (
    select * from protected_values
     where merchant_id = $1 and livemode = $2 and table_name = t and record_id = r and column_name = c
       and quarantined_at is null
    offset 0) found
"""

#: An index is asked for as a range and in its order, which no other index has: a planner that knows of no rows yet would as
#: soon take the primary key, and go through all of a merchant's.
FIND: Final = """
select found.record_id from (select distinct i from unnest($5::bytea[]) i) wanted cross join lateral (
    select record_id from protected_values
     where merchant_id = $1 and livemode = $2 and table_name = $3 and column_name = $4
       and blind_index between wanted.i and wanted.i and quarantined_at is null
     order by blind_index, record_id limit $6) found
 order by found.record_id limit $6
"""

REMOVE: Final = """
delete from protected_values where merchant_id = $1 and livemode = $2 and table_name = $3 and record_id = $4
returning column_name
"""

DISCARD: Final = """
delete from protected_values v using unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) gone(t, r, c, m)
 where v.merchant_id = $1 and v.livemode = $2 and v.table_name = t and v.record_id = r and v.column_name = c
   and v.message = m
returning v.column_name
"""

LISTED: Final = f"""
select {_COLUMNS} from protected_values
 where merchant_id = $1 and livemode = $2 and put_at < $3
   and (table_name, record_id, column_name) > ($4, $5, $6)
 order by table_name, record_id, column_name limit $7
"""

OLDER: Final = f"""
select {_COLUMNS} from protected_values
 where merchant_id = $1 and livemode = $2 and number < $3 and quarantined_at is null
 order by number, table_name, record_id, column_name limit $4
"""

#: The field is $3 to $5, what was read $6: a sealed message is never the same twice.
_AS_IT_WAS: Final = """
 where merchant_id = $1 and livemode = $2 and table_name = $3 and record_id = $4 and column_name = $5 and message = $6
   and quarantined_at is {} null
returning column_name
"""
_AS_IT_WAS_READ: Final = _AS_IT_WAS.format("")

REPLACE: Final = f"""
update protected_values set schema = $7, number = $8, message = $9, blind_index = $10, put_at = $11 {_AS_IT_WAS_READ}
"""

QUARANTINE: Final = f"update protected_values set quarantined_at = $7 {_AS_IT_WAS_READ}"

#: All of a merchant's values are looked through: it is for somebody who puts things right, and not for requests.
QUARANTINED: Final = f"""
select {_COLUMNS} from protected_values
 where merchant_id = $1 and livemode = $2 and quarantined_at is not null
   and (table_name, record_id, column_name) > ($3, $4, $5)
 order by table_name, record_id, column_name limit $6
"""

RELEASE: Final = f"update protected_values set quarantined_at = null {_AS_IT_WAS.format('not')}"

COUNTS: Final = """
select number, count(*) as count from protected_values
 where merchant_id = $1 and livemode = $2 and quarantined_at is null group by number
"""
