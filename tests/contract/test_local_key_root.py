"""Root keys held locally keep the promise of `KeyRoot`, also when they are told to fail."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.domain.keys.custody import CmkName
from fintech.ports.contracts.key_keeping import RootKeeper
from fintech.ports.contracts.key_root import KeyRootContract

OTHER_CMK = CmkName("local/2")


class Script(RootKeeper):
    """Plays the bank to a root that can be scripted."""

    def __init__(self, root: LocalRoot) -> None:
        self._root = root

    async def disable(self, cmk: CmkName) -> None:
        self._root.disable(cmk)

    async def enable(self, cmk: CmkName) -> None:
        self._root.enable(cmk)

    async def revoke(self, cmk: CmkName, grant: str) -> None:
        assert grant.startswith(cmk)
        self._root.revoke(grant)

    async def destroy(self, cmk: CmkName) -> None:
        self._root.destroy(cmk)


@pytest.fixture(params=["in memory", "of a secret"])
async def root(request: pytest.FixtureRequest) -> AsyncIterator[LocalRoot]:
    secret = None if request.param == "in memory" else bytes(range(32))
    made = LocalRoot(secret, cmks=(LOCAL_CMK, OTHER_CMK))
    yield made
    await made.close()


@pytest.fixture
def cmk() -> CmkName:
    return LOCAL_CMK


@pytest.fixture
def other_cmk() -> CmkName:
    return OTHER_CMK


@pytest.fixture
def keeper(root: LocalRoot) -> Script:
    return Script(root)


class TestLocalRoot(KeyRootContract):
    pass
