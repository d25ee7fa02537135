"""Brings a database's tables up to date, and tells whether they are.

The steps are in `migrations`, one file each, oldest first. They expand first and contract later: a release works with
the tables of the release after it, so a database is upgraded before the processes are.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
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


class SchemaBehind(PortError):
    """The database's tables are older than this release. Call `upgrade` first; it is safe while others work."""


async def upgrade(sqlalchemy_url: str) -> str:
    """Bring the tables up to date; the revision that they have now.

    Safe to call from many processes at once: one does it, the others wait for it. A step that fails leaves the
    database at the step before it. Raises `StoreUnavailable` when the database cannot be reached.
    """
    async with _engine(sqlalchemy_url) as engine, engine.connect() as guard:
        await _lock(guard)
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            return await connection.run_sync(_current) or ""


async def current(sqlalchemy_url: str) -> str | None:
    """The revision of the tables, or None where there are none."""
    async with _engine(sqlalchemy_url) as engine, engine.connect() as connection:
        return await connection.run_sync(_current)


async def require_head(sqlalchemy_url: str) -> None:
    """Return if the tables are those of this release or of a later one, else raise `SchemaBehind`."""
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    head, found = scripts.get_current_head(), await current(sqlalchemy_url)
    if found is None or (found in known and found != head):
        message = (
            f"the database's tables are at {found or 'nothing'}, this release needs {head}: upgrade it first"
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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()
