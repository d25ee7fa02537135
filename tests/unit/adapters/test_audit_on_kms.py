"""First keys of the audit trail at the KMS: for a reader's eyes only, and whatever becomes of other permissions."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fintech.adapters.audit.beginning import Sealing
from fintech.adapters.crypto.kms import KmsRoot
from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.simulator.kms.permissions import FOR_READERS
from fintech.adapters.simulator.kms.server import SimulatedKms
from fintech.application.audit import SealedFirstKeys
from fintech.application.auditing import Audited
from fintech.application.keys.moving import MoveRing
from fintech.application.keys.permissions import AwaitPermission, WithdrawLeft
from fintech.domain.evolving import evolve
from fintech.domain.keys.custody import PLATFORM, CmkName, KeyRingId, new_ring
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.audit_trail import first_key_context
from fintech.ports.contracts.key_keeping import ENVIRONMENT, created, refusal
from fintech.ports.contracts.key_table import kept, key_version
from fintech.ports.key_root import RootFault, WrapContext, Wrapped
from tests.kms import kms_root
from tests.unit.application.keys.bank import Ledger


@pytest.fixture
async def kms() -> AsyncIterator[SimulatedKms]:
    async with SimulatedKms().running() as running:
        yield running


@pytest.fixture
def cmk(kms: SimulatedKms) -> CmkName:
    return CmkName(kms.roots[0].cmk)


@asynccontextmanager
async def rooted(kms: SimulatedKms) -> AsyncIterator[KmsRoot]:
    root = kms_root(kms.told())
    try:
        yield root
    finally:
        await root.close()


async def test_what_is_wrapped_for_a_reader_is_not_unwrapped_by_us(kms: SimulatedKms, cmk: CmkName) -> None:
    made = kms.as_bank("CreateKey", Description=FOR_READERS)
    reader = CmkName(made["KeyMetadata"]["Arn"])
    context = first_key_context("tests")
    async with rooted(kms) as root:
        sealing = Sealing(root=root, cmk=cmk, environment="tests", reader=reader)
        stream, chain = await sealing.begun("as_1", ManualClock())
        assert (stream.cmk, stream.grant) == (reader, None)
        assert kms.as_bank("ListGrants", KeyId=reader)["Grants"] == []
        assert (
            refusal(await root.unwrap(reader, context, Wrapped(stream.sealed_key))).fault is RootFault.DENIED
        )
        assert await SealedFirstKeys(root=root, environment="tests").of(stream) is None
    read = kms.as_bank(
        "Decrypt",
        KeyId=reader,
        CiphertextBlob=base64.b64encode(stream.sealed_key).decode(),
        EncryptionContext=dict(context.pairs()),
    )
    assert base64.b64decode(read["Plaintext"]) == bytes(chain.key)


async def test_first_keys_can_be_had_when_the_platforms_own_ring_has_moved(
    kms: SimulatedKms, cmk: CmkName
) -> None:
    """The permission of one is withdrawn at the old root key, and not that of the others."""
    new, clock = CmkName(kms.roots[1].cmk), ManualClock()
    table, platform = MemoryKeyTable(), Scope(PLATFORM, livemode=True)
    async with rooted(kms) as root:
        stream, chain = await Sealing(root=root, cmk=cmk, environment=ENVIRONMENT).begun("as_1", clock)
        wrapped = await created(root, cmk, WrapContext(ENVIRONMENT, platform, 1))
        first = evolve(key_version(1, clock.now(), cmk), wrapped=wrapped.blob, grant=wrapped.grant)
        await kept(table, new_ring(id=KeyRingId("kr_" + "1" * 24), scope=platform, key=first, at=clock.now()))
        move = MoveRing(
            table=table,
            root=root,
            audited=Audited(audit=Ledger(), clock=clock),
            await_permission=AwaitPermission(root=root),
            withdraw=WithdrawLeft(table=table, root=root),
            environment=ENVIRONMENT,
        )
        moved = await move(Actor("ann", Face.CLI), platform, cmk, new)
        assert (moved.versions, moved.why) == (1, None)
        assert await SealedFirstKeys(root=root, environment=ENVIRONMENT).of(stream) == bytes(chain.key)
