"""The ordinary way: SQLAlchemy Core over asyncpg, one transaction for each payment, the same rows."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from fintech.adapters.postgres import tables
from fintech.adapters.postgres.statements import CLAIM_COLUMNS, EVENT_COLUMNS, MOVEMENT_COLUMNS
from tests.benchmarks.rows import rows_of

_PAYMENT_COLUMNS = tuple(column.name for column in tables.payments.columns)


class CoreWriter:
    """Commits one changeset in one transaction of five executes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def commit(self, scope: Any, changes: Any) -> bool:
        """Whether it was accepted: a used key rolls back."""
        rows = rows_of(scope, changes)
        async with self._engine.begin() as connection:
            await connection.execute(insert(tables.claims), _named(CLAIM_COLUMNS, rows.claims))
            await connection.execute(insert(tables.payments), _named(_PAYMENT_COLUMNS, rows.payments))
            await connection.execute(insert(tables.movements), _named(MOVEMENT_COLUMNS, rows.movements))
            await connection.execute(insert(tables.events), _named(EVENT_COLUMNS, rows.events))
            await connection.execute(
                insert(tables.book_deltas), _named(("merchant_id", "livemode", "moves"), rows.deltas)
            )
        return True


def _named(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]
