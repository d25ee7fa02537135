"""A trail on memory, and others' parts that break as they are told."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fintech.adapters.audit.beginning import Sealing
from fintech.adapters.audit.chaining import ChainedTrail
from fintech.adapters.audit.pacing import AuditPacing
from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.adapters.memory.audit_sink import MemoryAuditSink, MemoryCheckpoints
from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.audit import (
    AuditAction,
    AuditEntry,
    AuditRecord,
    AuditResult,
    Checkpoint,
    checkpoint_document,
    entry_of,
)
from fintech.domain.audit_verification import Verdict, verify
from fintech.domain.scope import Face
from fintech.ports.audit_trail import (
    PAGE_MAX,
    AppendRefused,
    AuditFigures,
    AuditSink,
    CheckpointStore,
    Stream,
    first_key_context,
)
from fintech.ports.errors import NotaryUnavailable, StoreUnavailable
from fintech.ports.key_root import KeyRoot, Wrapped
from fintech.ports.signatures import Notary, SignatureChecker

AT = ManualClock().now()
ENVIRONMENT = "tests"
#: Nothing waits for a clock here.
QUICK = AuditPacing(checkpoint_s=0.01, retry_min_s=0.001, retry_max_s=0.002, patience_s=2.0, stop_s=10.0)


class ScriptedNotary(Notary, SignatureChecker):
    """Signs with a key of its own unless it is ``down``."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.down = False
        self.asked = 0

    async def sign(self, message: bytes) -> tuple[str, bytes]:
        self.asked += 1
        if self.down:
            raise NotaryUnavailable("the notary is away")
        return "notary", self._key.sign(message)

    def check(self, key: str, message: bytes, signature: bytes) -> bool:
        try:
            self._key.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return key == "notary"

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({"notary"})


class LineDown(StoreUnavailable):
    """The line to the sink was cut."""


class BreakingSink(MemoryAuditSink):
    """``script`` says what becomes of the next calls: ``ok``, ``before`` (cut before anything is done), ``after`` (cut when
    it was done), ``late`` (cut, and done when the sink is next asked to append). Then all is well."""

    def __init__(self, script: Iterable[str] = ()) -> None:
        super().__init__()
        self.script = deque(script)
        self.appends = 0
        self._late: list[Sequence[AuditRecord]] = []

    async def begin(self, stream: Stream) -> None:
        told = self._told()
        if told != "before":
            await super().begin(stream)
        if told != "ok":
            raise LineDown

    async def append(self, records: Sequence[AuditRecord]) -> None:
        self.appends += 1
        await asyncio.sleep(0)
        while self._late:
            with suppress(AppendRefused):  # it had landed meanwhile
                await super().append(self._late.pop())
        told = self._told()
        if told in ("ok", "after"):
            await super().append(records)
        if told == "late":
            self._late.append(records)
        if told != "ok":
            raise LineDown

    async def end(self, stream: str) -> AuditRecord | None:
        if self._told() != "ok":
            raise LineDown
        return await super().end(stream)

    def _told(self) -> str:
        return self.script.popleft() if self.script else "ok"


class Desk:
    """A trail, and all that it stands on."""

    def __init__(
        self,
        *,
        sink: AuditSink | None = None,
        checkpoints: CheckpointStore | None = None,
        pacing: AuditPacing = QUICK,
        sealing: Sealing | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.root = LocalRoot()
        self.notary = ScriptedNotary()
        self.sink = sink or MemoryAuditSink()
        self.checkpoints = checkpoints or MemoryCheckpoints()
        self.figures = AuditFigures()
        self.sealing = sealing or Sealing(root=self.root, cmk=LOCAL_CMK, environment=ENVIRONMENT)
        self.ids = CountingIdSource()
        self.pacing = pacing
        self.trail = self.another()

    def another(self) -> ChainedTrail:
        """Another process's."""
        return ChainedTrail(
            sink=self.sink,
            checkpoints=self.checkpoints,
            sealing=self.sealing,
            notary=self.notary,
            clock=self.clock,
            ids=self.ids,
            origin="host:1",
            figures=self.figures,
            pacing=self.pacing,
        )

    def genuine(self, checkpoint: Checkpoint) -> bool:
        """Whether the notary signed it."""
        signed = checkpoint_document(
            ENVIRONMENT, checkpoint.stream, checkpoint.count, checkpoint.head, checkpoint.at
        )
        return self.notary.check(checkpoint.key, signed, checkpoint.signature)

    async def streams(self) -> Sequence[Stream]:
        """All of them."""
        return await self.sink.streams("", 100)

    async def first_key(self, stream: Stream) -> bytes:
        """As the verifier gets it."""
        return await first_key(self.sealing.root, stream)

    async def records(self, stream: Stream) -> Sequence[AuditRecord]:
        """Up to a page of them."""
        return await self.sink.records(stream.name, -1, PAGE_MAX)

    async def verdicts(self, now: datetime | None = None) -> list[Verdict]:
        """About every stream."""
        return [
            verify(
                each.name,
                await self.first_key(each),
                await self.records(each),
                await self.checkpoints.of(each.name),
                self.genuine,
                now or self.clock.now(),
            )
            for each in await self.streams()
        ]

    async def told(self) -> list[AuditEntry]:
        """What is written in all streams."""
        entries = [
            entry_of(record.document) for each in await self.streams() for record in await self.records(each)
        ]
        return [each for each in entries if each is not None]

    async def subjects(self) -> list[str]:
        """Of those entries that tests wrote."""
        return [each.subject for each in await self.told() if each.action is AuditAction.REVEALED]


async def first_key(root: KeyRoot, stream: Stream) -> bytes:
    """A stream's first key."""
    wrapped = Wrapped(stream.sealed_key, stream.grant)
    return bytes((await root.unwrap(stream.cmk, first_key_context(ENVIRONMENT), wrapped)).unwrap())


def entry(subject: str = "pm_1", **changes: object) -> AuditEntry:
    """An entry like any other."""
    told: dict[str, object] = {
        "at": AT,
        "actor": "officer",
        "face": Face.CLI,
        "action": AuditAction.REVEALED,
        "result": AuditResult.DONE,
        "subject": subject,
    }
    return AuditEntry(**told | changes)  # type: ignore[arg-type] # told by name, as the class has them
