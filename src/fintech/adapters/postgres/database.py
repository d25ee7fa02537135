"""Opens everything that stands on one Postgres database, and closes it again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from attrs import frozen
from sqlalchemy.ext.asyncio import create_async_engine

from fintech.adapters.postgres.audit_sink import PostgresAuditSink, PostgresCheckpoints
from fintech.adapters.postgres.connections import Connection, connect, open_pool
from fintech.adapters.postgres.folding import Folding
from fintech.adapters.postgres.group_commit import GroupCommit
from fintech.adapters.postgres.group_read import GroupRead
from fintech.adapters.postgres.key_listener import KeyListener
from fintech.adapters.postgres.key_table import PostgresKeyTable
from fintech.adapters.postgres.outbox import PostgresOutbox
from fintech.adapters.postgres.proofs import PostgresProofs
from fintech.adapters.postgres.protected_store import PostgresProtectedStore
from fintech.adapters.postgres.queries import PostgresQueries
from fintech.adapters.postgres.store import PostgresStore
from fintech.ports.clock import Clock


@frozen
class Database:
    """What the core needs of one database."""

    store: PostgresStore
    queries: PostgresQueries
    proofs: PostgresProofs
    outbox: PostgresOutbox
    key_table: PostgresKeyTable
    protected: PostgresProtectedStore
    audit_sink: PostgresAuditSink
    checkpoints: PostgresCheckpoints


#: Who looks for changes of keys, and who awaits one, wait for nothing else that goes on.
LOOKS_MAX: Final = 2


@asynccontextmanager
async def open_database(
    dsn: str, clock: Clock, *, writers: int = 2, readers: int = 2
) -> AsyncIterator[Database]:
    """The ports of a database whose schema is up to date. ``dsn`` as libpq has it: ``postgresql://…``.

    Uses ``writers`` + ``readers`` + 2 connections for its own work, up to 4 for single reads, keys and sealed values, up to 5
    for lists, and where somebody looks for changes of keys up to 3 that nothing else waits for.
    Raises `StoreUnavailable` when the database cannot be reached.
    """

    async def new_connection() -> Connection:
        return await connect(dsn)

    async with AsyncExitStack() as closing:
        pool = await closing.enter_async_context(open_pool(dsn))
        looks = await closing.enter_async_context(open_pool(dsn, least=0, most=LOOKS_MAX))
        engine = create_async_engine(sqlalchemy_url(dsn), pool_size=2, max_overflow=3, pool_timeout=10)
        closing.push_async_callback(engine.dispose)
        folding = Folding(new_connection)
        closing.push_async_callback(folding.close)
        reads = GroupRead(new_connection, readers=readers)
        closing.push_async_callback(reads.close)
        commits = GroupCommit(new_connection, clock, committed=folding.note, writers=writers)
        closing.push_async_callback(commits.close)
        listener = KeyListener(new_connection)
        closing.push_async_callback(listener.close)
        folding.start()
        reads.start()
        commits.start()
        yield Database(
            store=PostgresStore(commits, reads, folding, pool),
            queries=PostgresQueries(engine),
            proofs=PostgresProofs(engine),
            outbox=PostgresOutbox(pool, engine),
            key_table=PostgresKeyTable(pool, looks, listener),
            protected=PostgresProtectedStore(pool),
            audit_sink=PostgresAuditSink(pool),
            checkpoints=PostgresCheckpoints(pool),
        )


def sqlalchemy_url(dsn: str) -> str:
    """The same database as SQLAlchemy spells it."""
    parts = urlsplit(dsn)
    query = urlencode(parse_qsl(parts.query))
    return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, query, ""))
