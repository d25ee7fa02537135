"""Connections for the commit path, and what their errors mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg import exceptions as pg

from fintech.ports.errors import StoreUnavailable

Connection: TypeAlias = asyncpg.Connection

#: The statements are the same every time and their plans do not depend on how many rows an array has. They look rows up
#: by key, always: a plan made while a table is small reads all of it, and is kept when the table has grown.
_SETTINGS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "timezone": "UTC",
    "application_name": "fintech",
    "statement_timeout": "30000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "30000",
}


class GuardShort(Exception):
    """What a group was decided on has not been looked at by any guard, because nothing was left to write."""


#: Somebody else was faster, or a guard divided by zero: read again and decide again.
RACE_LOST: Final = (
    GuardShort,
    pg.DivisionByZeroError,
    pg.UniqueViolationError,
    pg.SerializationError,
    pg.DeadlockDetectedError,
    pg.LockNotAvailableError,
)
#: The connection or the server went away, or cannot go on for now: what was under way is neither done nor undone.
CONNECTION_LOST: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    pg.PostgresConnectionError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.CannotConnectNowError,
    pg.InsufficientResourcesError,
    pg.ReadOnlySQLTransactionError,  # another server is the first by now
    pg.QueryCanceledError,
    pg.IdleInTransactionSessionTimeoutError,
)


async def connect(dsn: str, timeout_s: float = 10.0) -> Connection:
    """A connection of the commit path. Raises one of `CONNECTION_LOST`."""
    connection: Any = await asyncpg.connect(
        dsn, timeout=timeout_s, command_timeout=40.0, server_settings=_SETTINGS
    )
    return connection


async def _nothing_to_reset(_connection: Connection) -> None:
    """Single reads leave nothing behind on a connection, and resetting it would cost a round trip each."""


@asynccontextmanager
async def open_pool(
    dsn: str, *, read_only: bool = False, least: int = 1, most: int = 4
) -> AsyncIterator[asyncpg.Pool]:
    """From ``least`` to ``most`` connections for single reads. ``read_only``: the server refuses whatever would change
    anything. Raises `StoreUnavailable` when the database cannot be reached."""
    settings = {**_SETTINGS, "default_transaction_read_only": "on"} if read_only else _SETTINGS
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=least,
            max_size=most,
            timeout=10,
            command_timeout=40,
            server_settings=settings,
            reset=_nothing_to_reset,
        )
    except CONNECTION_LOST as error:
        raise StoreUnavailable("the database cannot be reached") from error
    try:
        yield pool
    finally:
        pool.terminate()
