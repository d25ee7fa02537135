"""The diagrams in the documents are the code's own tables, and the tables are sound."""

import pytest

from tests.architecture.diagrams import COMMAND, Table, documents, drawn, out_of_date, tables

TABLES = tables()


def test_the_diagrams_are_up_to_date() -> None:
    assert out_of_date() == [], f"draw them with {COMMAND}"


def test_every_noun_that_has_steps_is_drawn() -> None:
    assert {table.statuses.__name__ for table in TABLES} >= {
        "PaymentStatus",
        "AttemptStatus",
        "IncrementStatus",
        "RefundStatus",
        "Standing",
    }
    assert {"payments.md", "refunds.md", "merchants.md"} <= documents().keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.statuses.__name__)
def test_a_table_knows_every_status_and_every_status_can_be_come_to(table: Table) -> None:
    assert set(table.steps) == set(table.statuses)
    reached, waiting = set(), [next(iter(table.statuses))]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting += table.steps[status]
    assert reached == set(table.statuses)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.statuses.__name__)
def test_every_step_is_an_arrow_and_every_arrow_a_step(table: Table) -> None:
    arrows = [line.strip().split(" --> ") for line in drawn(table) if "-->" in line]
    steps = {(a.value, b.value) for a, after in table.steps.items() for b in after}
    ends = {(status.value, "[*]") for status, after in table.steps.items() if not after}
    start = {("[*]", next(iter(table.statuses)).value)}
    assert {(a, b) for a, b in arrows} == steps | ends | start
    assert len(arrows) == len(steps | ends | start)
