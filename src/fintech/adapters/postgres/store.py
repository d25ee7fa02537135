"""The store on Postgres."""

from contextlib import asynccontextmanager
from typing import TypeVar

from fintech.adapters.postgres.connections import connect
from fintech.adapters.postgres.documents import decode
from fintech.adapters.postgres.folding import Folding
from fintech.adapters.postgres.group_commit import GroupCommit
from fintech.adapters.postgres.group_read import GroupRead
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.ports.clock import Clock
from fintech.ports.store import Store

T = TypeVar("T")


class PostgresStore(Store):
    def __init__(self, commits, reads):
        self._commits = commits
        self._reads = reads

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, clock: Clock, writers=2):
        async def conn():
            return await connect(dsn)

        folding = Folding(conn)
        commits = GroupCommit(conn, clock, committed=folding.note, writers=writers)
        reads = GroupRead(conn)
        await commits.start()
        await reads.start()
        folding.start()
        try:
            yield cls(commits, reads)
        finally:
            await commits.close()
            await reads.close()
            await folding.close()

    async def commit(self, scope, changes):
        return await self._commits.commit(scope, changes)

    async def _load(self, kind, scope, id):
        doc = await self._reads.document(MAPPINGS[kind].table.name, scope, id)
        return None if doc is None else decode(kind, doc)


PostgresStore.__abstractmethods__ = frozenset()
