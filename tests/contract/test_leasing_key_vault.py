"""The vault keeps the promise of `KeyVault`, on keys of both kinds."""

from collections.abc import AsyncIterator

import pytest

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.keys.custody import Derivation
from fintech.ports.contracts.key_vault import KeyVaultContract
from tests.unit.adapters.crypto.desk import Desk


class TestLeasingVault(KeyVaultContract):
    @pytest.fixture(params=list(Derivation))
    async def vaults(
        self, clock: ManualClock, ids: RandomIdSource, request: pytest.FixtureRequest
    ) -> AsyncIterator[tuple[LeasingVault, LeasingVault]]:
        desk = Desk(clock=clock, ids=ids)
        pair = desk.vault(derivation=request.param), desk.vault(derivation=request.param)
        yield pair
        for each in pair:
            await each.close()
