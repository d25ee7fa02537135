"""The sandbox's vault keeps the promise of `CardVault`."""

import pytest

from fintech.adapters.simulator.card_vault import SimulatedCardVault
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.domain.cards import CardDetails, CardFault
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.ports.contracts.card_vault import CardVaultContract, admitted


@pytest.fixture
def vault() -> SimulatedCardVault:
    return SimulatedCardVault(LocalDigest(bytes(32)), SystemClock())


@pytest.fixture
def numbers() -> tuple[str, str]:
    return "4000056655665556", "5200828282828210"


@pytest.fixture
def scopes() -> tuple[Scope, Scope]:
    return Scope(MerchantId("acct_" + "1" * 24), livemode=False), Scope(
        MerchantId("acct_" + "2" * 24), livemode=False
    )


@pytest.fixture
def unserved(scopes: tuple[Scope, Scope]) -> Scope:
    return Scope(scopes[0].merchant, livemode=True)


class TestSimulatedCardVault(CardVaultContract):
    async def test_a_named_card_is_the_numbered_one(
        self, vault: SimulatedCardVault, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        named = vault.named(scopes[0], "pm_card_visa_debit")
        assert named is not None
        assert named.fingerprint == (await admitted(vault, scopes[0], details)).fingerprint

    async def test_a_number_that_somebody_may_have_is_refused(
        self, vault: SimulatedCardVault, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        real = CardDetails(number="4539578763621486", exp_month=1, exp_year=details.exp_year)
        assert await vault.admit(scopes[0], real) == Failure(CardFault.TEST_CARD_NEEDED)
