"""Statements and short transactions of what has no part in the commit path, and what their errors mean."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import asyncpg

from fintech.adapters.postgres.connections import RACE_LOST, Connection
from fintech.adapters.postgres.reading import breakage_named
from fintech.ports.errors import StoreUnavailable

TIMEOUT_S: Final = 10.0


async def asked(pool: asyncpg.Pool, statement: str, *arguments: object) -> list[Any]:
    """The rows of one statement, which is a transaction of its own. Raises `StoreUnavailable`."""
    with _named():
        async with asyncio.timeout(TIMEOUT_S):
            rows: list[Any] = await pool.fetch(statement, *arguments)
            return rows


@asynccontextmanager
async def changing(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """A transaction of a few statements, each of which sees what was committed before it began; it is committed at the end.

    Raises `StoreUnavailable`, after which nobody knows whether it was.
    """
    with _named():
        async with (
            asyncio.timeout(TIMEOUT_S),
            pool.acquire() as connection,
            connection.transaction(isolation="read_committed"),
        ):
            yield connection


@contextmanager
def _named() -> Iterator[None]:
    with breakage_named():
        try:
            yield
        except RACE_LOST as error:
            raise StoreUnavailable("the store was too busy with the same rows") from error
