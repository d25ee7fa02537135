"""The test cards are what they say they are."""

import re

import pytest

from fintech.adapters.simulator.cards import BY_NAME, BY_NUMBER, TEST_CARDS, Behaviour, TestCard
from fintech.domain.cards import PAN_LENGTHS, Advice, DeclineCode, Scheme, luhn_valid

#: ISO/IEC 7812 issuer identification numbers, as each scheme publishes its own.
PREFIXES = {
    Scheme.VISA: r"4",
    Scheme.MASTERCARD: r"5[1-5]|2[2-7]",
    Scheme.AMEX: r"3[47]",
    Scheme.DISCOVER: r"6011|65",
    Scheme.DINERS: r"30[0-5]|36|38",
    Scheme.JCB: r"35",
    Scheme.UNIONPAY: r"62",
}


@pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.name)
def test_a_test_card_has_a_number_of_its_scheme(card: TestCard) -> None:
    assert len(card.number) in PAN_LENGTHS
    assert luhn_valid(card.number)
    assert re.match(PREFIXES[card.scheme], card.number)
    assert re.fullmatch(r"[A-Z]{2}", card.country)
    assert card.number not in repr(card)


def test_every_card_has_a_name_and_a_number_of_its_own() -> None:
    assert len(BY_NAME) == len(BY_NUMBER) == len(TEST_CARDS)
    assert all(name.startswith("pm_card_") for name in BY_NAME)


@pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.name)
def test_only_a_card_that_is_declined_has_a_reason(card: TestCard) -> None:
    declines = {Behaviour.DECLINE, Behaviour.DECLINE_AND_LOSE_ANSWER}
    assert (card.decline is not None) is (card.behaviour in declines)


def test_every_decline_a_merchant_may_meet_can_be_tried() -> None:
    tried = {card.decline.code for card in TEST_CARDS if card.decline}
    assert set(DeclineCode) - tried == {DeclineCode.DO_NOT_HONOR}
    assert {card.decline.advice for card in TEST_CARDS if card.decline} == set(Advice)


def test_every_behaviour_can_be_tried() -> None:
    assert {card.behaviour for card in TEST_CARDS} == set(Behaviour)
