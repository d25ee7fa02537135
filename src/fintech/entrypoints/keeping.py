"""Where a core keeps what it keeps, and what finds it again: a database, or this process's memory. Names the latter's adapters."""

from attrs import frozen

from fintech.adapters.memory.audit_sink import MemoryAuditSink, MemoryCheckpoints
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import MemoryStore
from fintech.ports.audit_trail import AuditSink, CheckpointStore
from fintech.ports.clock import Clock
from fintech.ports.key_table import KeyTable
from fintech.ports.outbox import Outbox
from fintech.ports.proofs import Proofs
from fintech.ports.protected_store import ProtectedStore
from fintech.ports.queries import Queries
from fintech.ports.store import Store


@frozen
class Ports:
    """What is different from one kind of store to the other, by the names that the core has for it."""

    store: Store
    queries: Queries
    proofs: Proofs
    outbox: Outbox
    key_table: KeyTable
    protected: ProtectedStore
    audit_sink: AuditSink
    checkpoints: CheckpointStore


def kept_in_memory(clock: Clock) -> Ports:
    """For as long as the process lives."""
    store = MemoryStore(clock)
    return Ports(
        store=store,
        queries=MemoryQueries(store.memory),
        proofs=MemoryProofs(store.memory),
        outbox=MemoryOutbox(store.memory),
        key_table=MemoryKeyTable(),
        protected=MemoryProtectedStore(),
        audit_sink=MemoryAuditSink(),
        checkpoints=MemoryCheckpoints(),
    )
