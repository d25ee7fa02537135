"""The protected store on Postgres: one statement for each call, each a transaction of its own; puts share one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from fintech.adapters.postgres.group_put import GroupPut
from fintech.adapters.postgres.pooled import asked
from fintech.adapters.postgres.protected_statements import (
    COUNTS,
    DISCARD,
    FIND,
    GET,
    LISTED,
    OLDER,
    QUARANTINE,
    QUARANTINED,
    RELEASE,
    REMOVE,
    REPLACE,
)
from fintech.domain.keys.places import Place
from fintech.domain.scope import Scope
from fintech.ports.protected_store import (
    GOT_MAX,
    INDEXES_MAX,
    LISTED_MAX,
    PUT_MAX,
    ProtectedStore,
    SealedValue,
)

#: A field of a record: its table, the record's id, the column.
Field: TypeAlias = tuple[str, str, str]


class PostgresProtectedStore(ProtectedStore):
    """Use it through `open_database`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._puts = GroupPut(pool)

    async def put(self, scope: Scope, values: Sequence[SealedValue]) -> None:
        _within(len(values), PUT_MAX, "values are put")
        rows = {_field(each.place): _content(each) for each in values}
        if len(rows) != len(values):
            message = "two values of the same field are put at once"
            raise ValueError(message)
        if rows:
            await self._puts.put(scope, rows)

    async def get(self, scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        _within(len(places), GOT_MAX, "places are looked at")
        wanted = {_field(place) for place in places}
        columns = [[field[part] for field in wanted] for part in range(3)]
        found = {_field(each.place): each for each in map(_value, await self._asked(GET, scope, *columns))}
        return {place: found[_field(place)] for place in places if _field(place) in found}

    async def find(
        self, scope: Scope, table: str, column: str, indexes: Sequence[bytes], limit: int
    ) -> Sequence[str]:
        _within(len(indexes), INDEXES_MAX, "indexes are looked for")
        _within(limit, LISTED_MAX, "records are found")
        rows = await self._asked(FIND, scope, table, column, list(indexes), limit)
        return [row["record_id"] for row in rows]

    async def remove(self, scope: Scope, table: str, record: str) -> int:
        return len(await self._asked(REMOVE, scope, table, record))

    async def discard(self, scope: Scope, values: Sequence[SealedValue]) -> int:
        _within(len(values), LISTED_MAX, "values are discarded")
        rows = sorted((*_field(value.place), value.message) for value in values)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return len(await self._asked(DISCARD, scope, *columns)) if rows else 0

    async def listed(
        self, scope: Scope, put_before: datetime, after: Place | None, limit: int
    ) -> Sequence[SealedValue]:
        _within(limit, LISTED_MAX, "values are listed")
        field = ("", "", "") if after is None else _field(after)
        return [_value(row) for row in await self._asked(LISTED, scope, put_before, *field, limit)]

    async def older(self, scope: Scope, number: int, limit: int) -> Sequence[SealedValue]:
        _within(limit, LISTED_MAX, "values are listed")
        return [_value(row) for row in await self._asked(OLDER, scope, number, limit)]

    async def replace(self, scope: Scope, before: SealedValue, after: SealedValue) -> bool:
        field = _field(before.place)
        if field != _field(after.place):
            message = "a value is replaced by one of the same field"
            raise ValueError(message)
        return bool(await self._asked(REPLACE, scope, *field, before.message, *_content(after)))

    async def counts(self, scope: Scope) -> Mapping[int, int]:
        return {row["number"]: row["count"] for row in await self._asked(COUNTS, scope)}

    async def quarantine(self, scope: Scope, value: SealedValue, at: datetime) -> bool:
        return bool(await self._asked(QUARANTINE, scope, *_field(value.place), value.message, at))

    async def quarantined(self, scope: Scope, after: Place | None, limit: int) -> Sequence[SealedValue]:
        _within(limit, LISTED_MAX, "values are listed")
        field = ("", "", "") if after is None else _field(after)
        return [_value(row) for row in await self._asked(QUARANTINED, scope, *field, limit)]

    async def release(self, scope: Scope, value: SealedValue) -> bool:
        return bool(await self._asked(RELEASE, scope, *_field(value.place), value.message))

    async def _asked(self, statement: str, scope: Scope, *arguments: object) -> list[Any]:
        return await asked(self._pool, statement, scope.merchant, scope.livemode, *arguments)


def _field(place: Place) -> Field:
    return place.table, place.record, place.column


def _content(value: SealedValue) -> tuple[object, ...]:
    return value.place.schema, value.number, value.message, value.index, value.put_at


def _value(row: Any) -> SealedValue:
    return SealedValue(
        place=Place(row["table_name"], row["column_name"], row["record_id"], row["schema"]),
        number=row["number"],
        message=row["message"],
        index=row["blind_index"],
        put_at=row["put_at"],
    )


def _within(count: int, most: int, what: str) -> None:
    if not 0 <= count <= most:
        message = f"up to {most} {what} at once"
        raise ValueError(message)
