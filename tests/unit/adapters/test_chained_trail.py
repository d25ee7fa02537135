"""The trail of a process: whatever breaks under it, what was acknowledged is there, once, and the chain holds."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.audit.beginning import Sealing
from fintech.adapters.audit.pacing import AuditPacing
from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.adapters.memory.audit_sink import MemoryAuditSink
from fintech.domain.audit import DETAILS_MAX, AuditAction, AuditRecord, next_key
from fintech.domain.audit_verification import Finding, Found
from fintech.domain.keys.custody import CmkName
from fintech.ports.errors import AuditUnavailable
from tests.unit.adapters.audit_doubles import QUICK, BreakingSink, Desk, entry


async def test_what_is_written_is_there_chained_and_ended() -> None:
    desk = Desk()
    for name in ("a", "b", "c"):
        await desk.trail.write(entry(name))
    assert await desk.subjects() == ["a", "b", "c"]
    await desk.trail.close()
    told = await desk.told()
    assert (told[0].action, told[-1].action) == (AuditAction.STREAM_STARTED, AuditAction.STREAM_ENDED)
    assert {told[0].origin, told[-1].origin} == {"host:1"}
    verdict = (await desk.verdicts())[0]
    assert (verdict.found, verdict.ended, verdict.count, verdict.witnessed) == ((), True, 5, 5)


async def test_nothing_is_asked_of_anybody_before_the_first_entry() -> None:
    desk = Desk()
    await desk.trail.close()
    assert not await desk.streams()
    assert not desk.root.calls
    assert desk.notary.asked == 0


async def test_those_who_write_at_once_share_appends_and_each_waits_for_its_own() -> None:
    sink = BreakingSink()
    desk = Desk(sink=sink)
    names = [str(each) for each in range(500)]
    await asyncio.gather(*(desk.trail.write(entry(name)) for name in names))
    assert await desk.subjects() == names
    assert sink.appends <= 4
    assert desk.figures.entries == 501
    await desk.trail.close()


@pytest.mark.parametrize("reachable", [True, False])
async def test_without_a_key_nothing_is_written_and_later_it_is(reachable: bool) -> None:
    desk = Desk()
    desk.root.reachable = reachable
    desk.root.disable(LOCAL_CMK)
    with pytest.raises(AuditUnavailable, match="denied" if reachable else "unreachable"):
        await desk.trail.write(entry("a"))
    desk.root.reachable = True
    desk.root.enable(LOCAL_CMK)
    await desk.trail.write(entry("b"))
    assert await desk.subjects() == ["b"]
    await desk.trail.close()


@pytest.mark.parametrize("script", [["before"], ["after"], ["before", "before", "after"]])
async def test_a_stream_whose_beginning_was_cut_is_begun_once(script: list[str]) -> None:
    desk = Desk(sink=BreakingSink(script))
    for _ in script:
        with pytest.raises(AuditUnavailable):
            await desk.trail.write(entry("a"))
    await desk.trail.write(entry("b"))
    assert len(await desk.streams()) == 1
    assert await desk.subjects() == ["b"]
    await desk.trail.close()
    assert (await desk.verdicts())[0].found == ()


@pytest.mark.parametrize(
    ("script", "subjects"),
    [
        (["after"], ["a"]),  # its fate is read from the end
        (["before"], ["a"]),  # it is handed in again
        (["late"], ["a"]),  # it lands when it is handed in again, which is refused
        (["before", "ok", "late"], ["a"]),
    ],
)
async def test_a_batch_whose_fate_is_unknown_is_resolved_before_its_writer_is_told(
    script: list[str], subjects: list[str]
) -> None:
    desk = Desk(sink=BreakingSink(["ok", *script]))
    await desk.trail.write(entry("a"))
    assert await desk.subjects() == subjects
    await desk.trail.close()
    assert (await desk.verdicts())[0].found == ()


@pytest.mark.parametrize("fate", ["before", "after", "late"])
async def test_a_batch_whose_fate_cannot_be_learnt_is_refused_and_the_chain_goes_on(fate: str) -> None:
    desk = Desk(sink=BreakingSink(["ok", "ok", fate, "before"]))
    await desk.trail.write(entry("a"))
    with pytest.raises(AuditUnavailable):
        await desk.trail.write(entry("b"))
    await desk.trail.write(entry("c"))
    assert await desk.subjects() == ["a", "b", "c"], "that b was tried is written down"
    await desk.trail.close()
    assert (await desk.verdicts())[0].found == ()


@given(
    st.lists(st.sampled_from(["ok", "ok", "before", "after", "late"]), max_size=30),
    st.lists(st.integers(1, 4), min_size=1, max_size=12),
)
def test_whatever_breaks_what_was_acknowledged_is_there_once_and_the_chain_holds(
    script: list[str], crowds: list[int]
) -> None:
    async def played() -> None:
        desk = Desk(sink=BreakingSink(script))
        acknowledged: list[str] = []

        async def one(name: str) -> None:
            await desk.trail.write(entry(name))
            acknowledged.append(name)

        for number, crowd in enumerate(crowds):
            names = [f"{number}.{each}" for each in range(crowd)]
            ends = await asyncio.gather(*map(one, names), return_exceptions=True)
            assert all(each is None or isinstance(each, AuditUnavailable) for each in ends)
        sink = desk.sink
        assert isinstance(sink, BreakingSink)
        sink.script.clear()
        await one("last")
        await desk.trail.close()
        written = await desk.subjects()
        assert [each for each in written if each in acknowledged] == acknowledged
        assert len(set(written)) == len(written)
        verdict = (await desk.verdicts())[0]
        assert (verdict.found, verdict.ended) == ((), True)

    asyncio.run(played())


async def test_so_many_may_wait_and_no_more() -> None:
    desk = Desk(pacing=AuditPacing(queue_max=5))
    ends = await asyncio.gather(
        *(desk.trail.write(entry(str(each))) for each in range(9)), return_exceptions=True
    )
    assert [each is None for each in ends] == [True] * 5 + [False] * 4
    assert desk.figures.refused == 4
    await desk.trail.write(entry("later"))
    assert await desk.subjects() == ["0", "1", "2", "3", "4", "later"]
    await desk.trail.close()


async def test_who_goes_away_does_not_take_its_entry_or_others_along() -> None:
    desk = Desk(sink=BreakingSink())
    writers = [asyncio.create_task(desk.trail.write(entry(name))) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    writers[1].cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    assert await desk.subjects() == ["a", "b", "c"]
    await desk.trail.close()


async def test_what_cannot_be_spelt_is_refused_before_it_has_a_place() -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="details"):
        await desk.trail.write(entry(details={str(each): 1 for each in range(DETAILS_MAX + 1)}))
    with pytest.raises(TypeError):
        await desk.trail.write(entry(details={"a": b"b"}))
    await desk.trail.write(entry("a"))
    await desk.trail.close()
    assert (await desk.verdicts())[0].found == ()


async def test_once_closed_it_takes_nothing_and_has_no_key() -> None:
    desk = Desk()
    await desk.trail.write(entry("a"))
    chain = desk.trail._chain
    assert chain is not None
    assert "key" not in repr(chain)
    await desk.trail.close()
    assert chain.key == bytes(32)
    with pytest.raises(AuditUnavailable):
        await desk.trail.write(entry("b"))
    await desk.trail.close()


async def test_the_key_in_memory_is_that_of_the_next_entry_alone() -> None:
    desk = Desk()
    await desk.trail.write(entry("a"))
    chain = desk.trail._chain
    assert chain is not None
    place = chain.key
    await desk.trail.write(entry("b"))
    first = await desk.first_key((await desk.streams())[0])
    assert chain.key is place, "the one before was in the same place, and was written over"
    assert bytes(place) == next_key(next_key(next_key(first)))
    await desk.trail.close()


async def test_a_stream_that_ends_otherwise_than_we_wrote_is_left_and_another_says_so() -> None:
    sink = MemoryAuditSink()
    desk = Desk(sink=sink)
    await desk.trail.write(entry("a"))
    await desk.trail.write(entry("b"))
    stream = (await desk.streams())[0]
    sink._records[stream.name].pop()
    with pytest.raises(AuditUnavailable, match="not what was written"):
        await desk.trail.write(entry("c"))
    await desk.trail.write(entry("d"))
    await desk.trail.close()
    one, other = await desk.verdicts()
    assert Finding.TRUNCATED in {each.finding for each in one.found}
    assert other.found == ()
    failed = [each for each in await desk.told() if each.action is AuditAction.INTEGRITY_FAILED]
    assert [each.subject for each in failed] == [stream.name]


async def test_two_processes_write_two_streams() -> None:
    desk = Desk()
    other = desk.another()
    await asyncio.gather(
        *(trail.write(entry(str(each))) for each in range(20) for trail in (desk.trail, other))
    )
    await asyncio.gather(desk.trail.close(), other.close())
    assert [(each.count, each.found) for each in await desk.verdicts()] == [(22, ())] * 2


async def test_a_first_key_can_be_sealed_for_a_reader_whom_the_writer_is_not() -> None:
    ours, readers = CmkName("ours"), CmkName("readers")
    root = LocalRoot(cmks=(ours, readers))
    desk = Desk(sealing=Sealing(root=root, cmk=ours, environment="tests", reader=readers))
    await desk.trail.write(entry("a"))
    await desk.trail.close()
    stream = (await desk.streams())[0]
    assert stream.cmk == readers
    root.destroy(ours)
    assert (await desk.verdicts())[0].found == ()


async def test_a_process_that_is_killed_leaves_an_open_end() -> None:
    desk = Desk(pacing=AuditPacing())
    await desk.trail.write(entry("a"))
    await asyncio.sleep(0.01)
    assert (await desk.verdicts())[0].found == (Found(Finding.OPEN_END, 2, 2),)
    await desk.trail.close()


async def until(holds: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait for what comes by itself."""
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.001)


async def test_the_first_checkpoint_is_due_at_once_and_others_after_entries_or_time() -> None:
    desk = Desk(pacing=AuditPacing(checkpoint_entries=5, checkpoint_s=600))
    await desk.trail.write(entry("a"))
    await until(lambda: desk.figures.checkpoints == 1)
    for each in range(4):
        await desk.trail.write(entry(str(each)))
    await asyncio.sleep(0.01)
    assert (desk.figures.checkpoints, desk.figures.uncovered) == (1, 4)
    await desk.trail.write(entry("fifth"))
    await until(lambda: desk.figures.checkpoints == 2)
    await desk.trail.close()
    stream = (await desk.streams())[0].name
    assert [each.count for each in await desk.checkpoints.of(stream)] == [2, 7, 8]
    soon = Desk(pacing=QUICK)
    await soon.trail.write(entry("a"))
    await until(lambda: soon.figures.checkpoints == 1)
    await soon.trail.write(entry("b"))
    await until(lambda: soon.figures.checkpoints == 2)
    await soon.trail.close()


async def test_what_is_written_while_a_checkpoint_is_signed_has_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, signing, signed = Desk(pacing=QUICK), asyncio.Event(), asyncio.Event()
    sign = desk.notary.sign

    async def slowly(message: bytes) -> tuple[str, bytes]:
        signing.set()
        await signed.wait()
        return await sign(message)

    monkeypatch.setattr(desk.notary, "sign", slowly)
    await desk.trail.write(entry("a"))
    await signing.wait()
    await desk.trail.write(entry("b"))
    signed.set()
    await until(lambda: desk.figures.uncovered == 0)
    assert desk.figures.checkpoints == 2
    await desk.trail.close()


async def test_a_trail_that_is_closed_leaves_nothing_running() -> None:
    desk = Desk(pacing=QUICK)
    await desk.trail.write(entry("a"))
    await desk.trail.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_notary_that_is_down_delays_checkpoints_and_nothing_else_and_is_an_alarm_in_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    desk.notary.down = True
    await desk.trail.write(entry("a"))
    await until(lambda: desk.figures.checkpoint_failures > 3)
    await desk.trail.write(entry("b"))
    assert await desk.subjects() == ["a", "b"]
    assert (desk.figures.checkpoints_failing, desk.figures.uncovered) == (True, 3)
    assert desk.figures.uncovered_since == desk.clock.now()
    criticals = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert not criticals
    desk.clock.advance(timedelta(seconds=QUICK.alarm_after_s))
    failures = desk.figures.checkpoint_failures
    await until(lambda: desk.figures.checkpoint_failures > failures + 3)
    criticals = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert len(criticals) == 1
    desk.notary.down = False
    await until(lambda: not desk.figures.checkpoints_failing)
    await until(lambda: desk.figures.uncovered == 0 and desk.figures.uncovered_since is None)
    await desk.trail.close()
    late = desk.clock.now()
    assert (await desk.verdicts(late))[0].holds


async def test_batches_are_of_so_many_at_most() -> None:
    sizes = []

    class Watching(MemoryAuditSink):
        async def append(self, records: Sequence[AuditRecord]) -> None:
            sizes.append(len(records))
            await super().append(records)

    sink = Watching()
    desk = Desk(sink=sink, pacing=AuditPacing(batch_max=10))
    await asyncio.gather(*(desk.trail.write(entry(str(each))) for each in range(45)))
    assert sizes == [11, 10, 10, 10, 5]
    await desk.trail.close()
