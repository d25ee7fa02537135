"""The simulated directory knows test cards in test mode, and tells no number."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator import card_directory as module
from fintech.adapters.simulator.card_directory import SimulatedCardDirectory
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
def directory() -> SimulatedCardDirectory:
    return SimulatedCardDirectory(LocalDigest(bytes(32)), ManualClock(datetime(2026, 11, 30, 12, tzinfo=UTC)))


@pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.name)
async def test_typed_in_or_named_it_is_the_same_card(
    directory: SimulatedCardDirectory, card: TestCard
) -> None:
    recognised = (await directory.recognise(HERE, evolve(DETAILS, number=card.number))).unwrap()
    named = directory.named(HERE, card.name)
    assert named is not None
    assert (recognised.scheme, recognised.bin, recognised.last4) == (
        card.scheme,
        card.number[:6],
        card.number[-4:],
    )
    assert named == evolve(recognised, exp_month=12, exp_year=2034, fingerprint=named.fingerprint)
    assert (recognised.exp_month, recognised.exp_year, named.exp_month, named.exp_year) == (
        11,
        2026,
        12,
        2034,
    )
    assert recognised.token == card.name
    assert card.number not in repr(recognised)


def test_names_have_fingerprints_of_each_merchants_own(directory: SimulatedCardDirectory) -> None:
    named = [directory.named(scope, card.name) for scope in (HERE, OTHER) for card in TEST_CARDS]
    assert len({card.fingerprint for card in named if card and card.fingerprint}) == 2 * len(TEST_CARDS)


async def test_what_is_not_recognised(directory: SimulatedCardDirectory) -> None:
    expired = evolve(DETAILS, exp_month=10)
    assert await directory.recognise(HERE, expired) == Failure(CardFault.INVALID_EXPIRY_MONTH)
    real = evolve(DETAILS, number="4000000000000077")
    assert await directory.recognise(HERE, real) == Failure(CardFault.TEST_CARD_NEEDED)


def test_nothing_is_served_in_live_mode(directory: SimulatedCardDirectory) -> None:
    assert directory.serves(HERE)
    assert not directory.serves(LIVE)
    assert directory.named(LIVE, "pm_card_visa") is None
    assert directory.named(HERE, "pm_card_nothing") is None


def test_names_are_remembered_but_not_without_bound(
    directory: SimulatedCardDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NAMED_MAX", 2)
    first = directory.named(HERE, "pm_card_visa")
    assert directory.named(HERE, "pm_card_visa") is first
    directory.named(OTHER, "pm_card_visa")
    directory.named(HERE, "pm_card_amex")
    assert len(directory._named) == 1
