"""Whatever is done to a stream is found, and named where it was done."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

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
from fintech.domain.audit_verification import FINDINGS_MAX, Finding, Found, Verdict, Verification, verify
from fintech.domain.scope import Face

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
SOON = AT + timedelta(minutes=1)
STREAM = "aud_" + "1" * 24
KEY = b"k" * 32
GENUINE = b"signed"
#: Where checkpoints are in a stream of `ENTRIES` records; behind the last of them a cut cannot be seen.
ENTRIES = 12
CHECKED = (1, 4, 8)

places = st.integers(0, ENTRIES - 1)


def entries(count: int, *, ended: bool = True) -> list[AuditEntry]:
    actions = [AuditAction.STREAM_STARTED, *[AuditAction.REVEALED] * (count - 2)]
    actions += [AuditAction.STREAM_ENDED if ended else AuditAction.REVEALED]
    return [
        AuditEntry(
            at=AT + timedelta(seconds=place),
            actor=f"officer {place % 2}",
            face=Face.CLI,
            action=action,
            result=AuditResult.DONE,
            subject=f"pm_{place % 3}",
        )
        for place, action in enumerate(actions)
    ]


def written(
    told: Sequence[AuditEntry], key: bytes = KEY, before: bytes = START, first: int = 0
) -> list[AuditRecord]:
    """What a process writes that has the key of entry ``first``, and knows the link before it."""
    records = []
    for sequence, entry in enumerate(told, first):
        document = document_of(STREAM, sequence, entry)
        before = link(key, document, before)
        records.append(AuditRecord(stream=STREAM, sequence=sequence, document=document, mac=before))
        key = next_key(key)
    return records


def signed(records: Sequence[AuditRecord], counts: Sequence[int] = CHECKED) -> list[Checkpoint]:
    return [
        Checkpoint(
            stream=STREAM, count=count, head=records[count - 1].mac, at=SOON, key="n", signature=GENUINE
        )
        for count in counts
    ]


WHOLE = written(entries(ENTRIES))
CHECKPOINTS = signed(WHOLE)


def judged(
    records: Sequence[AuditRecord], checkpoints: Sequence[Checkpoint] = CHECKPOINTS, now: datetime = SOON
) -> Verdict:
    return verify(STREAM, KEY, records, checkpoints, lambda each: each.signature == GENUINE, now)


def kinds(verdict: Verdict) -> set[Finding]:
    return {each.finding for each in verdict.found}


def test_nothing_speaks_against_what_is_whole() -> None:
    verdict = judged(WHOLE)
    assert (verdict.found, verdict.holds, verdict.ended) == ((), True, True)
    assert (verdict.count, verdict.witnessed) == (ENTRIES, 8)


@given(places, st.data())
def test_any_single_change_to_any_record_is_found_and_named(place: int, data: st.DataObject) -> None:
    record = WHOLE[place]
    text = st.integers(0, len(record.document) * 8 - 1)
    mac = st.integers(0, 32 * 8 - 1)
    changed = data.draw(
        st.one_of(
            text.map(lambda bit: evolve(record, document=flipped(record.document, bit))),
            mac.map(lambda bit: evolve(record, mac=flipped(record.mac, bit))),
            st.binary(max_size=40).map(lambda other: evolve(record, document=other)),
            st.just(evolve(record, stream="aud_" + "2" * 24)),
        )
    )
    verdict = judged([*WHOLE[:place], changed, *WHOLE[place + 1 :]])
    faults = [each for each in verdict.found if each.fault]
    assert [(each.first, each.last) for each in faults] == [(place, place)]
    assert faults[0].finding in (Finding.CHANGED, Finding.REORDERED)


@given(places, st.integers(-3, ENTRIES + 3))
def test_a_record_with_another_number_is_found(place: int, number: int) -> None:
    if number != place:
        changed = evolve(WHOLE[place], sequence=number)
        kept = [*WHOLE[:place], changed, *WHOLE[place + 1 :]]
        assert not judged(kept).holds
        assert not judged(sorted(kept, key=lambda each: each.sequence)).holds


@given(st.sets(places, min_size=1))
def test_whatever_is_removed_before_what_is_left_is_found(gone: set[int]) -> None:
    left = [each for each in WHOLE if each.sequence not in gone]
    verdict = judged(left)
    last = left[-1].sequence if left else -1
    named = {
        number
        for found in verdict.found
        if found.finding in (Finding.DROPPED, Finding.TRUNCATED)
        for number in range(found.first, found.last + 1)
    }
    visible = {number for number in gone if number < max(last, CHECKED[-1])}
    assert visible <= named <= gone
    assert verdict.holds is not bool(visible)
    assert (Finding.OPEN_END in kinds(verdict)) is (ENTRIES - 1 in gone)


@given(st.integers(0, ENTRIES - 1))
def test_a_cut_before_the_last_checkpoint_is_found_and_one_behind_it_is_an_open_end(left: int) -> None:
    verdict = judged(WHOLE[:left])
    assert verdict.holds is (left >= CHECKED[-1])
    assert Finding.OPEN_END in kinds(verdict)
    if left < CHECKED[-1]:
        assert Found(Finding.TRUNCATED, left, CHECKED[-1] - 1) in verdict.found


@given(places, places)
def test_two_that_changed_places_are_found(one: int, other: int) -> None:
    if one != other:
        moved = list(WHOLE)
        moved[one], moved[other] = moved[other], moved[one]
        assert Finding.REORDERED in kinds(judged(moved))
        renumbered = [evolve(each, sequence=place) for place, each in enumerate(moved)]
        verdict = judged(renumbered)
        assert {one, other} <= {each.first for each in verdict.found}
        assert not verdict.holds


@given(places, places)
def test_a_record_that_is_there_twice_is_found(one: int, place: int) -> None:
    assert not judged([*WHOLE[:place], WHOLE[one], *WHOLE[place:]]).holds


@given(st.integers(1, ENTRIES - 1), st.data())
def test_the_key_of_today_forges_nothing_of_before(broken_in: int, data: st.DataObject) -> None:
    """Forward security: who takes a process has the key of its next entry, and every record and link so far."""
    key = KEY
    for _ in range(broken_in):
        key = next_key(key)
    place = data.draw(st.integers(0, broken_in - 1))
    before = WHOLE[place - 1].mac if place else START
    lie = document_of(STREAM, place, evolve(entries(ENTRIES)[place], actor="somebody else"))
    known = [each.mac for each in WHOLE[:broken_in]]
    later = [key, *keys_from(key, 8)]
    for mac in {
        *known,
        *(link(each, lie, link_before) for each in later for link_before in (before, *known)),
    }:
        forged = evolve(WHOLE[place], document=lie, mac=mac)
        verdict = judged([*WHOLE[:place], forged, *WHOLE[place + 1 : broken_in]], ())
        assert Found(Finding.CHANGED, place, place) in verdict.found


def test_a_chain_that_is_written_anew_with_its_first_key_is_not_the_one_that_was_signed() -> None:
    lie = [evolve(each, actor="somebody else") for each in entries(ENTRIES)]
    verdict = judged(written(lie))
    assert Found(Finding.FORGED, 0, 0) in verdict.found
    assert judged(written(lie), ()).holds, "without checkpoints nobody can tell: this is what they are for"


def test_what_is_put_behind_the_end_is_forged() -> None:
    more = written([*entries(ENTRIES), entries(3)[1]])
    assert Found(Finding.FORGED, ENTRIES, ENTRIES) in judged(more).found


@given(st.sampled_from(CHECKPOINTS), st.sampled_from(["count", "head", "at", "key", "signature"]))
def test_a_checkpoint_that_nobody_signed_is_found_and_not_believed(checkpoint: Checkpoint, name: str) -> None:
    changes: dict[str, Any] = {
        "count": 11,
        "head": bytes(32),
        "at": AT,
        "key": "other",
        "signature": b"forged",
    }
    forged = evolve(checkpoint, **{name: changes[name]})
    others = [each for each in CHECKPOINTS if each != checkpoint]
    verdict = verify(STREAM, KEY, WHOLE, [*others, forged], lambda each: each in CHECKPOINTS, SOON)
    assert [each.finding for each in verdict.found if each.fault] == [Finding.CHECKPOINT_FORGED]


def test_a_signed_checkpoint_of_another_chain_is_found() -> None:
    other = written([evolve(each, subject="another") for each in entries(ENTRIES)])
    verdict = judged(WHOLE, [*CHECKPOINTS, *signed(other, [5])])
    assert [each for each in verdict.found if each.fault] == [Found(Finding.FORGED, 4, 4)]


def test_what_no_checkpoint_covers_is_noted_once_it_is_late() -> None:
    late = AT + timedelta(hours=1)
    assert judged(WHOLE, CHECKPOINTS, late).found == (Found(Finding.UNWITNESSED, 8, ENTRIES - 1),)
    assert judged(WHOLE, (), late).found == (Found(Finding.UNWITNESSED, 0, ENTRIES - 1),)
    covered_late = [evolve(each, at=late) for each in signed(WHOLE, [ENTRIES])]
    assert judged(WHOLE, covered_late, late).found == (Found(Finding.UNWITNESSED, 0, ENTRIES - 1),)
    assert judged(WHOLE, covered_late, late).holds


def test_a_stream_that_was_begun_and_written_to_by_nobody_is_open() -> None:
    assert judged((), ()).found == (Found(Finding.OPEN_END, 0, 0),)


def test_findings_and_steps_are_bounded() -> None:
    many = [evolve(each, mac=bytes(32)) for each in written(entries(3 * FINDINGS_MAX))]
    verdict = judged(many, ())
    assert len(verdict.found) == FINDINGS_MAX
    assert verdict.unnamed == 2 * FINDINGS_MAX + 1  # and that there is no end
    far = evolve(WHOLE[1], sequence=2**62)
    assert not judged([WHOLE[0], far, *WHOLE[1:]], ()).holds


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def keys_from(key: bytes, count: int) -> list[bytes]:
    keys = []
    for _ in range(count):
        key = next_key(key)
        keys.append(key)
    return keys


def test_a_genuine_checkpoint_of_another_stream_says_nothing_of_this_one() -> None:
    others = evolve(CHECKPOINTS[-1], stream="aud_" + "2" * 24, count=ENTRIES + 5)
    verdict = judged(WHOLE, [*CHECKPOINTS, others])
    assert kinds(verdict) == {Finding.CHECKPOINT_FORGED}
    assert verdict.witnessed == 8


def test_an_end_that_stands_in_another_place_is_no_end() -> None:
    """Only who has the key can write it, and he may have taken it from where it was."""
    cut = written(entries(ENTRIES, ended=False))[:-1]
    key = KEY
    for _ in cut:
        key = next_key(key)
    document = WHOLE[-1].document.replace(b'"sequence":11', b'"sequence":12')
    last = AuditRecord(stream=STREAM, sequence=11, document=document, mac=link(key, document, cut[-1].mac))
    verdict = judged([*cut, last])
    assert (verdict.ended, kinds(verdict)) == (False, {Finding.REORDERED, Finding.OPEN_END})


def test_checkpoints_of_years_are_sorted_and_not_compared_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0

    def counted(self: Checkpoint, other: object) -> bool:
        nonlocal compared
        compared += 1
        return self is other

    kept = [
        Checkpoint(stream=STREAM, count=count, head=b"", at=AT, key="notary", signature=b"")
        for count in range(1, 301)
    ]
    monkeypatch.setattr(Checkpoint, "__eq__", counted)
    begun = Verification.of(STREAM, KEY, kept, lambda each: each.count % 2 == 0)
    assert compared <= len(kept)
    verdict = begun.verdict(AT)
    forged = [each.first for each in verdict.found if each.finding is Finding.CHECKPOINT_FORGED]
    assert forged == list(range(0, 2 * len(forged), 2))
