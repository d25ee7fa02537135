"""The adapter of KMS keeps the promise of `KeyRoot` against our simulator, revocation included."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.crypto.kms import KmsRoot
from fintech.adapters.simulator.kms.server import SimulatedKms
from fintech.domain.keys.custody import CmkName
from fintech.ports.contracts.key_root import KeyRootContract
from tests.kms import kms_root
from tests.kms_control import KmsControl, kms_control


@pytest.fixture
async def kms() -> AsyncIterator[SimulatedKms]:
    async with SimulatedKms().running() as running:
        yield running


@pytest.fixture
async def root(kms: SimulatedKms) -> AsyncIterator[KmsRoot]:
    made = kms_root(kms.told(), threads=8)
    yield made
    await made.close()


@pytest.fixture
def cmk(kms: SimulatedKms) -> CmkName:
    return CmkName(kms.roots[0].cmk)


@pytest.fixture
def other_cmk(kms: SimulatedKms) -> CmkName:
    return CmkName(kms.roots[1].cmk)


@pytest.fixture
async def keeper(kms: SimulatedKms) -> AsyncIterator[KmsControl]:
    async with kms_control(kms.control_url) as control:
        yield control


class TestKmsRootOnSimulator(KeyRootContract):
    """With grants that have got about at once; for those that take their time see the adapter's own tests."""
