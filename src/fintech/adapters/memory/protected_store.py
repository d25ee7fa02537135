"""Sealed values in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import TypeAlias

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

#: A field of a record: its table, the record's id, the column. Values are kept, and told, in this order.
Field: TypeAlias = tuple[str, str, str]


class MemoryProtectedStore(ProtectedStore):
    """One for all who share it, in any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[Scope, dict[Field, SealedValue]] = {}
        self._quarantined: dict[tuple[Scope, Field], datetime] = {}

    async def put(self, scope: Scope, values: Sequence[SealedValue]) -> None:
        _within(len(values), PUT_MAX, "values are put")
        if len({_field(each.place) for each in values}) != len(values):
            message = "two values of the same field are put at once"
            raise ValueError(message)
        with self._lock:
            here = self._values.setdefault(scope, {})
            for each in values:
                here[_field(each.place)] = each
                self._quarantined.pop((scope, _field(each.place)), None)

    async def get(self, scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        _within(len(places), GOT_MAX, "places are looked at")
        with self._lock:
            sound = dict(self._sound(scope))
        return {place: sound[_field(place)] for place in places if _field(place) in sound}

    async def find(
        self, scope: Scope, table: str, column: str, indexes: Sequence[bytes], limit: int
    ) -> Sequence[str]:
        _within(len(indexes), INDEXES_MAX, "indexes are looked for")
        _within(limit, LISTED_MAX, "records are found")
        with self._lock:
            found = [value for _, value in self._sound(scope) if value.index in set(indexes)]
        here = [
            each.place.record for each in found if (each.place.table, each.place.column) == (table, column)
        ]
        return sorted(here)[:limit]

    async def remove(self, scope: Scope, table: str, record: str) -> int:
        with self._lock:
            here = self._values.get(scope, {})
            gone = [field for field in here if field[:2] == (table, record)]
            for field in gone:
                del here[field]
                self._quarantined.pop((scope, field), None)
            return len(gone)

    async def discard(self, scope: Scope, values: Sequence[SealedValue]) -> int:
        _within(len(values), LISTED_MAX, "values are discarded")
        with self._lock:
            here = self._values.get(scope, {})
            fields = {_field(value.place): value.message for value in values}
            gone = [
                field for field, message in fields.items() if field in here and here[field].message == message
            ]
            for field in gone:
                del here[field]
                self._quarantined.pop((scope, field), None)
            return len(gone)

    async def listed(
        self, scope: Scope, put_before: datetime, after: Place | None, limit: int
    ) -> Sequence[SealedValue]:
        _within(limit, LISTED_MAX, "values are listed")
        with self._lock:
            found = [(field, each) for field, each in self._values.get(scope, {}).items()]
        found = [(field, each) for field, each in found if each.put_at < put_before]
        if after is not None:
            found = [(field, each) for field, each in found if field > _field(after)]
        return [each for _, each in sorted(found, key=lambda found: found[0])[:limit]]

    async def older(self, scope: Scope, number: int, limit: int) -> Sequence[SealedValue]:
        _within(limit, LISTED_MAX, "values are listed")
        with self._lock:
            found = [(each.number, field, each) for field, each in self._sound(scope) if each.number < number]
        return [each for _, _, each in sorted(found, key=lambda found: found[:2])[:limit]]

    async def replace(self, scope: Scope, before: SealedValue, after: SealedValue) -> bool:
        if _field(before.place) != _field(after.place):
            message = "a value is replaced by one of the same field"
            raise ValueError(message)
        with self._lock:
            if not self._is_there(scope, before):
                return False
            self._values[scope][_field(after.place)] = after
            return True

    async def counts(self, scope: Scope) -> Mapping[int, int]:
        with self._lock:
            return Counter(each.number for _, each in self._sound(scope))

    async def quarantine(self, scope: Scope, value: SealedValue, at: datetime) -> bool:
        with self._lock:
            if not self._is_there(scope, value):
                return False
            self._quarantined[scope, _field(value.place)] = at
            return True

    async def quarantined(self, scope: Scope, after: Place | None, limit: int) -> Sequence[SealedValue]:
        _within(limit, LISTED_MAX, "values are listed")
        with self._lock:
            here = self._values.get(scope, {})
            found = [(field, each) for field, each in here.items() if (scope, field) in self._quarantined]
        first = () if after is None else _field(after)
        return [each for field, each in sorted(found, key=lambda found: found[0]) if field > first][:limit]

    async def release(self, scope: Scope, value: SealedValue) -> bool:
        with self._lock:
            field = _field(value.place)
            there = self._values.get(scope, {}).get(field)
            if there is None or there.message != value.message:
                return False
            return self._quarantined.pop((scope, field), None) is not None

    def _sound(self, scope: Scope) -> Sequence[tuple[Field, SealedValue]]:
        here = self._values.get(scope, {})
        return [(field, each) for field, each in here.items() if (scope, field) not in self._quarantined]

    def _is_there(self, scope: Scope, value: SealedValue) -> bool:
        field = _field(value.place)
        there = self._values.get(scope, {}).get(field)
        return (
            there is not None and there.message == value.message and (scope, field) not in self._quarantined
        )


def _field(place: Place) -> Field:
    return place.table, place.record, place.column


def _within(count: int, most: int, what: str) -> None:
    if not 0 <= count <= most:
        message = f"up to {most} {what} at once"
        raise ValueError(message)
