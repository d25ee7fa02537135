"""Makes single legs of movements changeable, as nothing in the product can, so that a test may plant a wrong one."""

import asyncpg

_LEGS = "json_array_elements(m.legs) with ordinality as l (leg, place)"
_HERE = (
    "m.merchant_id = old.merchant_id and m.livemode = old.livemode and m.id = 'txn_' || substr(old.id, 4, 26)"
)
_TRIGGER = f"""
create or replace function plant() returns trigger language plpgsql as $$
declare here int := right(old.id, 2)::int + 1;
begin
    if tg_op = 'DELETE' then
        update movements m set legs = (
            select coalesce(json_agg(l.leg order by l.place), '[]') from {_LEGS} where l.place <> here
        ) where {_HERE};
        return old;
    end if;
    update movements m set source = new.source, currency = new.currency, legs = (
        select json_agg(case when l.place <> here then l.leg else json_strip_nulls(json_build_object(
            'kind', new.kind, 'phase', new.phase, 'debit', new.debit_code, 'debit_owner', new.debit_owner,
            'credit', new.credit_code, 'credit_owner', new.credit_owner, 'amount', new.amount_minor,
            'resolves', new.resolves, 'expires_at', new.expires_at)) end order by l.place) from {_LEGS}
    ) where {_HERE};
    return new;
end $$;
create or replace trigger plant instead of update or delete on transfers for each row execute function plant();
"""


async def plant(dsn: str, statement: str) -> str:
    """Run a statement that may update or delete rows of ``transfers``; what it did, as Postgres says it."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TRIGGER)
        done: str = await connection.execute(statement)
        return done
    finally:
        await connection.close()
