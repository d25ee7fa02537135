"""How a stream begins: its first key, made by the root and sealed for the verifier, and the chain that it is the key of."""

from typing import TypeVar

from attrs import define, field, frozen

from fintech.domain.audit import START, AuditEntry, AuditRecord, document_of, link, next_key
from fintech.domain.keys.custody import CmkName
from fintech.domain.outcome import Failure, Outcome
from fintech.ports.audit_trail import Stream, first_key_context
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_root import KeyRoot, RootRefused

T = TypeVar("T")


@frozen(kw_only=True)
class Sealing:
    """How first keys are made: by the root key ``cmk``, for the environment that it knows us as. ``reader``: another root
    key, which only the verifier may use, that they are then wrapped by; without it, whoever may ask the root as this
    process does can have them again."""

    root: KeyRoot
    cmk: CmkName
    environment: str
    reader: CmkName | None = None

    async def begun(self, name: str, clock: Clock) -> "tuple[Stream, Chain]":
        """A new stream, of which nobody has heard yet, and its chain. Raises `AuditUnavailable`."""
        context, cmk = first_key_context(self.environment), self.cmk
        wrapped = _given(await self.root.create(cmk, context))
        key = _given(await self.root.unwrap(cmk, context, wrapped))
        if self.reader is not None:
            wrapped = _given(await self.root.rewrap(cmk, context, wrapped, self.reader, readable=False))
            cmk = self.reader
        stream = Stream(
            name=name, started_at=clock.now(), cmk=cmk, sealed_key=wrapped.blob, grant=wrapped.grant
        )
        return stream, Chain(name, key)


@define
class Chain:
    """Where the stream stands: the key of the next entry, and what it is chained to."""

    stream: str
    key: bytearray = field(repr=False)
    head: bytes = START
    next: int = 0

    def record(self, entry: AuditEntry) -> AuditRecord:
        """The entry in its place. The key that it was chained with is gone then."""
        document = document_of(self.stream, self.next, entry)
        self.head = link(self.key, document, self.head)
        record = AuditRecord(stream=self.stream, sequence=self.next, document=document, mac=self.head)
        self.key[:] = next_key(self.key)
        self.next += 1
        return record


def _given(outcome: Outcome[T, RootRefused]) -> T:
    if isinstance(outcome, Failure):
        refused = outcome.failure()
        raise AuditUnavailable(f"the root makes no key for the audit trail: {refused.fault} ({refused.code})")
    return outcome.unwrap()
