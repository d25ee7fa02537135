"""Memory keeps the promise of an audit sink and of a checkpoint store."""

import pytest

from fintech.adapters.memory.audit_sink import MemoryAuditSink, MemoryCheckpoints
from fintech.ports.contracts.audit_sink import AuditSinkContract, CheckpointStoreContract


@pytest.fixture
def sink() -> MemoryAuditSink:
    return MemoryAuditSink()


@pytest.fixture
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


@pytest.fixture
def again(checkpoints: MemoryCheckpoints) -> MemoryCheckpoints:
    return checkpoints


class TestMemoryAuditSink(AuditSinkContract): ...


class TestMemoryCheckpoints(CheckpointStoreContract): ...
