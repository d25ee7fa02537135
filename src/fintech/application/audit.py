"""The audit trail: verifying it, and reading it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from attrs import field, frozen

from fintech.domain.audit import (
    AuditAction,
    AuditEntry,
    AuditRecord,
    AuditResult,
    Checkpoint,
    checkpoint_document,
    entry_of,
)
from fintech.domain.audit_verification import Finding, Found, Verdict, Verification
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor
from fintech.ports.audit_trail import (
    PAGE_MAX,
    AuditQuery,
    AuditSink,
    AuditTrail,
    CheckpointStore,
    Stream,
    first_key_context,
)
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_root import KeyRoot, RootFault, Wrapped
from fintech.ports.signatures import SignatureChecker

T = TypeVar("T")

#: How many streams are listed at once.
STREAMS_MAX: Final = 100


class FirstKeys(Protocol):
    """Where the first keys of streams are had from."""

    async def of(self, stream: Stream) -> bytes | None:
        """A stream's first key, or None where it is not to be had. Raises `AuditUnavailable` where nobody can tell now."""


@frozen(kw_only=True)
class SealedFirstKeys(FirstKeys):
    """Unsealed by the root, which has to let us."""

    root: KeyRoot
    environment: str

    async def of(self, stream: Stream) -> bytes | None:
        wrapped = Wrapped(stream.sealed_key, stream.grant)
        outcome = await self.root.unwrap(stream.cmk, first_key_context(self.environment), wrapped)
        if not isinstance(outcome, Failure):
            return bytes(outcome.unwrap())
        if outcome.failure().fault is RootFault.UNREACHABLE:
            raise AuditUnavailable(f"the root does not unseal first keys: {outcome.failure().code}")
        return None


@frozen(kw_only=True)
class KnownFirstKeys(FirstKeys):
    """Unsealed before, by somebody whom the root lets."""

    keys: Mapping[str, bytes] = field(repr=False)

    async def of(self, stream: Stream) -> bytes | None:
        return self.keys.get(stream.name)


@frozen(kw_only=True)
class VerifyAudit:
    """Verifies streams one after the other, in pages: what it needs of memory does not grow with them."""

    sink: AuditSink
    checkpoints: CheckpointStore
    signatures: SignatureChecker
    first_keys: FirstKeys
    clock: Clock
    environment: str

    async def __call__(self, after: str = "") -> AsyncIterator[Verdict]:
        """The verdict about each stream after one, by name, also about those that only checkpoints know of."""
        checked = _all(self.checkpoints.streams, after, lambda name: name)
        waiting = await anext(checked, None)
        async for stream in _all(self.sink.streams, after, lambda each: each.name):
            while waiting is not None and waiting < stream.name:
                yield await self._missing(waiting)
                waiting = await anext(checked, None)
            if waiting == stream.name:
                waiting = await anext(checked, None)
            yield await self.verdict(stream)
        while waiting is not None:
            if await self.sink.end(waiting) is None:  # else it was begun since the last stream was read
                yield await self._missing(waiting)
            waiting = await anext(checked, None)

    async def verdict(self, stream: Stream) -> Verdict:
        """The verdict about one."""
        checkpoints = await self.checkpoints.of(stream.name)  # before the records: it goes on meanwhile
        key = await self.first_keys.of(stream)
        if key is None:
            return await self._without_key(stream.name, checkpoints)
        verification = Verification.of(stream.name, key, checkpoints, self._genuine)
        page: Sequence[AuditRecord] = await self.sink.records(stream.name, -1, PAGE_MAX)
        while page:
            for record in page:
                verification.take(record)
            page = await self.sink.records(stream.name, page[-1].sequence, PAGE_MAX)
        return verification.verdict(self.clock.now())

    async def _missing(self, name: str) -> Verdict:
        counts = [each.count for each in await self.checkpoints.of(name)]
        found = Found(Finding.STREAM_MISSING, 0, max(counts, default=1) - 1)
        return Verdict(stream=name, count=0, witnessed=0, ended=False, found=(found,))

    async def _without_key(self, name: str, checkpoints: Sequence[Checkpoint]) -> Verdict:
        end = await self.sink.end(name)
        last = max([each.count for each in checkpoints] + [0 if end is None else end.sequence + 1]) - 1
        found = Found(Finding.KEY_MISSING, 0, max(last, 0))
        return Verdict(stream=name, count=0, witnessed=0, ended=False, found=(found,))

    def _genuine(self, checkpoint: Checkpoint) -> bool:
        signed = checkpoint_document(
            self.environment, checkpoint.stream, checkpoint.count, checkpoint.head, checkpoint.at
        )
        return self.signatures.check(checkpoint.key, signed, checkpoint.signature)


@frozen(kw_only=True)
class ReadAudit:
    """Reads entries. That somebody reads is written down first (PCI DSS 10.2.1.3)."""

    sink: AuditSink
    audit: AuditTrail
    clock: Clock

    async def __call__(self, actor: Actor, query: AuditQuery, limit: int) -> Sequence[AuditRecord]:
        """The newest ``limit`` records that tell what is asked for, newest first. Raises `AuditUnavailable`."""
        asked = {
            "since": query.since.isoformat(),
            "until": query.until.isoformat(),
            "actor": query.actor,
            "action": query.action,
        }
        await self.audit.write(
            AuditEntry(
                at=self.clock.now(),
                actor=actor.name,
                face=actor.face,
                action=AuditAction.AUDIT_READ,
                result=AuditResult.DONE,
                subject="audit",
                merchant=query.merchant,
                request=actor.request,
                details={name: value for name, value in asked.items() if value is not None},
            )
        )
        return await self.sink.find(query, limit)


@frozen(kw_only=True)
class UnsealFirstKeys:
    """Unseals first keys for somebody who verifies without the root. Whoever has a stream's first key could write that
    stream anew, but for what a checkpoint covers: so it is given for streams that have ended, and written down first."""

    sink: AuditSink
    audit: AuditTrail
    root: KeyRoot
    environment: str
    clock: Clock

    async def __call__(self, actor: Actor) -> Mapping[str, bytes]:
        """First keys by stream, of those that have ended and that the root lets us unseal. Raises `AuditUnavailable`."""
        await self.audit.write(
            AuditEntry(
                at=self.clock.now(),
                actor=actor.name,
                face=actor.face,
                action=AuditAction.AUDIT_KEYS_GIVEN,
                result=AuditResult.DONE,
                subject="first keys",
                request=actor.request,
            )
        )
        first_keys = SealedFirstKeys(root=self.root, environment=self.environment)
        given: dict[str, bytes] = {}
        async for stream in _all(self.sink.streams, "", lambda each: each.name):
            key = await first_keys.of(stream) if await self._ended(stream) else None
            if key is not None:
                given[stream.name] = key
        return given

    async def _ended(self, stream: Stream) -> bool:
        end = await self.sink.end(stream.name)
        entry = None if end is None else entry_of(end.document)
        return entry is not None and entry.action is AuditAction.STREAM_ENDED


async def _all(
    read: Callable[[str, int], Awaitable[Sequence[T]]], after: str, name_of: Callable[[T], str]
) -> AsyncIterator[T]:
    """A list by name, page by page."""
    while page := await read(after, STREAMS_MAX):
        for each in page:
            yield each
        after = name_of(page[-1])
