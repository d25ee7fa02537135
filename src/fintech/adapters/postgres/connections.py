"""Connections for the commit path, and what their errors mean."""

import asyncio
from typing import Any, Final

import asyncpg
from asyncpg import exceptions as pg

from fintech.adapters.postgres.group_state import Connection

#: The statements are the same every time and their plans do not depend on how many rows an array has.
_SETTINGS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "timezone": "UTC",
    "application_name": "fintech",
    "statement_timeout": "30000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "30000",
}

#: Somebody else was faster, or a guard divided by zero: read again and decide again.
RACE_LOST: Final = (
    pg.DivisionByZeroError,
    pg.UniqueViolationError,
    pg.SerializationError,
    pg.DeadlockDetectedError,
    pg.LockNotAvailableError,
)
#: The connection or the server went away: what was under way is neither done nor undone.
CONNECTION_LOST: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    pg.PostgresConnectionError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.CannotConnectNowError,
    pg.TooManyConnectionsError,
    pg.QueryCanceledError,
    pg.IdleInTransactionSessionTimeoutError,
)


async def connect(dsn: str, timeout_s: float = 10.0) -> Connection:
    """A connection of the commit path. Raises one of `CONNECTION_LOST`."""
    connection: Any = await asyncpg.connect(
        dsn, timeout=timeout_s, command_timeout=40.0, server_settings=_SETTINGS
    )
    return connection
