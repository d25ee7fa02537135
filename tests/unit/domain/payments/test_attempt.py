"""An attempt: its tables, its questions and when somebody has to look at it."""

from datetime import timedelta
from typing import Any

import pytest

from fintech.domain.cards import Unknown
from fintech.domain.evolving import evolve
from fintech.domain.payments.attempt import (
    ANSWER_PATIENCE,
    ENQUIRY_DELAYS_S,
    INCREMENT_TRANSITIONS,
    OPEN,
    REVERSAL_DELAYS_S,
    TRANSITIONS,
    Attempt,
    AttemptStatus,
    IncrementStatus,
    Reversal,
    ReversalReason,
    delay,
)
from tests.unit.domain.desk import NOON, Desk

SECOND = timedelta(seconds=1)


def sent() -> Attempt:
    return Desk().sent().attempts[0]


@pytest.mark.parametrize(
    ("table", "statuses"), [(TRANSITIONS, AttemptStatus), (INCREMENT_TRANSITIONS, IncrementStatus)]
)
def test_tables_know_every_status_and_end_somewhere(table: dict[Any, Any], statuses: Any) -> None:
    assert set(table) == set(statuses)
    assert all(after <= set(statuses) for after in table.values())
    reached, waiting = set(), [statuses.SENT]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting += table[status]
    assert reached == set(statuses)
    assert any(not after for after in table.values())


def test_open_is_what_waits_for_an_answer() -> None:
    assert {AttemptStatus.SENT, AttemptStatus.UNKNOWN} == OPEN


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 1), (1, 5), (len(REVERSAL_DELAYS_S) - 1, 3600), (99, 3600)]
)
def test_delays_grow_and_the_last_repeats(tries: int, seconds: int) -> None:
    assert delay(REVERSAL_DELAYS_S, tries) == timedelta(seconds=seconds)
    assert list(REVERSAL_DELAYS_S) == sorted(REVERSAL_DELAYS_S)
    assert list(ENQUIRY_DELAYS_S) == sorted(ENQUIRY_DELAYS_S)


def test_the_question_is_the_attempts_own_until_it_is_answered() -> None:
    desk = Desk()
    payment = desk.sent(manual=True)
    attempt = payment.attempts[0]
    assert (attempt.question, attempt.question_due_at) == (attempt.id, NOON + ANSWER_PATIENCE)
    payment = desk.answer(payment, Unknown("?"))
    attempt = payment.attempts[0]
    assert (attempt.question, attempt.question_due_at) == (attempt.id, NOON + SECOND)
    attempt = desk.answer(payment).attempts[0]
    assert (attempt.question, attempt.question_due_at) == (None, None)


def test_an_open_increment_is_the_question() -> None:
    desk = Desk()
    payment = desk.increment(desk.authorised(), 11_000)
    attempt = payment.attempts[0]
    assert (attempt.question, attempt.question_due_at) == (f"{attempt.id}.1", NOON + ANSWER_PATIENCE)
    payment = desk.answer_increment(payment, Unknown("?"))
    assert payment.attempts[0].question_due_at == NOON + SECOND
    payment = desk.answer_increment(payment)
    assert payment.attempts[0].question is None
    assert desk.increment(payment, 12_000).attempts[0].question == f"{attempt.id}.2"


def test_an_authorisation_is_looked_at_when_it_expires_but_for_an_open_increment_or_a_reversal() -> None:
    desk = Desk()
    payment = desk.authorised()
    attempt = payment.attempts[0]
    assert attempt.due_at == attempt.capture_before
    increment = desk.increment(payment, 11_000).attempts[0]
    assert increment.due_at == NOON + ANSWER_PATIENCE
    owed = attempt.reversing(1, ReversalReason.UNKNOWN_OUTCOME, NOON + SECOND)
    assert owed.due_at == NOON + SECOND
    assert increment.reversing(1, ReversalReason.UNKNOWN_OUTCOME, NOON + SECOND).due_at == NOON + SECOND


@pytest.mark.parametrize("status", sorted(set(AttemptStatus) - OPEN - {AttemptStatus.AUTHORISED}))
def test_what_is_over_is_looked_at_for_its_reversals_only(status: AttemptStatus) -> None:
    over = evolve(sent(), status=status)
    assert over.due_at is None
    owed = over.reversing(5, ReversalReason.CANCELLED, NOON).reversing(
        7, ReversalReason.CANCELLED, NOON + SECOND
    )
    assert owed.due_at == NOON
    first, second = owed.reversals
    heard = evolve(owed, reversals=(evolve(first, next_try_at=None), second))
    assert heard.due_at == NOON + SECOND
    assert evolve(heard, reversals=(heard.reversals[0],)).due_at is None


def test_each_reversal_has_a_name_of_its_own_and_names_what_it_is_about() -> None:
    attempt = sent()
    owed = attempt.reversing(5, ReversalReason.CANCELLED, NOON).reversing(
        7, ReversalReason.UNKNOWN_OUTCOME, NOON, original="increment"
    )
    assert owed.reversals == (
        Reversal(
            request=f"{attempt.id}.reversal1",
            original=attempt.id,
            amount_minor=5,
            reason=ReversalReason.CANCELLED,
            next_try_at=NOON,
        ),
        Reversal(
            request=f"{attempt.id}.reversal2",
            original="increment",
            amount_minor=7,
            reason=ReversalReason.UNKNOWN_OUTCOME,
            next_try_at=NOON,
        ),
    )
    assert all(reversal.due for reversal in owed.reversals)


def test_a_postponed_reversal_waits() -> None:
    reversal = sent().reversing(5, ReversalReason.CANCELLED, NOON).reversals[0]
    later = reversal.postponed(NOON)
    assert (later.tries, later.next_try_at, later.due) == (1, NOON + SECOND, True)
    assert later.postponed(NOON).next_try_at == NOON + 5 * SECOND
    assert not evolve(later, next_try_at=None).due


def test_sums() -> None:
    desk = Desk()
    payment = desk.capture(desk.authorised(10_000), 3_000, final=False)
    payment = desk.capture(payment, 2_000, final=False)
    attempt = payment.attempts[0]
    assert (attempt.captured_minor, attempt.held_minor) == (5_000, 5_000)
