"""An entry has one spelling, which breaks no line and no row; keys go one way."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.audit import (
    DETAILS_MAX,
    TEXT_MAX,
    AuditAction,
    AuditEntry,
    AuditResult,
    checkpoint_document,
    document_of,
    entry_of,
    link,
    next_key,
)
from fintech.domain.scope import Face

AT = datetime(2026, 11, 24, 3, 4, 5, 6, tzinfo=UTC)
STREAM = "aud_" + "1" * 24
TEXTS = st.text(max_size=TEXT_MAX + 5)

ENTRIES = st.builds(
    AuditEntry,
    at=st.datetimes(timezones=st.just(UTC)),
    actor=TEXTS,
    face=st.sampled_from(Face),
    action=st.sampled_from(AuditAction),
    result=st.sampled_from(AuditResult),
    subject=TEXTS,
    merchant=st.none() | TEXTS,
    livemode=st.none() | st.booleans(),
    origin=st.none() | TEXTS,
    request=st.none() | TEXTS,
    details=st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=4),
)


@given(ENTRIES)
def test_a_document_is_one_line_of_ascii_and_says_what_the_entry_does(entry: AuditEntry) -> None:
    document = document_of(STREAM, 7, entry)
    assert document.isascii()
    assert b"\n" not in document
    assert json.loads(document)["sequence"] == 7
    told = entry_of(document)
    assert told is not None
    assert document_of(STREAM, 7, told) == document
    assert (told.at, told.action, told.result, told.livemode) == (
        entry.at,
        entry.action,
        entry.result,
        entry.livemode,
    )
    for text in (told.actor, told.subject, told.merchant or "", *map(str, told.details.values())):
        assert text.isprintable()


def test_moments_of_all_time_zones_sort_as_texts() -> None:
    sydney = timezone(timedelta(hours=11))
    moments = [AT.astimezone(sydney), AT.replace(microsecond=0) + timedelta(seconds=1)]
    spelt = [json.loads(document_of(STREAM, 0, entry_with(at=each)))["at"] for each in moments]
    assert spelt == ["2026-11-24T03:04:05.000006+00:00", "2026-11-24T03:04:06.000000+00:00"]


def test_an_entry_has_so_many_details_and_no_more() -> None:
    document_of(STREAM, 0, entry_with(details={str(each): each for each in range(DETAILS_MAX)}))
    with pytest.raises(ValueError, match="details"):
        document_of(STREAM, 0, entry_with(details={str(each): each for each in range(DETAILS_MAX + 1)}))


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b"\xff", b'{"at": 1}', b"[" * 100_000], ids=lambda it: str(it[:8])
)
def test_what_tells_no_entry_is_none(document: bytes) -> None:
    assert entry_of(document) is None


def test_the_chain_is_this_one_for_ever() -> None:
    """Worked out apart from the code, with Python's own hmac: every release verifies what older ones wrote."""
    key, document = bytes(range(32)), b'{"a":1}'
    assert next_key(key).hex() == next_key(bytearray(key)).hex() == NEXT
    assert link(key, document, bytes(32)).hex() == LINK
    assert checkpoint_document("test", STREAM, 3, bytes(32), AT) == (
        b'{"at":"2026-11-24T03:04:05.000006+00:00","audit_checkpoint":1,"count":3,"environment":"test","head":"'
        + b"00" * 32
        + b'","stream":"aud_111111111111111111111111"}'
    )


NEXT = "774ecb6dd4c839a29f6a0c9dcebaab91fe71309e242273160a6f259c05cd7873"
LINK = "296cffb0f55018671c0d6436329f5b978a4822499993d23689a174d935da0bc4"


def entry_with(**changes: object) -> AuditEntry:
    told: dict[str, object] = {
        "at": AT,
        "actor": "officer",
        "face": Face.CLI,
        "action": AuditAction.REVEALED,
        "result": AuditResult.DONE,
        "subject": "pm_1",
    }
    return AuditEntry(**told | changes)  # type: ignore[arg-type] # told by name, as the class has them
