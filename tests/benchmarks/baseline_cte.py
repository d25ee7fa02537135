"""The honest rival: one prepared statement for each payment over asyncpg, one round trip, the same rows."""

from typing import Any

import asyncpg

from tests.benchmarks.rows import rows_of

_CLAIM = "text,bool,text,text,bytea,text,timestamptz,text,text"
_PAYMENT = "text,bool,text,int4,text,text,int8,int8,int8,int8,int8,timestamptz,timestamptz,text"
_MOVEMENT = "text,bool,text,bool,text,text,timestamptz,json,int8"
_EVENT = "text,bool,text,text,text,int4,timestamptz,json,json"
_DELTA = "text,bool,json"


def _values(kinds: str, first: int) -> tuple[str, int]:
    types = kinds.split(",")
    return ",".join(
        f"${first + n}::{'text::json' if kind == 'json' else kind}" for n, kind in enumerate(types)
    ), (first + len(types))


def statement() -> str:
    """A claim, a payment, a movement of three transfers, an event and a delta row; nothing at all when the key is taken."""
    claim, n = _values(_CLAIM, 1)
    payment, n = _values(_PAYMENT, n)
    movement, n = _values(_MOVEMENT, n)
    event, n = _values(_EVENT, n)
    delta, n = _values(_DELTA, n)
    return (
        f"with c as (insert into claims values ({claim}) on conflict do nothing returning 1),"
        f" p as (insert into payments select {payment} from c),"
        f" t as (insert into movements select {movement} from c),"
        f" e as (insert into events (merchant_id, livemode, id, type, aggregate_id, version, at, actor, document)"
        f" select {event} from c),"
        f" d as (insert into book_deltas (merchant_id, livemode, moves) select {delta} from c)"
        " select count(*) from c"
    )


class CteWriter:
    """Commits one changeset as one statement."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._statement = statement()

    async def commit(self, scope: Any, changes: Any) -> bool:
        """Whether it was accepted."""
        rows = rows_of(scope, changes)
        arguments = (
            *rows.claims[0],
            *rows.payments[0],
            *rows.movements[0],
            *rows.events[0],
            *rows.deltas[0],
        )
        return bool(await self._pool.fetchval(self._statement, *arguments))
