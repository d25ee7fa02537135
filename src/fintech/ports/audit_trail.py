"""The audit trail, as whoever acts writes to it and whoever verifies it reads it."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from attrs import define, field, frozen

from fintech.domain.audit import AuditAction, AuditEntry, AuditRecord, Checkpoint
from fintech.domain.keys.custody import AUDIT, CmkName
from fintech.domain.scope import Scope
from fintech.ports.key_root import WrapContext

#: How many records are appended at once at most, and read at once.
APPEND_MAX: Final = 1_000
PAGE_MAX: Final = 1_000
#: Versions of the platform's keys are numbered from 1 on; what is wrapped under 0 are first keys of streams.
STREAM_KEYS: Final = 0


@frozen(kw_only=True)
class Stream:
    """A process's stream. ``sealed_key`` is its first key, wrapped by the root key ``cmk`` (``grant`` as in `Wrapped`), as
    only the verifier can have it. ``name`` is unique, and later ones sort behind earlier ones."""

    name: str
    started_at: datetime
    cmk: CmkName
    sealed_key: bytes = field(repr=False)
    grant: str | None = None


@frozen(kw_only=True)
class AuditQuery:
    """Which entries. ``since`` is inclusive, ``until`` exclusive."""

    since: datetime
    until: datetime
    merchant: str | None = None
    actor: str | None = None
    action: AuditAction | None = None


@define
class AuditFigures:
    """What a process's trail counts. ``refused`` are entries that nobody could be told are there, ``uncovered`` those that
    no checkpoint covers, the oldest of them since ``uncovered_since``."""

    entries: int = 0
    refused: int = 0
    failing: bool = False
    checkpoints: int = 0
    checkpoint_failures: int = 0
    checkpoints_failing: bool = False
    uncovered: int = 0
    uncovered_since: datetime | None = None


class AppendRefused(Exception):
    """The records do not follow those that are there, or belong to a stream that was never begun. Nothing was kept."""


def first_key_context(environment: str) -> WrapContext:
    """In whose name first keys are wrapped: nobody's whose keys are moved or shredded, for then permissions are withdrawn."""
    return WrapContext(environment, Scope(AUDIT, livemode=True), STREAM_KEYS)


def require_one_run(records: Sequence[AuditRecord]) -> None:
    """Raises ``ValueError`` unless these are 1 to `APPEND_MAX` records of one stream, one after the other."""
    if not 0 < len(records) <= APPEND_MAX:
        message = f"1 to {APPEND_MAX} records are appended at once"
        raise ValueError(message)
    first = records[0]
    if any(
        (each.stream, each.sequence - place) != (first.stream, first.sequence)
        for place, each in enumerate(records)
    ):
        message = "records are appended that are of one stream, one after the other"
        raise ValueError(message)


@runtime_checkable
class AuditTrail(Protocol):
    """What those who act are given."""

    @abstractmethod
    async def write(self, entry: AuditEntry) -> None:
        """Durable when it returns. Raises `AuditUnavailable`, and then it may be in the trail all the same: that something
        was tried, and not that it was done."""


@runtime_checkable
class AuditSink(Protocol):
    """Where streams are kept. Appended to and read, never changed. Raises `StoreUnavailable`."""

    @abstractmethod
    async def begin(self, stream: Stream) -> None:
        """A new stream. The same one handed in again is kept once; another one of its name raises `AppendRefused`."""

    @abstractmethod
    async def append(self, records: Sequence[AuditRecord]) -> None:
        """Up to `APPEND_MAX` records of one stream, all or none, that follow those that are there; else `AppendRefused`.
        Raises ``ValueError`` as `require_one_run` does."""

    @abstractmethod
    async def end(self, stream: str) -> AuditRecord | None:
        """The last record of a stream, or None where it has none."""

    @abstractmethod
    async def streams(self, after: str, limit: int) -> Sequence[Stream]:
        """Up to ``limit`` streams by name, after one."""

    @abstractmethod
    async def records(self, stream: str, after: int, limit: int) -> Sequence[AuditRecord]:
        """Up to ``limit`` of a stream's records after a number, in order."""

    @abstractmethod
    async def find(self, query: AuditQuery, limit: int) -> Sequence[AuditRecord]:
        """The newest ``limit`` records of all streams that tell what is asked for, newest first. Nothing is proved of
        them: that is what verifying is for."""


@runtime_checkable
class CheckpointStore(Protocol):
    """Where checkpoints are kept: out of reach of whoever can change the records. Raises `StoreUnavailable`."""

    @abstractmethod
    async def keep(self, checkpoint: Checkpoint) -> None:
        """Durable when it returns. One that is there already is kept once."""

    @abstractmethod
    async def of(self, stream: str) -> Sequence[Checkpoint]:
        """A stream's checkpoints, by count."""

    @abstractmethod
    async def streams(self, after: str, limit: int) -> Sequence[str]:
        """Up to ``limit`` names of streams that have checkpoints, in order, after one."""
