"""The sandbox's directory keeps the promise of `CardDirectory`."""

import pytest

from fintech.adapters.simulator.card_directory import SimulatedCardDirectory
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.domain.cards import CardDetails, CardFault
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.ports.contracts.card_directory import CardDirectoryContract


@pytest.fixture
def directory() -> SimulatedCardDirectory:
    return SimulatedCardDirectory(LocalDigest(bytes(32)), SystemClock())


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


class TestSimulatedCardDirectory(CardDirectoryContract):
    async def test_a_named_card_has_a_fingerprint_of_its_merchant_and_name(
        self, directory: SimulatedCardDirectory, scopes: tuple[Scope, Scope]
    ) -> None:
        names = ("pm_card_visa_debit", "pm_card_visa")
        cards = [directory.named(scope, name) for scope in scopes for name in names]
        assert len({card.fingerprint for card in cards if card is not None and card.fingerprint}) == 4

    async def test_a_number_that_somebody_may_have_is_refused(
        self, directory: SimulatedCardDirectory, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        real = CardDetails(number="4539578763621486", exp_month=1, exp_year=details.exp_year)
        assert await directory.recognise(scopes[0], real) == Failure(CardFault.TEST_CARD_NEEDED)
