"""The SQL of a group commit: one statement that writes everything, or nothing if any guard is short.

The text is put together from the parts that a group needs and is the same for the same parts, so each connection
prepares it once. Rows arrive as one argument a column. Text of our own making, numbers and flags are joined into one
string, which both sides handle several times faster than an array of values; what others may have written, moments
and bytes arrive as arrays. Locks are taken in key order, tables in the order of
`rows.MAPPINGS`; a guard that is short divides by zero, which undoes the statement.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from fintech.adapters.postgres import tables
from fintech.adapters.postgres.rows import MAPPINGS

#: The parts of a write, in the order in which their arrays are passed.
Part = tuple[str, str]

INSERT: Final = "insert"
UPDATE: Final = "update"
KEY_COLUMNS: Final = ("merchant_id", "livemode", "id")

_ARRAY_TYPES: Final = (
    (Boolean, "bool"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (LargeBinary, "bytea"),
    (TIMESTAMP, "timestamptz"),
    (JSON, "text"),
    (Text, "text"),
)

#: Columns of tables that only ever grow, in the order of the row builders.
CLAIM_COLUMNS: Final = tuple(column.name for column in tables.claims.columns)
MOVEMENT_COLUMNS: Final = tuple(column.name for column in tables.movements.columns)
RESOLUTION_COLUMNS: Final = tuple(column.name for column in tables.resolutions.columns)
EVENT_COLUMNS: Final = tuple(column.name for column in tables.events.columns if column.name != "xact")
DELTA_COLUMNS: Final = ("merchant_id", "livemode", "moves")
ACCOUNT_COLUMNS: Final = tuple(column.name for column in tables.accounts.columns if column.computed is None)
ANSWER_COLUMNS: Final = ("merchant_id", "livemode", "key", "answered_by", "refusal")
SCOPE_COLUMNS: Final = ("merchant_id", "livemode")

APPENDED: Final[dict[str, tuple[Table, tuple[str, ...]]]] = {
    "movements": (tables.movements, MOVEMENT_COLUMNS),
    "resolutions": (tables.resolutions, RESOLUTION_COLUMNS),
    "events": (tables.events, EVENT_COLUMNS),
    "book_deltas": (tables.book_deltas, DELTA_COLUMNS),
}

#: Separates the values of a joined column; control characters never occur in ids, codes or JSON text.
SEPARATOR: Final = "\x1f"
NULL: Final = "\x1e"
#: Text that others have written: it might contain anything.
_FOREIGN: Final = frozenset({"key"})
_JOINED: Final = frozenset({"text", "int4", "int8", "bool"})

_AGGREGATES: Final = {mapping.table.name: mapping.table for mapping in MAPPINGS.values()}


def columns_of(part: Part) -> tuple[str, ...]:
    """The columns whose arrays a part takes."""
    verb, name = part
    if name in APPENDED:
        return APPENDED[name][1]
    match name:
        case "claims":
            return CLAIM_COLUMNS if verb == INSERT else ANSWER_COLUMNS
        case "accounts":
            return ACCOUNT_COLUMNS
        case "scopes":
            return SCOPE_COLUMNS
        case _:
            columns = tuple(column.name for column in _AGGREGATES[name].columns)
            return columns if verb == INSERT else ("expected", *columns)


@lru_cache(maxsize=512)
def write_statement(parts: tuple[Part, ...]) -> str:
    """The statement that writes all parts, or divides by zero."""
    clauses: list[str] = []
    guards: list[str] = []
    first = 1
    for part in parts:
        names = columns_of(part)
        _PARTS.get(part, _aggregate_part)(part, Source(part[1], names, first), clauses, guards)
        first += len(names)
    checks = " and ".join(guards) or "true"
    return f"with {', '.join(clauses)} select 1 / (case when {checks} then 1 else 0 end)"


class Source:
    """Arrays of a part as a table ``u``, and the number of rows that they have."""

    def __init__(self, table: str, names: Sequence[str], first: int) -> None:
        self.names = names
        arrays = [
            f"string_to_array(${n}::text, '{SEPARATOR}', '{NULL}')::{kind}[]" if joined else f"${n}::{kind}[]"
            for n, (kind, joined) in enumerate(kinds_of(table, names), first)
        ]
        self.sql = f"unnest({', '.join(arrays)}) as u({', '.join(names)})"
        self.count = f"cardinality({arrays[0]})"


def kinds_of(table: str, names: Sequence[str]) -> list[tuple[str, bool]]:
    """The type of each column of a part, and whether its values arrive joined."""
    known = tables.METADATA.tables.get(table)
    kinds = [_KINDS[name] if known is None or name in _KINDS else _kind(known.c[name]) for name in names]
    return [(kind, kind in _JOINED and name not in _FOREIGN) for kind, name in zip(kinds, names, strict=True)]


@lru_cache(maxsize=64)
def encoders(part: Part) -> tuple[Callable[[Sequence[Any]], object], ...]:
    """How each column of a part is passed."""
    return tuple(_ENCODERS[kind] if joined else list for kind, joined in kinds_of(part[1], columns_of(part)))


def _join_text(values: Sequence[str | None]) -> str:
    return SEPARATOR.join([NULL if value is None else value for value in values])


def _join_numbers(values: Sequence[int | None]) -> str:
    return SEPARATOR.join([NULL if value is None else str(value) for value in values])


def _join_flags(values: Sequence[bool]) -> str:
    return SEPARATOR.join(["t" if value else "f" for value in values])


_ENCODERS: Final[dict[str, Callable[[Sequence[Any]], object]]] = {
    "text": _join_text,
    "int4": _join_numbers,
    "int8": _join_numbers,
    "bool": _join_flags,
}


_KINDS: Final = {"expected": "int4", "merchant_id": "text", "livemode": "bool"}


def _kind(column: Column[object]) -> str:
    return next(array for kind, array in _ARRAY_TYPES if isinstance(column.type, kind))


def _values(table: Table, names: Sequence[str]) -> str:
    return ", ".join(
        f"u.{name}::json" if isinstance(table.c[name].type, JSON) else f"u.{name}" for name in names
    )


def _same(names: Sequence[str]) -> str:
    return " and ".join(f"t.{name} = u.{name}" for name in names)


def _counted(clause: str, count: str) -> str:
    return f"(select count(*) from {clause}) = {count}"


def _aggregate_part(part: Part, source: Source, clauses: list[str], guards: list[str]) -> None:
    verb, name = part
    table = _AGGREGATES[name]
    if verb == INSERT:
        clauses.append(
            f"i_{name} as (insert into {name} ({', '.join(source.names)}) select {_values(table, source.names)}"
            f" from {source.sql} on conflict do nothing returning 1)"
        )
        guards.append(_counted(f"i_{name}", source.count))
        return
    order = ", ".join(f"t.{key}" for key in KEY_COLUMNS)
    clauses.append(
        f"l_{name} as materialized (select u.* from {source.sql} join {name} t on {_same(KEY_COLUMNS)}"
        f" where t.version = u.expected order by {order} for update of t)"
    )
    changed = [column for column in source.names if column not in (*KEY_COLUMNS, "expected", "created_at")]
    values = ", ".join(
        f"{column} = u.{column}{'::json' if isinstance(table.c[column].type, JSON) else ''}"
        for column in changed
    )
    clauses.append(
        f"u_{name} as (update {name} t set {values} from l_{name} u where {_same(KEY_COLUMNS)} returning 1)"
    )
    guards.append(_counted(f"u_{name}", source.count))


def _claims(_part: Part, source: Source, clauses: list[str], guards: list[str]) -> None:
    names = ", ".join(source.names)
    clauses.append(
        f"c_claims as (insert into claims ({names}) select * from {source.sql} on conflict do nothing returning 1)"
    )
    guards.append(_counted("c_claims", source.count))


def _answers(_part: Part, source: Source, clauses: list[str], _guards: list[str]) -> None:
    clauses.append(
        "a_claims as (update claims t set answered_by = u.answered_by, refusal = u.refusal"
        f" from {source.sql} where {_same(('merchant_id', 'livemode', 'key'))} and t.answered_by is null)"
    )


def _appended(part: Part, source: Source, clauses: list[str], _guards: list[str]) -> None:
    table, names = APPENDED[part[1]]
    clauses.append(
        f"n_{table.name} as (insert into {table.name} ({', '.join(names)})"
        f" select {_values(table, names)} from {source.sql})"
    )


def _events(part: Part, source: Source, clauses: list[str], guards: list[str]) -> None:
    """Events, and a delivery of each to every webhook endpoint that is enabled and wants it.

    What is looked at is the endpoints as they were before this statement: whoever made or changed one in it has not
    been answered yet. For a merchant without endpoints it is one look into an index that has nothing of it.
    """
    _appended(part, source, clauses, guards)
    clauses[-1] = f"{clauses[-1][:-1]} returning merchant_id, livemode, id, type, at)"
    clauses.append(
        "n_deliveries as (insert into deliveries"
        " (merchant_id, livemode, endpoint_id, event_id, status, tries, step, due_at)"
        " select e.merchant_id, e.livemode, w.id, e.id, 'pending', 0, 0, e.at from n_events e join webhook_endpoints w"
        " on w.merchant_id = e.merchant_id and w.livemode = e.livemode and w.status = 'enabled'"
        " and (w.types = '*' or e.type = any(string_to_array(w.types, ','))))"
    )


def _accounts(_part: Part, source: Source, clauses: list[str], _guards: list[str]) -> None:
    sums = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
    new = ", ".join(f"{name} = excluded.{name}" for name in sums)
    clauses.append(
        f"n_accounts as (insert into accounts as t ({', '.join(source.names)}) select * from {source.sql}"
        f" on conflict (merchant_id, livemode, code, currency) do update set {new})"
    )


def _open_books(_part: Part, source: Source, _clauses: list[str], guards: list[str]) -> None:
    guards.append(
        f"not exists (select from {source.sql} join merchants t on t.merchant_id = u.merchant_id"
        " and t.livemode = u.livemode and t.id = u.merchant_id where t.standing = 'closed')"
    )


_PARTS: Final = {
    (INSERT, "claims"): _claims,
    (UPDATE, "claims"): _answers,
    (INSERT, "movements"): _appended,
    (INSERT, "resolutions"): _appended,
    (INSERT, "events"): _events,
    (INSERT, "book_deltas"): _appended,
    (UPDATE, "accounts"): _accounts,
    (INSERT, "scopes"): _open_books,
}
