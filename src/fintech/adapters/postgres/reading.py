"""Connections for looking, and what their errors mean."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from fintech.adapters.postgres.connections import CONNECTION_LOST
from fintech.ports.errors import PortError, StoreUnavailable

_UNAVAILABLE: Final = "the store cannot be reached, or did not answer in time"


@asynccontextmanager
async def reading(engine: AsyncEngine, timeout_s: float) -> AsyncIterator[AsyncConnection]:
    """A connection for one read, which is broken off after ``timeout_s``. Raises what `breakage_named` does."""
    with breakage_named():
        async with asyncio.timeout(timeout_s), engine.connect() as connection:
            yield connection


@contextmanager
def breakage_named() -> Iterator[None]:
    """Errors of SQLAlchemy and its driver become those of a port: `StoreUnavailable`, or `PortError` with its code."""
    try:
        yield
    except DBAPIError as error:
        raise _named(error.driver_exception) from error
    except (*CONNECTION_LOST, NoConnectionFree, asyncpg.PostgresError) as error:
        raise _named(error) from error


def _named(error: Exception) -> PortError:
    if isinstance(error, asyncpg.PostgresError) and not isinstance(error, CONNECTION_LOST):
        return PortError(f"the database refused a query: {error.sqlstate}")
    if isinstance(error, asyncpg.InterfaceError) and isinstance(
        error, ValueError
    ):  # nothing is wrong with the line
        return PortError("the database was asked with a value that it cannot have")
    return StoreUnavailable(_UNAVAILABLE)
