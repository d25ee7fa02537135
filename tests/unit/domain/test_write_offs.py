"""Write-offs: two people, no more than is owed, and no cash moves."""

from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.disputes.news import Verdict
from fintech.domain.ledger import Phase, TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.write_offs import MoreThanOwed, SamePerson, WriteOffOver, WriteOffStatus, decided
from tests.unit.domain.disputes.bench import DisputeDesk, closed, opened

OWED = 2_943


def indebted() -> DisputeDesk:
    """A merchant that lost a dispute and owes us for it."""
    desk = DisputeDesk()
    payment = desk.take()
    desk.settle()
    desk.heed(payment, opened())
    desk.heed(payment, closed(Verdict.LOST))
    desk.settle()
    assert desk.net("receivable") == OWED
    return desk


def test_nothing_is_booked_until_another_person_approves() -> None:
    desk = indebted()
    before = desk.accounts()
    write_off = desk.propose(OWED)
    assert desk.accounts() == before
    assert (write_off.status, write_off.proposed_by) == (WriteOffStatus.PROPOSED, "ann")
    approved = desk.decide(write_off)
    assert (approved.status, approved.decided_by) == (WriteOffStatus.APPROVED, "ben")
    assert (desk.net("receivable"), -desk.net("losses")) == (0, -OWED)
    for code in ("client_cash", "own_cash", "available"):
        account = desk.books.account(code)
        assert desk.accounts()[account] == before[account]
    desk.assert_safe()


def test_who_proposed_it_does_not_decide_on_it_however_the_name_is_spelt() -> None:
    desk = indebted()
    write_off = desk.propose(OWED, "Ann")
    for name in ("Ann", "ann", "ANN"):
        for approve in (True, False):
            assert desk.decide(write_off, name, approve=approve) == SamePerson(name)


def test_no_more_than_is_owed() -> None:
    desk = indebted()
    for amount in (0, -1, OWED + 1):
        assert desk.propose(amount) == MoreThanOwed(OWED)
    first, second = desk.propose(2_000), desk.propose(2_000)
    desk.decide(first)
    assert desk.decide(second) == MoreThanOwed(OWED - 2_000)
    rejected = desk.decide(second, approve=False)
    assert (rejected.status, rejected.movement) == (WriteOffStatus.REJECTED, None)


def test_a_decision_is_final() -> None:
    desk = indebted()
    approved = desk.decide(desk.propose(1))
    assert desk.decide(approved, "eve") == WriteOffOver(WriteOffStatus.APPROVED)


def test_a_debt_that_was_repaid_meanwhile_is_not_given_up() -> None:
    desk = indebted()
    write_off = desk.propose(OWED)
    desk.take(50_000)
    desk.settle()
    assert desk.decide(write_off) == MoreThanOwed(0)


@given(st.lists(st.integers(1, OWED), max_size=8))
def test_parts_never_come_to_more_than_the_debt(parts: list[int]) -> None:
    desk = indebted()
    given_up = 0
    for part in parts:
        write_off = desk.propose(part)
        if isinstance(write_off, MoreThanOwed):
            assert given_up + part > OWED
        else:
            desk.decide(write_off)
            given_up += part
    assert desk.net("receivable") == OWED - given_up
    desk.assert_safe()


def test_what_is_given_up_raises_the_balance_as_a_line() -> None:
    desk = indebted()
    changeset = desk.changeset()
    booked = decided(
        desk.propose(1_000),
        desk.books,
        desk.debt(),
        approve=True,
        name="ben",
        at=desk.at,
        changeset=changeset,
    ).unwrap()
    (leg,) = booked.transfers
    assert (leg.kind, leg.phase) == (TransferKind.WRITE_OFF, Phase.POST)
    assert (leg.debit.code, leg.credit.code) == ("losses", "receivable")
    assert line_amounts(booked.transfers).net_minor == 1_000
