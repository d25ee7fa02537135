"""A refund's life."""

from datetime import timedelta

import pytest

from fintech.domain.cards import Unknown
from fintech.domain.evolving import evolve
from fintech.domain.payments.attempt import ANSWER_PATIENCE
from fintech.domain.refunds.refund import ENQUIRY_DELAYS_S, TRANSITIONS, RefundStatus
from tests.unit.domain.desk import NOON, Desk

STEPS = {
    ("sent", "succeeded"),
    ("sent", "failed"),
    ("sent", "unknown"),
    ("unknown", "succeeded"),
    ("unknown", "failed"),
    ("succeeded", "failed"),
}


def test_the_table_knows_every_status() -> None:
    assert set(TRANSITIONS) == set(RefundStatus)


@pytest.mark.parametrize("current", RefundStatus)
@pytest.mark.parametrize("wanted", RefundStatus)
def test_a_step_outside_the_table_is_a_bug(current: RefundStatus, wanted: RefundStatus) -> None:
    desk = Desk()
    refund = evolve(desk.refund(desk.paid(), 100)[0], status=current)
    if (current, wanted) in STEPS:
        assert refund.moved_to(wanted) is wanted
    else:
        with pytest.raises(AssertionError, match="not a step"):
            refund.moved_to(wanted)


def test_when_somebody_has_to_look_at_it() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(), 100)
    assert refund.due_at == NOON + ANSWER_PATIENCE
    unknown = desk.answer_refund(refund, Unknown("?"))
    assert unknown.due_at == NOON + timedelta(seconds=1)
    assert desk.answer_refund(unknown).due_at is None
    assert evolve(unknown, status=RefundStatus.FAILED).due_at is None


def test_an_unknown_refund_is_asked_about_for_ever_but_less_and_less_often() -> None:
    desk = Desk()
    refund, _ = desk.refund(desk.paid(), 100)
    waits = []
    for _ in range(len(ENQUIRY_DELAYS_S) + 50):
        refund = desk.answer_refund(refund, Unknown("?"))
        assert refund.due_at is not None
        waits.append(int((refund.due_at - desk.at).total_seconds()))
        desk.at = refund.due_at
    assert waits == [*ENQUIRY_DELAYS_S, *[3600] * 50]
    assert desk.answer_refund(refund).status is RefundStatus.SUCCEEDED
