"""Verifying the trail page by page, and reading it."""

import asyncio
import json
import tracemalloc
from collections.abc import Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from fintech.adapters.crypto.local import LOCAL_CMK
from fintech.adapters.memory.audit_sink import MemoryAuditSink
from fintech.application.audit import (
    FirstKeys,
    KnownFirstKeys,
    ReadAudit,
    SealedFirstKeys,
    UnsealFirstKeys,
    VerifyAudit,
)
from fintech.domain.audit import (
    START,
    AuditAction,
    AuditRecord,
    Checkpoint,
    document_of,
    entry_of,
    link,
    next_key,
)
from fintech.domain.audit_verification import Finding, Found, Verdict
from fintech.domain.keys.custody import CmkName
from fintech.domain.scope import Actor, Face
from fintech.ports.audit_trail import PAGE_MAX, AuditQuery, Stream
from fintech.ports.errors import AuditUnavailable
from tests.unit.adapters.audit_doubles import ENVIRONMENT, Desk, entry

OFFICER = Actor("officer", Face.CLI, request="req_1")
MANY = 10_000


def verifier(desk: Desk, first_keys: FirstKeys | None = None) -> VerifyAudit:
    return VerifyAudit(
        sink=desk.sink,
        checkpoints=desk.checkpoints,
        signatures=desk.notary,
        first_keys=first_keys or SealedFirstKeys(root=desk.root, environment=ENVIRONMENT),
        clock=desk.clock,
        environment=ENVIRONMENT,
    )


async def all_of(verify: VerifyAudit) -> list[Verdict]:
    return [each async for each in verify()]


async def test_what_the_notary_signed_for_another_deployment_is_forged_here() -> None:
    desk = Desk()
    await written(desk)
    elsewhere = evolve(verifier(desk), environment="staging")
    (verdict,) = await all_of(elsewhere)
    assert Finding.CHECKPOINT_FORGED in {each.finding for each in verdict.found}
    (verdict,) = await all_of(verifier(desk))
    assert verdict.holds


async def written(desk: Desk, processes: int = 1) -> None:
    """Streams that have ended, of some processes."""
    for trail in (desk.trail, *(desk.another() for _ in range(processes - 1))):
        await trail.write(entry("a"))
        await trail.write(entry("b"))
        await trail.close()


async def test_every_stream_is_verified_with_the_key_that_the_root_unseals() -> None:
    desk = Desk()
    await written(desk, processes=3)
    verdicts = await all_of(verifier(desk))
    assert [(each.holds, each.found, each.count, each.witnessed) for each in verdicts] == [
        (True, (), 4, 4)
    ] * 3
    assert [each.stream for each in verdicts] == [each.name for each in await desk.streams()]
    later = verifier(desk)(verdicts[0].stream)
    assert [each.stream async for each in later] == [each.stream for each in verdicts[1:]]


async def test_a_stream_that_is_gone_as_a_whole_is_missed() -> None:
    desk = Desk()
    await written(desk, processes=3)
    sink = desk.sink
    assert isinstance(sink, MemoryAuditSink)
    names = sorted(sink._streams)
    for gone in (names[0], names[2]):
        del sink._streams[gone], sink._records[gone]
    first, second, third = await all_of(verifier(desk))
    assert (first.found, third.found) == ((Found(Finding.STREAM_MISSING, 0, 3),),) * 2
    assert second.holds


async def test_without_a_first_key_nothing_can_be_said_and_a_root_that_is_away_is_no_finding() -> None:
    desk = Desk()
    await written(desk)
    (verdict,) = await all_of(verifier(desk, KnownFirstKeys(keys={})))
    assert (verdict.found, verdict.holds) == ((Found(Finding.KEY_MISSING, 0, 3),), False)
    desk.root.disable(LOCAL_CMK)
    (verdict,) = await all_of(verifier(desk))
    assert verdict.found == (Found(Finding.KEY_MISSING, 0, 3),)
    desk.root.reachable = False
    with pytest.raises(AuditUnavailable):
        await all_of(verifier(desk))


async def test_first_keys_are_given_for_streams_that_have_ended_and_that_is_written_down() -> None:
    desk = Desk()
    await written(desk, processes=2)
    going_on = desk.another()
    unseal = UnsealFirstKeys(
        sink=desk.sink, audit=going_on, root=desk.root, environment=ENVIRONMENT, clock=desk.clock
    )
    keys = await unseal(OFFICER)
    ended, other, open_still = (each.name for each in await desk.streams())
    assert keys.keys() == {ended, other}
    assert [each.action for each in await desk.told()][-1] is AuditAction.AUDIT_KEYS_GIVEN
    assert all(each.holds for each in (await all_of(verifier(desk, KnownFirstKeys(keys=keys))))[:2])
    assert keys[ended].hex() not in repr(KnownFirstKeys(keys=keys))
    assert open_still not in keys
    await going_on.close()


async def test_who_reads_the_trail_is_written_down_first() -> None:
    desk = Desk()
    await desk.trail.write(entry("a", merchant="acct_1"))
    read = ReadAudit(sink=desk.sink, audit=desk.trail, clock=desk.clock)
    now = desk.clock.now()
    query = AuditQuery(since=now, until=now + timedelta(days=1), merchant="acct_1")
    records = await read(OFFICER, query, 10)
    assert [json.loads(each.document)["subject"] for each in records] == ["audit", "a"]
    told = entry_of(records[0].document)
    assert told is not None
    assert (told.action, told.actor, told.merchant, told.request) == (
        AuditAction.AUDIT_READ,
        "officer",
        "acct_1",
        "req_1",
    )
    await desk.trail.close()
    with pytest.raises(AuditUnavailable):
        await read(OFFICER, query, 10)


class MadeUpSink(MemoryAuditSink):
    """A long stream that nobody has in memory: its records are made when they are asked for."""

    def __init__(self, stream: Stream, key: bytes) -> None:
        super().__init__()
        self._streams[stream.name] = stream
        self._name = stream.name
        self._key, self._head = key, START
        self.pages: list[int] = []

    async def records(self, stream: str, after: int, limit: int) -> Sequence[AuditRecord]:
        page = []
        for sequence in range(after + 1, min(after + 1 + limit, MANY)):
            document = document_of(self._name, sequence, entry(str(sequence)))
            self._head = link(self._key, document, self._head)
            self._key = next_key(self._key)
            page.append(AuditRecord(stream=self._name, sequence=sequence, document=document, mac=self._head))
        self.pages.append(len(page))
        return page


def test_ten_thousand_entries_are_verified_in_the_memory_of_a_page() -> None:
    desk = Desk()
    key = b"k" * 32
    stream = Stream(
        name="aud_" + "1" * 24, started_at=desk.clock.now(), cmk=CmkName("cmk"), sealed_key=b"sealed"
    )
    sink = MadeUpSink(stream, key)
    desk.sink = sink
    verify = verifier(desk, KnownFirstKeys(keys={stream.name: key}))
    tracemalloc.start()
    try:
        (verdict,) = asyncio.run(all_of(verify))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (verdict.count, verdict.holds) == (MANY, True)
    assert sink.pages == [PAGE_MAX] * (MANY // PAGE_MAX) + [0]
    assert peak < 4 * 1024 * 1024, f"{peak} bytes, and all of it would be {MANY * 1_000}"


async def test_a_checkpoint_by_a_stranger_is_not_believed() -> None:
    desk = Desk()
    await written(desk)
    (stream,) = await desk.streams()
    kept: Sequence[Checkpoint] = await desk.checkpoints.of(stream.name)
    stranger = Desk()
    key, signature = await stranger.notary.sign(b"whatever")
    last = kept[-1]
    forged = Checkpoint(
        stream=stream.name, count=last.count, head=last.head, at=last.at, key=key, signature=signature
    )
    await desk.checkpoints.keep(forged)
    (verdict,) = await all_of(verifier(desk))
    assert [each.finding for each in verdict.found] == [Finding.CHECKPOINT_FORGED]
