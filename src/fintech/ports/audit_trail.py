"""The audit trail, as whoever acts writes to it and whoever verifies it reads it."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from fintech.domain.audit import AuditEntry, AuditRecord


@frozen(kw_only=True)
class Stream:
    """A process's stream. ``sealed_key`` is its first key as only the verifier can have it. ``name`` is unique."""

    name: str
    started_at: datetime
    sealed_key: bytes = field(repr=False)


@frozen(kw_only=True)
class Checkpoint:
    """Where a stream stood, signed by somebody outside: its entries so far, and the last one's link."""

    stream: str
    count: int
    head: bytes
    at: datetime
    key: str
    signature: bytes


@runtime_checkable
class AuditTrail(Protocol):
    """What those who act are given."""

    @abstractmethod
    async def write(self, entry: AuditEntry) -> None:
        """Durable when it returns. Raises `AuditUnavailable`."""


@runtime_checkable
class AuditSink(Protocol):
    """Where streams are kept. Appended to and read, never changed. Raises `StoreUnavailable`."""

    @abstractmethod
    async def begin(self, stream: Stream) -> None:
        """A new stream."""

    @abstractmethod
    async def append(self, records: Sequence[AuditRecord]) -> None:
        """Records of one stream, following those that are there; refused with an exception otherwise."""

    @abstractmethod
    async def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint, where whoever can change the records cannot change it."""

    @abstractmethod
    async def streams(self, after: str, limit: int) -> Sequence[Stream]:
        """Streams by name."""

    @abstractmethod
    async def records(self, stream: str, after: int, limit: int) -> Sequence[AuditRecord]:
        """A stream's records after a number, in order."""

    @abstractmethod
    async def checkpoints(self, stream: str) -> Sequence[Checkpoint]:
        """A stream's checkpoints, in order."""
