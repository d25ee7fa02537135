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

    def bound_to(self, scope: Scope) -> bytes:
        """What a value here is authenticated with: scope, place and versions, each with its length before it, so that
        no two places are the same bytes."""
        return _head(scope, self.table, self.column, self.schema) + _part(self.record)


@lru_cache(maxsize=65_536)
def _head(scope: Scope, table: str, column: str, schema: int) -> bytes:
    mode = "live" if scope.livemode else "test"
    return bytes([LAYOUT]) + b"".join(
        _part(text) for text in (scope.merchant, mode, table, column, str(schema))
    )


def _part(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
