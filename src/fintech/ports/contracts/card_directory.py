"""The promise of `CardDirectory`, for every adapter's tests."""

from datetime import UTC, datetime

import pytest
from attrs import asdict, evolve

from fintech.domain.cards import Card, CardDetails, CardFault
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.card_directory import CardDirectory

CVC = "7391"


class CardDirectoryContract:
    """Subclass it and provide the fixtures ``directory``, ``numbers`` (two card numbers that it knows, not too repetitive), ``scopes`` (two
    merchants' scopes that it serves) and ``unserved`` (a scope that it does not serve). The time is today, more or
    less."""

    @pytest.fixture
    def details(self, numbers: tuple[str, str]) -> CardDetails:
        return CardDetails(number=numbers[0], exp_month=12, exp_year=datetime.now(UTC).year + 3, cvc=CVC)

    def test_it_knows_whom_it_serves(
        self, directory: CardDirectory, scopes: tuple[Scope, Scope], unserved: Scope
    ) -> None:
        assert all(directory.serves(scope) for scope in scopes)
        assert not directory.serves(unserved)

    async def test_what_is_told_of_a_card(
        self, directory: CardDirectory, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        card = await recognised(directory, scopes[0], details)
        assert (card.bin, card.last4) == (details.number[:6], details.number[-4:])
        assert (card.exp_month, card.exp_year) == (details.exp_month, details.exp_year)

    async def test_it_makes_no_fingerprint_for_it_has_no_merchants_keys(
        self, directory: CardDirectory, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        cards = [await recognised(directory, scope, details) for scope in scopes]
        assert [card.fingerprint for card in cards] == [None, None]

    async def test_neither_number_nor_cvc_is_told(
        self, directory: CardDirectory, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        card = await recognised(directory, scopes[0], details)
        told = [str(value) for value in asdict(card).values()]
        for secret in (CVC, details.number[:7], details.number[-5:]):
            assert not any(secret in text for text in [*told, repr(card)])

    async def test_it_tells_cards_apart(
        self,
        directory: CardDirectory,
        scopes: tuple[Scope, Scope],
        numbers: tuple[str, str],
        details: CardDetails,
    ) -> None:
        card = await recognised(directory, scopes[0], details)
        other = await recognised(directory, scopes[0], evolve(details, number=numbers[1]))
        assert card != other
        later = evolve(details, exp_month=11, cvc=None)
        assert (await recognised(directory, scopes[1], later)) == evolve(card, exp_month=11)

    async def test_faults_are_values_that_tell_nothing(
        self, directory: CardDirectory, scopes: tuple[Scope, Scope], details: CardDetails
    ) -> None:
        digit = str((int(details.number[-1]) + 1) % 10)
        wrong = {
            CardFault.INCORRECT_NUMBER: evolve(details, number=details.number[:-1] + digit),
            CardFault.INVALID_EXPIRY_MONTH: evolve(details, exp_month=13),
            CardFault.INVALID_EXPIRY_YEAR: evolve(details, exp_year=2001),
            CardFault.INVALID_CVC: evolve(details, cvc="12x"),
        }
        for fault, given in wrong.items():
            assert await directory.recognise(scopes[0], given) == Failure(fault)
            assert given.number not in repr(given)
        for text in ("", "4", "四二四二四二四二四二四二四二四二", "4" * 500, "4242-4242-4242-4242"):
            refused = await directory.recognise(scopes[0], evolve(details, number=text))
            assert refused == Failure(CardFault.INCORRECT_NUMBER)

    def test_a_name_that_nobody_knows_is_no_card(
        self, directory: CardDirectory, scopes: tuple[Scope, Scope]
    ) -> None:
        assert directory.named(scopes[0], "pm_card_nobody_knows") is None

    def test_live_mode_knows_no_names(self, directory: CardDirectory, scopes: tuple[Scope, Scope]) -> None:
        live = Scope(scopes[0].merchant, livemode=True)
        assert directory.named(live, "pm_card_visa") is None


async def recognised(directory: CardDirectory, scope: Scope, details: CardDetails) -> Card:
    """The card of details that must be known."""
    outcome = await directory.recognise(scope, details)
    assert isinstance(outcome, Success), outcome
    return outcome.unwrap()
