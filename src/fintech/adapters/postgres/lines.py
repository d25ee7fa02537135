"""Lines of a merchant's balance by time, and what they add up to, from the index `movements_lines`.

The net of a line is in the index, so that half a million are added up without looking at one of them. A balance before
a moment is the sum of the lines before it, or the present balance less the lines since, whichever are likely to be fewer.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, Text, and_, cast, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fintech.adapters.postgres.legs import decode_legs
from fintech.adapters.postgres.selecting import within
from fintech.adapters.postgres.tables import movements
from fintech.domain.chart import BALANCE_BUCKETS
from fintech.domain.ids import MovementId
from fintech.domain.scope import Scope
from fintech.ports.queries import MovementLine

#: What a movement is made of.
MOVEMENT: Final = (
    movements.c.id,
    movements.c.currency,
    movements.c.source,
    movements.c.at,
    cast(movements.c.legs, Text).label("document"),
)

_HERE: Final = "merchant_id = :merchant and livemode = :livemode"
_BUCKETS: Final = ", ".join(f"'{bucket}'" for bucket in sorted(BALANCE_BUCKETS))

#: Whether the moment is nearer to the first line than to the last: then there are fewer before it, if trade is even.
_EARLY: Final = text(f"""
select :moment - (select at from movements where {_HERE} and line order by at limit 1)
       < (select at from movements where {_HERE} and line order by at desc limit 1) - :moment as early
""")

_BEFORE: Final = text(f"""
select coalesce(sum(net_minor), 0) as balance, count(*) filter (where net_minor is null) as untold
  from movements where {_HERE} and line and at < :moment
""")

_LESS_SINCE: Final = text(f"""
with since as (
    select coalesce(sum(net_minor), 0) as net, count(*) filter (where net_minor is null) as untold
      from movements where {_HERE} and line and at >= :moment
), folded as (
    select coalesce(sum(credits_posted - debits_posted), 0) as balance
      from accounts where {_HERE} and split_part(code, '/', 1) in ({_BUCKETS})
), added as (
    select coalesce(sum((move ->> 5)::bigint - (move ->> 3)::bigint), 0) as balance
      from book_deltas d, json_array_elements(d.moves) move
     where {_HERE} and split_part(move ->> 0, '/', 1) in ({_BUCKETS})
)
select folded.balance + added.balance - since.net as balance, since.untold from since, folded, added
""")

#: Leg by leg, where a line does not tell its net.
_FROM_LEGS: Final = text(f"""
select coalesce(sum(amount_minor) filter (where split_part(credit_code, '/', 1) in ({_BUCKETS})), 0)
       - coalesce(sum(amount_minor) filter (where split_part(debit_code, '/', 1) in ({_BUCKETS})), 0) as balance
  from transfers where {_HERE} and at < :moment and phase in ('post', 'post_pending')
""")


async def balance_before(connection: AsyncConnection, scope: Scope, moment: datetime) -> int:
    """`Queries.balance_before`."""
    asked = {"merchant": scope.merchant, "livemode": scope.livemode, "moment": moment}
    early = (await connection.execute(_EARLY, asked)).scalar_one()
    row = (await connection.execute(_BEFORE if early else _LESS_SINCE, asked)).one()
    if row.untold:
        row = (await connection.execute(_FROM_LEGS, asked)).one()
    return int(row.balance)


def lines_within(
    scope: Scope, start: datetime, end: datetime, limit: int, after: MovementLine | None
) -> Select[Any]:
    """The statement of `Queries.lines`."""
    at, id = movements.c.at, movements.c.id
    statement = select(*MOVEMENT).where(within(movements, scope), movements.c.line, at >= start, at < end)
    if after is not None:
        last = after.legs[0].at
        statement = statement.where(at >= last, or_(at > last, and_(at == last, id > after.id)))
    return statement.order_by(at, id).limit(limit)


def movement_of(scope: Scope, row: Row[Any]) -> MovementLine:
    """A movement of its row."""
    id = MovementId(row.id)
    return MovementLine(id=id, legs=decode_legs(scope, id, row.currency, row.source, row.at, row.document))
