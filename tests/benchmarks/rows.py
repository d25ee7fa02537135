"""The rows of one changeset, as plain tuples, for the baselines: what our own path writes, no more and no less."""

from typing import Any

from attrs import frozen

from fintech.adapters.postgres.writes import Writes
from fintech.domain.changeset import Changeset
from fintech.domain.scope import Scope


@frozen
class Rows:
    """Rows by table, in the order of the tables' columns."""

    claims: list[tuple[Any, ...]]
    payments: list[tuple[Any, ...]]
    movements: list[tuple[Any, ...]]
    events: list[tuple[Any, ...]]
    deltas: list[tuple[Any, ...]]


def rows_of(scope: Scope, changes: Changeset) -> Rows:
    """The same row builders as the group commit's."""
    writes = Writes()
    writes.add(scope, changes)
    gathered = writes.rows()
    return Rows(
        claims=gathered["insert", "claims"],
        payments=gathered["insert", "payments"],
        movements=gathered["insert", "movements"],
        events=gathered["insert", "events"],
        deltas=gathered["insert", "book_deltas"],
    )
