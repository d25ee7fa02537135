"""Ids say what they name, sort by their making, and cannot be mistaken for another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain import ids
from fintech.domain.ids import (
    ALPHABET,
    BODY_LENGTH,
    ChangesetId,
    ChargeId,
    EventId,
    Id,
    MerchantId,
    MovementId,
    PartId,
    PaymentId,
    RefundId,
    TransferId,
)

BODY = "01abcdefghjkmnpqrstvwxyz"
KINDS = [
    kind
    for kind in vars(ids).values()
    if isinstance(kind, type) and issubclass(kind, Id) and kind not in (Id, PartId)
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_spelt_right_is_an_id(kind: type[Id]) -> None:
    text = kind.PREFIX + "0" * kind.LENGTH
    parsed = kind.parse(text)
    assert parsed == text
    assert type(parsed) is kind
    assert parsed.body == "0" * kind.LENGTH


def test_no_two_kinds_share_a_prefix() -> None:
    assert len({kind.PREFIX for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "pi_",
        BODY,
        "pi_" + BODY[:-1],
        "pi_" + BODY + "0",
        "pi_" + BODY.upper(),
        "PI_" + BODY,
        "re_" + BODY,
        "pi_" + BODY[:-1] + "i",
        "pi_" + BODY[:-1] + "l",
        "pi_" + BODY[:-1] + "o",
        "pi_" + BODY[:-1] + "u",
        "pi_" + BODY[:-1] + "\n",
        "pi_" + BODY[:-1] + "\x00",
        "pi_" + BODY[:-1] + "٠",
        " pi_" + BODY,
        "pi_" + BODY + "\n",
        "pi_../../../../../../../.."[: 3 + BODY_LENGTH],
    ],
)
def test_garbage_is_no_id(garbage: str) -> None:
    assert PaymentId.parse(garbage) is None


@given(st.text(max_size=40))
def test_any_text_may_be_asked_about(text: str) -> None:
    parsed = PaymentId.parse(text)
    assert parsed is None or (parsed == text and text.startswith("pi_"))


def test_the_alphabet_sorts_as_it_counts() -> None:
    assert list(ALPHABET) == sorted(set(ALPHABET))
    assert len(ALPHABET) == 32


def test_parts_are_found_from_their_parent_and_the_other_way_round() -> None:
    payment = PaymentId("pi_" + BODY)
    charge = ChargeId.of(payment, 7)
    assert charge == f"ch_{BODY}07"
    assert charge.payment_id == payment
    assert ChargeId.parse(charge) == charge
    assert EventId.of(ChangesetId("cs_" + BODY), 15) == f"evt_{BODY}15"


def test_legs_know_their_movement() -> None:
    movement = MovementId.of(ChangesetId("cs_" + BODY), 1)
    leg = TransferId.of(movement, 99)
    assert leg == f"tr_{BODY}0199"
    assert leg.movement_id == movement
    assert TransferId.parse(leg) == leg


def test_parts_sort_in_their_order() -> None:
    payment = PaymentId("pi_" + BODY)
    charges = [ChargeId.of(payment, position) for position in range(100)]
    assert charges == sorted(charges)


@pytest.mark.parametrize("position", [-1, 100])
def test_a_parent_has_a_hundred_parts_at_most(position: int) -> None:
    with pytest.raises(ValueError, match="100"):
        ChargeId.of(PaymentId("pi_" + BODY), position)
    with pytest.raises(ValueError, match="100"):
        TransferId.of(MovementId.of(ChangesetId("cs_" + BODY), 0), position)


def test_a_merchants_id_is_no_refunds_id() -> None:
    assert RefundId.parse(MerchantId("acct_" + BODY)) is None
