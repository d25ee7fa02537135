"""Brings a database's tables up to date, and tells whether they are.

The steps are in `migrations`, one file each, oldest first. They expand first and contract later: a release works with
the tables of the release after it, so a database is upgraded before the processes are. Alembic is loaded where there is
something to do: every command and every function that starts looks whether there is, and waits for what it imports.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from fintech.adapters.postgres.reading import breakage_named
from fintech.ports.errors import PortError

#: Where a database keeps its revision; a name of our own, for the database may be another application's too.
VERSION_TABLE: Final = "fintech_schema"

#: Whoever upgrades holds this advisory lock of the database ("fintech" in ASCII).
_LOCK: Final = 0x66696E74656368
_POLL_S: Final = 0.1
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
#: The revisions that this release knows, the oldest first: every step's file begins with its own.
_REVISIONS: Final = sorted(
    step.name.partition("_")[0] for step in (_MIGRATIONS / "versions").glob("[0-9]*.py")
)
#: The one that its tables have.
HEAD: Final = _REVISIONS[-1]


class SchemaBehind(PortError):
    """The database's tables are older than this release. Call `upgrade` first; it is safe while others work."""


async def upgrade(sqlalchemy_url: str) -> str:
    """Bring the tables up to date; the revision that they have now.

    Safe to call from many processes at once: one does it, the others wait for it. A step that fails leaves the
    database at the step before it. Raises `StoreUnavailable` when the database cannot be reached.
    """
    if await current(sqlalchemy_url) == HEAD:
        return HEAD
    async with _engine(sqlalchemy_url) as engine, engine.connect() as guard:
        await _lock(guard)
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            return await _current(connection) or ""


async def current(sqlalchemy_url: str) -> str | None:
    """The revision of the tables, or None where there are none."""
    async with _engine(sqlalchemy_url) as engine, engine.connect() as connection:
        return await _current(connection)


async def require_head(sqlalchemy_url: str) -> None:
    """Return if the tables are those of this release or of a later one, else raise `SchemaBehind`."""
    found = await current(sqlalchemy_url)
    if found is None or (found in _REVISIONS and found != HEAD):
        message = (
            f"the database's tables are at {found or 'nothing'}, this release needs {HEAD}: upgrade it first"
        )
        raise SchemaBehind(message)


@asynccontextmanager
async def _engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        with breakage_named():
            yield engine
    finally:
        await engine.dispose()


async def _lock(connection: AsyncConnection) -> None:
    """Hold the lock as long as the connection lives.

    It asks again and again: one that waited inside Postgres would stop a concurrent index build, which waits for
    everybody's statements, while it waits for the builder.
    """
    connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
    held = text("select pg_try_advisory_lock(:lock)")
    while not await connection.scalar(held, {"lock": _LOCK}):  # noqa: ASYNC110 - the other one is in another process
        await asyncio.sleep(_POLL_S)


async def _current(connection: AsyncConnection) -> str | None:
    if await connection.scalar(text(f"select to_regclass('{VERSION_TABLE}')")) is None:
        return None
    found: str | None = await connection.scalar(text(f"select version_num from {VERSION_TABLE}"))
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - spares those its weight who find their tables up to date
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
