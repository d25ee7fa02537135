"""Verifying a stream of the audit trail: its first key, its records and its checkpoints, and what is wrong with them.

Keys depend on the place of a record and on nothing else, so each record is judged by itself: one that was changed is
named, and those behind it can still be trusted; but for the first behind a gap, whose link was made with what is missing.
"""

import hmac
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

from fintech.domain.audit import START, AuditAction, AuditRecord, Checkpoint, link, next_key

#: How many findings about one stream are named; more of them are only counted.
FINDINGS_MAX: Final = 100
#: How many missing records are stepped over; behind more of them nothing of a stream is believed.
STEPS_MAX: Final = 1_000_000
#: A record that no checkpoint covers for so long is worth a note: a notary was away for long, or was kept away.
WITNESS_LATE: Final = timedelta(minutes=15)

#: Whether a checkpoint was signed by a notary that is known.
Genuine: TypeAlias = Callable[[Checkpoint], bool]


class Finding(StrEnum):
    """What is wrong with a stream."""

    CHANGED = "changed"  #: a record's text or link is not what was written
    DROPPED = "dropped"  #: records are missing before others
    REORDERED = "reordered"  #: a record stands in another's place, or in another stream
    TRUNCATED = "truncated"  #: records are missing at the end that a checkpoint has counted
    FORGED = "forged"  #: a whole chain that is not what the notary signed, or that goes on behind its end
    CHECKPOINT_FORGED = "checkpoint_forged"  #: a checkpoint that no known notary signed
    STREAM_MISSING = "stream_missing"  #: there are checkpoints of a stream that is not there
    KEY_MISSING = "key_missing"  #: the first key cannot be had, so nothing can be said
    OPEN_END = (
        "open_end"  #: no entry says that it ended: it goes on, was killed, or was cut behind a checkpoint
    )
    UNWITNESSED = "unwitnessed"  #: records that no checkpoint covers, or that were covered late


#: What is to be known and proves nothing: every process that was killed leaves such a stream.
NOTES: Final = frozenset({Finding.OPEN_END, Finding.UNWITNESSED})


@frozen
class Found:
    """A finding about the records ``first`` to ``last`` of a stream."""

    finding: Finding
    first: int
    last: int

    @property
    def fault(self) -> bool:
        """Whether somebody has been at it."""
        return self.finding not in NOTES


@frozen(kw_only=True)
class Verdict:
    """What verifying a stream came to. ``count`` is how many records there are, ``witnessed`` how many of them a genuine
    checkpoint covers. ``unnamed`` is how many findings are not among ``found``."""

    stream: str
    count: int
    witnessed: int
    ended: bool
    found: tuple[Found, ...]
    unnamed: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the stream."""
        return not any(each.fault for each in self.found)


def verify(
    stream: str,
    first_key: bytes,
    records: Iterable[AuditRecord],
    checkpoints: Sequence[Checkpoint],
    genuine: Genuine,
    now: datetime,
) -> Verdict:
    """The verdict about a stream that is at hand as a whole."""
    verification = Verification.of(stream, first_key, checkpoints, genuine)
    for record in records:
        verification.take(record)
    return verification.verdict(now)


@define(kw_only=True)
class Verification:
    """A stream on its way to a verdict: give it the records page by page. What it keeps does not grow with them."""

    stream: str
    _key: bytes = field(repr=False)
    _checkpoints: Sequence[Checkpoint]
    _next: int = 0
    #: What the next record may be chained to: two where it cannot be told which of them was changed, none behind a gap.
    _before: tuple[bytes, ...] = (START,)
    _count: int = 0
    _ended: bool = False
    _lost: bool = False
    _late: tuple[int, int] | None = None
    _unwitnessed_since: str | None = None
    _found: list[Found] = field(factory=list)
    _unnamed: int = 0

    @classmethod
    def of(
        cls, stream: str, first_key: bytes, checkpoints: Sequence[Checkpoint], genuine: Genuine
    ) -> "Verification":
        """Nothing has been read yet but the checkpoints."""
        believed: list[Checkpoint] = []
        begun = cls(stream=stream, key=first_key, checkpoints=believed)
        for each in checkpoints:
            if each.stream == stream and genuine(each):
                believed.append(each)
            else:
                begun._find(Finding.CHECKPOINT_FORGED, each.count - 1)
        believed.sort(key=lambda each: each.count)
        return begun

    def take(self, record: AuditRecord) -> None:
        """The next record, as it is kept."""
        self._count += 1
        if self._lost:
            return
        if record.sequence < self._next:
            self._find(Finding.REORDERED, record.sequence)
            return
        if record.sequence > self._next and not self._stepped_over(record.sequence):
            self._lost = True
            return
        if self._ended:
            self._find(Finding.FORGED, record.sequence)
        sound, members = self._judge(record)
        self._witness(record, sound, members)
        self._ended = self._ended or (sound and members.get("action") == AuditAction.STREAM_ENDED)
        self._key = next_key(self._key)
        self._next += 1

    def verdict(self, now: datetime) -> Verdict:
        """What it came to, once the last record has been taken."""
        last = self._checkpoints[-1].count if self._checkpoints else 0
        if last > self._next:
            self._find(Finding.TRUNCATED, self._next, last - 1)
        if not self._ended:
            self._find(Finding.OPEN_END, self._next)
        if self._unwitnessed_since is not None and _late(self._unwitnessed_since, now):
            self._cover_late(last, self._next - 1)
        if self._late is not None:
            self._find(Finding.UNWITNESSED, *self._late)
        return Verdict(
            stream=self.stream,
            count=self._count,
            witnessed=min(last, self._next),
            ended=self._ended,
            found=tuple(self._found),
            unnamed=self._unnamed,
        )

    def _stepped_over(self, sequence: int) -> bool:
        """Whether what is behind the gap can be read with its key."""
        self._find(Finding.DROPPED, self._next, sequence - 1)
        if sequence - self._next > STEPS_MAX:
            return False
        for _ in range(sequence - self._next):
            self._key = next_key(self._key)
        self._next, self._before = sequence, ()
        return True

    def _judge(self, record: AuditRecord) -> tuple[bool, dict[str, Any]]:
        """Whether the record is what was written in this place, and what it says."""
        links = [link(self._key, record.document, before) for before in self._before]
        chained = not links or any(hmac.compare_digest(each, record.mac) for each in links)
        members = _members(record.document)
        here = (record.stream, members.get("stream"), members.get("sequence"))
        in_place = here == (self.stream, self.stream, self._next)
        if not in_place and members:
            self._find(Finding.REORDERED, self._next)
        elif not chained or not members:
            self._find(Finding.CHANGED, self._next)
        sound = chained and in_place
        self._before = (record.mac,) if chained else (record.mac, *links)
        return sound, members

    def _witness(self, record: AuditRecord, sound: bool, members: dict[str, Any]) -> None:
        at = str(members.get("at", ""))
        count = self._next + 1
        place = bisect_left(self._checkpoints, count, key=lambda each: each.count)
        if place < len(self._checkpoints):
            covering = self._checkpoints[place]
            if _late(at, covering.at):
                self._cover_late(self._next, self._next)
        elif self._unwitnessed_since is None:
            self._unwitnessed_since = at
        while place < len(self._checkpoints) and self._checkpoints[place].count == count:
            if sound and not hmac.compare_digest(self._checkpoints[place].head, record.mac):
                self._find(Finding.FORGED, self._next)
            place += 1

    def _cover_late(self, first: int, last: int) -> None:
        self._late = (min(first, self._late[0]), max(last, self._late[1])) if self._late else (first, last)

    def _find(self, finding: Finding, first: int, last: int | None = None) -> None:
        if len(self._found) < FINDINGS_MAX:
            self._found.append(Found(finding, first, first if last is None else last))
        else:
            self._unnamed += 1


def _members(document: bytes) -> dict[str, Any]:
    try:
        members = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _late(at: str, covered: datetime) -> bool:
    try:
        return covered - datetime.fromisoformat(at) > WITNESS_LATE
    except (ValueError, TypeError):
        return False
