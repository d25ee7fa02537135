"""The promise of `AuditSink` and of `CheckpointStore`, for every adapter's tests."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from fintech.domain.audit import (
    START,
    AuditAction,
    AuditEntry,
    AuditRecord,
    AuditResult,
    Checkpoint,
    document_of,
    link,
    next_key,
)
from fintech.domain.keys.custody import CmkName
from fintech.domain.scope import Face
from fintech.ports.audit_trail import (
    APPEND_MAX,
    AppendRefused,
    AuditQuery,
    AuditSink,
    CheckpointStore,
    Stream,
)

AT: Final = datetime(2026, 11, 24, 3, 0, 0, 123_456, tzinfo=UTC)
FIRST_KEY: Final = b"k" * 32
ONE: Final = "aud_" + "1" * 24
OTHER: Final = "aud_" + "2" * 24
NOBODY: Final = "aud_" + "9" * 24
SECOND: Final = timedelta(seconds=1)
#: What a caller may say that a store or a log could stumble over.
AWKWARD: Final = 'a"b\\c\u0000\ud800\n\u2028{}é☃'


def stream_of(name: str = ONE) -> Stream:
    """A stream whose first key is sealed, as it were."""
    return Stream(name=name, started_at=AT, cmk=CmkName("cmk/1"), sealed_key=b"\x00sealed\xff", grant="grant")


def entry_at(place: int, **changes: object) -> AuditEntry:
    """An entry like any other."""
    told: dict[str, object] = {
        "at": AT + place * SECOND,
        "actor": "officer",
        "face": Face.CLI,
        "action": AuditAction.STANDING_CHANGED,
        "result": AuditResult.DONE,
        "subject": "acct_1",
        "details": {"place": place},
    }
    return AuditEntry(**told | changes)  # type: ignore[arg-type] # told by name, as the class has them


def chained(
    entries: list[AuditEntry], stream: str = ONE, key: bytes = FIRST_KEY, end: AuditRecord | None = None
) -> list[AuditRecord]:
    """Records of entries, from a stream's first on, or after its last so far."""
    before, place = (START, 0) if end is None else (end.mac, end.sequence + 1)
    for _ in range(place):
        key = next_key(key)
    records = []
    for sequence, entry in enumerate(entries, place):
        document = document_of(stream, sequence, entry)
        before = link(key, document, before)
        records.append(AuditRecord(stream=stream, sequence=sequence, document=document, mac=before))
        key = next_key(key)
    return records


def checkpoint_at(count: int, stream: str = ONE, signature: bytes = b"\x00signed\xff") -> Checkpoint:
    """A checkpoint like any other."""
    head = bytes([count % 256]) * 32
    return Checkpoint(
        stream=stream, count=count, head=head, at=AT + count * SECOND, key="notary", signature=signature
    )


class AuditSinkContract:
    """Subclass it and provide the fixture ``sink``, empty."""

    async def test_what_is_appended_is_read_as_it_is(self, sink: AuditSink) -> None:
        await sink.begin(stream_of())
        records = chained(
            [entry_at(0), entry_at(1, subject=AWKWARD, actor=AWKWARD, merchant=AWKWARD), entry_at(2)]
        )
        await sink.append(records[:2])
        await sink.append(records[2:])
        assert list(await sink.records(ONE, -1, 10)) == records
        assert list(await sink.records(ONE, 0, 1)) == records[1:2]
        assert list(await sink.records(ONE, 2, 10)) == []
        assert await sink.end(ONE) == records[2]

    async def test_a_stream_that_is_not_there_has_nothing(self, sink: AuditSink) -> None:
        assert await sink.end(NOBODY) is None
        assert list(await sink.records(NOBODY, -1, 10)) == []
        assert list(await sink.streams("", 10)) == []

    async def test_streams_are_listed_by_name(self, sink: AuditSink) -> None:
        for name in (OTHER, ONE):
            await sink.begin(stream_of(name))
        assert list(await sink.streams("", 10)) == [stream_of(ONE), stream_of(OTHER)]
        assert list(await sink.streams("", 1)) == [stream_of(ONE)]
        assert list(await sink.streams(ONE, 10)) == [stream_of(OTHER)]
        assert await sink.end(ONE) is None

    async def test_a_stream_is_begun_once(self, sink: AuditSink) -> None:
        await sink.begin(stream_of())
        await sink.begin(stream_of())
        other = Stream(name=ONE, started_at=AT, cmk=CmkName("cmk/1"), sealed_key=b"another")
        with pytest.raises(AppendRefused):
            await sink.begin(other)
        assert list(await sink.streams("", 10)) == [stream_of()]

    async def test_a_stream_that_was_never_begun_takes_nothing(self, sink: AuditSink) -> None:
        with pytest.raises(AppendRefused):
            await sink.append(chained([entry_at(0)]))
        assert await sink.end(ONE) is None

    @pytest.mark.parametrize("first", [0, 1, 3, 9])
    async def test_what_does_not_follow_is_refused_whole(self, sink: AuditSink, first: int) -> None:
        await sink.begin(stream_of())
        records = chained([entry_at(place) for place in range(12)])
        await sink.append(records[:2])
        with pytest.raises(AppendRefused):
            await sink.append(records[first : first + 3])
        assert list(await sink.records(ONE, -1, 20)) == records[:2]
        await sink.append(records[2:])
        assert await sink.end(ONE) == records[-1]

    async def test_a_gap_within_is_refused_whole(self, sink: AuditSink) -> None:
        await sink.begin(stream_of())
        records = chained([entry_at(place) for place in range(3)])
        with pytest.raises((AppendRefused, ValueError)):
            await sink.append([records[0], records[2]])
        assert await sink.end(ONE) is None

    async def test_of_two_that_race_one_is_kept(self, sink: AuditSink) -> None:
        await sink.begin(stream_of())
        rivals = [chained([entry_at(0, actor=f"rival {each}"), entry_at(1)]) for each in range(4)]
        ends = await asyncio.gather(*(sink.append(each) for each in rivals), return_exceptions=True)
        lost = [each for each in ends if each is not None]
        assert len(lost) == 3
        assert all(isinstance(each, AppendRefused) for each in lost)
        assert list(await sink.records(ONE, -1, 10)) in rivals

    async def test_as_many_as_may_be_are_appended_at_once(self, sink: AuditSink) -> None:
        await sink.begin(stream_of())
        records = chained([entry_at(place) for place in range(APPEND_MAX)])
        await sink.append(records)
        assert await sink.end(ONE) == records[-1]
        with pytest.raises(ValueError, match=str(APPEND_MAX)):
            await sink.append([*records, records[0]])

    async def test_entries_are_found_by_what_they_tell_newest_first(self, sink: AuditSink) -> None:
        for name in (ONE, OTHER):
            await sink.begin(stream_of(name))
        here = chained([entry_at(0), entry_at(2, merchant="acct_a"), entry_at(4, actor="someone")])
        there = chained(
            [entry_at(1, merchant="acct_a"), entry_at(3, action=AuditAction.REVEALED, merchant="acct_b")],
            OTHER,
        )
        await sink.append(here)
        await sink.append(there)
        whole = AuditQuery(since=AT, until=AT + 10 * SECOND)
        newest_first = [here[2], there[1], here[1], there[0], here[0]]
        assert list(await sink.find(whole, 10)) == newest_first
        assert list(await sink.find(whole, 2)) == newest_first[:2]
        some = AuditQuery(since=AT + SECOND, until=AT + 3 * SECOND)
        assert list(await sink.find(some, 10)) == [here[1], there[0]]
        assert list(await sink.find(evolve(whole, merchant="acct_a"), 10)) == [here[1], there[0]]
        assert list(await sink.find(evolve(whole, actor="someone"), 10)) == [here[2]]
        assert list(await sink.find(evolve(whole, action=AuditAction.REVEALED), 10)) == [there[1]]
        none = evolve(whole, merchant="acct_b", action=AuditAction.STANDING_CHANGED)
        assert list(await sink.find(none, 10)) == []


class CheckpointStoreContract:
    """Subclass it and provide the fixture ``checkpoints``, empty, and ``again``: the same as another process has it."""

    async def test_what_is_kept_is_read_as_it_is(
        self, checkpoints: CheckpointStore, again: CheckpointStore
    ) -> None:
        kept = [checkpoint_at(1), checkpoint_at(1_000), checkpoint_at(2_000)]
        for each in kept:
            await checkpoints.keep(each)
        await checkpoints.keep(checkpoint_at(7, OTHER))
        for store in (checkpoints, again):
            assert list(await store.of(ONE)) == kept
            assert list(await store.of(NOBODY)) == []
            assert list(await store.streams("", 10)) == [ONE, OTHER]
            assert list(await store.streams("", 1)) == [ONE]
            assert list(await store.streams(ONE, 10)) == [OTHER]

    async def test_the_same_is_kept_once(self, checkpoints: CheckpointStore) -> None:
        for _ in range(2):
            await checkpoints.keep(checkpoint_at(1))
        assert list(await checkpoints.of(ONE)) == [checkpoint_at(1)]

    async def test_two_of_one_count_are_both_kept(self, checkpoints: CheckpointStore) -> None:
        both = [checkpoint_at(1, signature=b"a"), checkpoint_at(1, signature=b"b")]
        for each in both:
            await checkpoints.keep(each)
        assert sorted(await checkpoints.of(ONE), key=lambda each: each.signature) == both

    async def test_two_who_write_at_once_lose_nothing(
        self, checkpoints: CheckpointStore, again: CheckpointStore
    ) -> None:
        every = [checkpoint_at(count) for count in range(1, 21)]
        await asyncio.gather(*(store.keep(each) for each in every for store in (checkpoints, again)))
        assert list(await again.of(ONE)) == every
