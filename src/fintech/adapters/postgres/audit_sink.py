"""Streams of the audit trail in Postgres, in tables that are added to and never changed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from asyncpg import exceptions as pg

from fintech.adapters.postgres.pooled import asked
from fintech.domain.audit import AuditRecord, Checkpoint
from fintech.domain.keys.custody import CmkName
from fintech.ports.audit_trail import (
    AppendRefused,
    AuditQuery,
    AuditSink,
    CheckpointStore,
    Stream,
    require_one_run,
)
from fintech.ports.errors import PortError

#: Somebody else was faster, or the stream was never begun.
_ELSEWHERE: Final = (pg.UniqueViolationError, pg.ForeignKeyViolationError)
_NOT_NEXT: Final = "the records do not follow those that are there"

_BEGIN: Final = """
insert into audit_streams (name, started_at, cmk, sealed_key, permission) values ($1, $2, $3, $4, $5)
on conflict do nothing
"""
_STREAM: Final = "select name, started_at, cmk, sealed_key, permission from audit_streams where name = $1"
_STREAMS: Final = """
select name, started_at, cmk, sealed_key, permission from audit_streams where name > $1 order by name limit $2
"""
#: Nothing is added unless the first of them is the next one. Of two who race, the key lets one through.
_APPEND: Final = """
insert into audit_records (stream, sequence, document, mac)
select $1, $2::integer + place::integer - 1, given.document::json, given.mac
  from unnest($3::text[], $4::bytea[]) with ordinality given (document, mac, place)
 where $2 = (select coalesce(max(sequence), -1) + 1 from audit_records where stream = $1)
returning sequence
"""
_RECORDS: Final = """
select stream, sequence, document, mac from audit_records
 where stream = $1 and sequence > $2 order by sequence limit $3
"""
_END: Final = """
select stream, sequence, document, mac from audit_records where stream = $1 order by sequence desc limit 1
"""
_FIND: Final = """
select stream, sequence, document, mac from audit_records
 where at >= $1 and at < $2 and ($3::text is null or actor = $3) and ($4::text is null or action = $4) {merchant}
 order by at desc, stream desc, sequence desc limit $5
"""
_FIND_ANY: Final = _FIND.format(merchant="")
_FIND_MERCHANT: Final = _FIND.format(merchant="and merchant = $6")
_KEEP: Final = """
insert into audit_checkpoints (stream, count, head, at, key, signature) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing
"""
_CHECKPOINTS: Final = """
select stream, count, head, at, key, signature from audit_checkpoints
 where stream = $1 order by count, signature
"""
_CHECKED: Final = """
select distinct stream from audit_checkpoints where stream > $1 order by stream limit $2
"""


class PostgresAuditSink(AuditSink):
    """Use it through `open_database`, or on a pool that only reads."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, stream: Stream) -> None:
        members = (stream.name, stream.started_at, stream.cmk, stream.sealed_key, stream.grant)
        await asked(self._pool, _BEGIN, *members)
        rows = await asked(self._pool, _STREAM, stream.name)
        if [_stream(row) for row in rows] != [stream]:
            raise AppendRefused("there is another stream of this name")

    async def append(self, records: Sequence[AuditRecord]) -> None:
        require_one_run(records)
        documents = [each.document.decode("ascii") for each in records]
        macs = [each.mac for each in records]
        first = records[0]
        try:
            appended = await asked(self._pool, _APPEND, first.stream, first.sequence, documents, macs)
        except PortError as error:
            if isinstance(error.__cause__, _ELSEWHERE):
                raise AppendRefused(_NOT_NEXT) from error
            raise
        if not appended:
            raise AppendRefused(_NOT_NEXT)

    async def end(self, stream: str) -> AuditRecord | None:
        rows = await asked(self._pool, _END, stream)
        return _record(rows[0]) if rows else None

    async def streams(self, after: str, limit: int) -> Sequence[Stream]:
        return [_stream(row) for row in await asked(self._pool, _STREAMS, after, limit)]

    async def records(self, stream: str, after: int, limit: int) -> Sequence[AuditRecord]:
        return [_record(row) for row in await asked(self._pool, _RECORDS, stream, after, limit)]

    async def find(self, query: AuditQuery, limit: int) -> Sequence[AuditRecord]:
        wanted = (_text(query.since), _text(query.until), query.actor, query.action, limit)
        if query.merchant is None:
            rows = await asked(self._pool, _FIND_ANY, *wanted)
        else:
            rows = await asked(self._pool, _FIND_MERCHANT, *wanted, query.merchant)
        return [_record(row) for row in rows]


class PostgresCheckpoints(CheckpointStore):
    """Checkpoints beside what they vouch for: nobody can forge one here, but whoever owns the database can remove them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def keep(self, checkpoint: Checkpoint) -> None:
        signed = (checkpoint.at, checkpoint.key, checkpoint.signature)
        await asked(self._pool, _KEEP, checkpoint.stream, checkpoint.count, checkpoint.head, *signed)

    async def of(self, stream: str) -> Sequence[Checkpoint]:
        return [Checkpoint(**row) for row in await asked(self._pool, _CHECKPOINTS, stream)]

    async def streams(self, after: str, limit: int) -> Sequence[str]:
        return [row["stream"] for row in await asked(self._pool, _CHECKED, after, limit)]


def _stream(row: Any) -> Stream:
    return Stream(
        name=row["name"],
        started_at=row["started_at"],
        cmk=CmkName(row["cmk"]),
        sealed_key=row["sealed_key"],
        grant=row["permission"],
    )


def _record(row: Any) -> AuditRecord:
    return AuditRecord(
        stream=row["stream"],
        sequence=row["sequence"],
        document=row["document"].encode(),
        mac=row["mac"],
    )


def _text(at: datetime) -> str:
    """As documents spell a moment."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
