"""Streams of the audit trail and their checkpoints, in memory."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from fintech.domain.audit import AuditRecord, Checkpoint, entry_of
from fintech.ports.audit_trail import (
    AppendRefused,
    AuditQuery,
    AuditSink,
    CheckpointStore,
    Stream,
    require_one_run,
)

_NEVER = datetime.min.replace(tzinfo=UTC)


class MemoryAuditSink(AuditSink):
    """All of it, for as long as it lives."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self._records: dict[str, list[AuditRecord]] = {}

    async def begin(self, stream: Stream) -> None:
        if self._streams.setdefault(stream.name, stream) != stream:
            raise AppendRefused("there is another stream of this name")
        self._records.setdefault(stream.name, [])

    async def append(self, records: Sequence[AuditRecord]) -> None:
        require_one_run(records)
        kept = self._records.get(records[0].stream)
        if kept is None or len(kept) != records[0].sequence:
            raise AppendRefused("the records do not follow those that are there")
        kept.extend(records)

    async def end(self, stream: str) -> AuditRecord | None:
        kept = self._records.get(stream)
        return kept[-1] if kept else None

    async def streams(self, after: str, limit: int) -> Sequence[Stream]:
        return [self._streams[name] for name in sorted(self._streams) if name > after][:limit]

    async def records(self, stream: str, after: int, limit: int) -> Sequence[AuditRecord]:
        return self._records.get(stream, [])[after + 1 : after + 1 + limit]

    async def find(self, query: AuditQuery, limit: int) -> Sequence[AuditRecord]:
        found = [record for records in self._records.values() for record in records if _wanted(record, query)]
        found.sort(key=lambda record: (_at(record), record.stream, record.sequence), reverse=True)
        return found[:limit]


class MemoryCheckpoints(CheckpointStore):
    """Checkpoints, for as long as it lives."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Checkpoint]] = defaultdict(list)

    async def keep(self, checkpoint: Checkpoint) -> None:
        kept = self._kept[checkpoint.stream]
        if checkpoint not in kept:
            kept.append(checkpoint)

    async def of(self, stream: str) -> Sequence[Checkpoint]:
        return sorted(self._kept.get(stream, ()), key=lambda each: each.count)

    async def streams(self, after: str, limit: int) -> Sequence[str]:
        return [name for name in sorted(self._kept) if name > after][:limit]


def _at(record: AuditRecord) -> datetime:
    entry = entry_of(record.document)
    return _NEVER if entry is None else entry.at


def _wanted(record: AuditRecord, query: AuditQuery) -> bool:
    entry = entry_of(record.document)
    return (
        entry is not None
        and query.since <= entry.at < query.until
        and query.merchant in (None, entry.merchant)
        and query.actor in (None, entry.actor)
        and query.action in (None, entry.action)
    )
