"""Checkpoints in a file that is only added to: one JSON object a line, on the disk before anybody is told.

It stands for storage that nobody can take anything from: S3 with Object Lock in compliance mode, in an account of its
own. There each line is an object, ``<stream>/<count>-<digest of the line>.json``, put with ``If-None-Match: *`` by a role
that may do nothing but put; the verifier's role lists and gets (docs/operations/audit.md).

The file may be another host's, mounted, or one that the system lets nobody truncate (``chattr +a``). Any number of
processes write to it.
"""

import asyncio
import fcntl
import json
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final, ParamSpec, TypeVar

from fintech.domain.audit import Checkpoint
from fintech.ports.audit_trail import CheckpointStore
from fintech.ports.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

#: No line of ours is longer; what is has no place here.
LINE_MAX: Final = 4_096

_log = logging.getLogger(__name__)


class FileCheckpoints(CheckpointStore):
    """The file is made when the first checkpoint is kept, for its owner's eyes only. What it remembers of it is where each
    stream's lines are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._places: dict[str, list[int]] = defaultdict(list)
        self._read_bytes = 0

    async def keep(self, checkpoint: Checkpoint) -> None:
        await self._done(self._append, _line(checkpoint))

    async def of(self, stream: str) -> Sequence[Checkpoint]:
        return await self._done(self._of, stream)

    async def streams(self, after: str, limit: int) -> Sequence[str]:
        names = await self._done(self._names)
        return [name for name in names if name > after][:limit]

    async def _done(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(work, *arguments, **named)
        except OSError as error:
            raise StoreUnavailable(f"checkpoints cannot be kept or read: {error.strerror}") from error

    def _append(self, line: bytes) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = (
                size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            )  # somebody was killed in its middle
            whole = b"\n" + line if torn else line
            if os.write(descriptor, whole) != len(whole):
                raise OSError(28, "the disk is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if size == 0:
            _sync(self._path.parent)

    def _of(self, stream: str) -> list[Checkpoint]:
        with self._lock:
            self._catch_up()
            places = list(self._places.get(stream, ()))
        if not places:
            return []
        found: dict[Checkpoint, None] = {}
        with self._path.open("rb") as file:
            for place in places:
                file.seek(place)
                checkpoint = _checkpoint(file.readline(LINE_MAX))
                if checkpoint is not None:
                    found[checkpoint] = None
        return sorted(found, key=lambda each: each.count)

    def _names(self) -> list[str]:
        with self._lock:
            self._catch_up()
            return sorted(self._places)

    def _catch_up(self) -> None:
        """Note where the lines are that were written since the last time."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._read_bytes)
            for place, line in _lines(file, self._read_bytes):
                checkpoint = _checkpoint(line)
                if checkpoint is None:
                    _log.warning("a line is no checkpoint", extra={"at_byte": place})
                else:
                    self._places[checkpoint.stream].append(place)
                self._read_bytes = place + len(line)


def _lines(file: BinaryIO, place: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines and where they begin; what has no end yet is left for the next time."""
    while (line := file.readline(LINE_MAX)) and (line.endswith(b"\n") or len(line) == LINE_MAX):
        yield place, line
        place += len(line)


def _line(checkpoint: Checkpoint) -> bytes:
    members = {
        "stream": checkpoint.stream,
        "count": checkpoint.count,
        "head": checkpoint.head.hex(),
        "at": checkpoint.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "key": checkpoint.key,
        "signature": checkpoint.signature.hex(),
    }
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"


def _checkpoint(line: bytes) -> Checkpoint | None:
    try:
        members = json.loads(line)
        return Checkpoint(
            stream=str(members["stream"]),
            count=int(members["count"]),
            head=bytes.fromhex(members["head"]),
            at=datetime.fromisoformat(members["at"]),
            key=str(members["key"]),
            signature=bytes.fromhex(members["signature"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
