"""The simulated vault admits test cards in test mode, and keeps no number."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator import card_vault as module
from fintech.adapters.simulator.card_vault import SimulatedCardVault
from fintech.adapters.simulator.cards import TEST_CARDS, TestCard
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.domain.cards import CardDetails, CardFault
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope

HERE = Scope(MerchantId("acct_" + "m" * 24), livemode=False)
OTHER = Scope(MerchantId("acct_" + "n" * 24), livemode=False)
LIVE = Scope(HERE.merchant, livemode=True)
DETAILS = CardDetails(number="4242424242424242", exp_month=11, exp_year=2026)


@pytest.fixture
def vault() -> SimulatedCardVault:
    return SimulatedCardVault(LocalDigest(bytes(32)), ManualClock(datetime(2026, 11, 30, 12, tzinfo=UTC)))


@pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.name)
async def test_typed_in_or_named_it_is_the_same_card(vault: SimulatedCardVault, card: TestCard) -> None:
    admitted = (await vault.admit(HERE, evolve(DETAILS, number=card.number))).unwrap()
    named = vault.named(HERE, card.name)
    assert named is not None
    assert (admitted.scheme, admitted.bin, admitted.last4) == (card.scheme, card.number[:6], card.number[-4:])
    assert admitted.fingerprint == named.fingerprint
    assert (admitted.exp_month, admitted.exp_year, named.exp_month, named.exp_year) == (11, 2026, 12, 2034)
    assert admitted.token == card.name
    assert card.number not in repr(admitted)


async def test_fingerprints_are_each_merchants_own_and_each_cards_own(vault: SimulatedCardVault) -> None:
    prints = {
        (await vault.admit(scope, evolve(DETAILS, number=card.number))).unwrap().fingerprint
        for scope in (HERE, OTHER)
        for card in TEST_CARDS
    }
    assert len(prints) == 2 * len(TEST_CARDS)


async def test_what_is_not_admitted(vault: SimulatedCardVault) -> None:
    expired = evolve(DETAILS, exp_month=10)
    assert await vault.admit(HERE, expired) == Failure(CardFault.INVALID_EXPIRY_MONTH)
    real = evolve(DETAILS, number="4000000000000077")
    assert await vault.admit(HERE, real) == Failure(CardFault.TEST_CARD_NEEDED)


def test_nothing_is_served_in_live_mode(vault: SimulatedCardVault) -> None:
    assert vault.serves(HERE)
    assert not vault.serves(LIVE)
    assert vault.named(LIVE, "pm_card_visa") is None
    assert vault.named(HERE, "pm_card_nothing") is None


def test_names_are_remembered_but_not_without_bound(
    vault: SimulatedCardVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NAMED_MAX", 2)
    first = vault.named(HERE, "pm_card_visa")
    assert vault.named(HERE, "pm_card_visa") is first
    vault.named(OTHER, "pm_card_visa")
    vault.named(HERE, "pm_card_amex")
    assert len(vault._named) == 1
