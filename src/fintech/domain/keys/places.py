"""Where a sealed value belongs: a value that is moved elsewhere does not open."""

from functools import lru_cache
from typing import Final

from attrs import frozen

from fintech.domain.scope import Scope

#: The version of the layout of what is authenticated with a sealed value.
LAYOUT: Final = 1


@frozen(cache_hash=True)
class Place:
    """One field of one record: a table, a column and the record's id. ``schema`` is the version of what is inside."""

    table: str
    column: str
    record: str
    schema: int = 1

    def bound_to(self, owner: bytes) -> bytes:
        """What a value here is authenticated with: `owner_of` its scope, place and versions, each with its length before it,
        so that no two places are the same bytes."""
        return owner + _field(self.table, self.column, self.schema) + _part(self.record)


def owner_of(scope: Scope) -> bytes:
    """How everything begins that a scope's values are authenticated with."""
    mode = "live" if scope.livemode else "test"
    return bytes([LAYOUT]) + _part(scope.merchant) + _part(mode)


@lru_cache(maxsize=1_024)
def _field(table: str, column: str, schema: int) -> bytes:
    return _part(table) + _part(column) + _part(str(schema))


def _part(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
