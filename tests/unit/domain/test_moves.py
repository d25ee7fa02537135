"""What transfers add to accounts, and whether that could pass a limit."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.chart import Limit, rule_of
from fintech.domain.ids import TransferId
from fintech.domain.ledger import Balances, Phase
from fintech.domain.moves import may_reach_limit, net_moves
from tests.unit.domain.test_ledger import BOOKS, MOVEMENT, transfer

HERE, THERE, ELSEWHERE = (BOOKS.account(code) for code in ("client_cash", "available", "own_cash"))


@pytest.mark.parametrize(
    ("phase", "debit", "credit"),
    [
        (Phase.POST, Balances(0, 7, 0, 0), Balances(0, 0, 0, 7)),
        (Phase.PENDING, Balances(7, 0, 0, 0), Balances(0, 0, 7, 0)),
        (Phase.POST_PENDING, Balances(-7, 7, 0, 0), Balances(0, 0, -7, 7)),
        (Phase.VOID_PENDING, Balances(-7, 0, 0, 0), Balances(0, 0, -7, 0)),
    ],
)
def test_each_phase_moves_its_own_sums(phase: Phase, debit: Balances, credit: Balances) -> None:
    leg = transfer(phase=phase, debit=HERE, credit=THERE, amount_minor=7)
    assert net_moves((leg,)) == {HERE: debit, THERE: credit}


def test_moves_of_one_account_are_one_sum() -> None:
    legs = (
        transfer(debit=HERE, credit=THERE, amount_minor=10),
        transfer(debit=THERE, credit=ELSEWHERE, amount_minor=4),
        transfer(debit=THERE, credit=HERE, amount_minor=1, phase=Phase.PENDING),
    )
    assert net_moves(legs) == {
        HERE: Balances(0, 10, 1, 0),
        THERE: Balances(1, 4, 0, 10),
        ELSEWHERE: Balances(0, 0, 0, 4),
    }


def test_no_transfers_move_nothing() -> None:
    assert net_moves(()) == {}


@given(
    st.lists(
        st.tuples(st.permutations([HERE, THERE, ELSEWHERE]), st.sampled_from(Phase), st.integers(1, 10**9)),
        max_size=20,
    )
)
def test_whatever_moves_debits_equal_credits(legs: list) -> None:
    moves = net_moves(
        tuple(
            transfer(
                id=TransferId.of(MOVEMENT, number),
                debit=accounts[0],
                credit=accounts[1],
                phase=phase,
                amount_minor=amount,
            )
            for number, (accounts, phase, amount) in enumerate(legs)
        )
    )
    total = Balances()
    for move in moves.values():
        total = total.plus(move)
    assert total.debits_posted == total.credits_posted
    assert total.debits_pending == total.credits_pending


@pytest.mark.parametrize("code", ["available", "receivable", "client_cash"])
def test_a_move_that_is_said_to_be_harmless_is(code: str) -> None:
    """From the very edge of a limit, whatever is not flagged stays within it; and nothing else is flagged."""
    limit = rule_of(code).limit
    edge = Balances(2, 2, 2, 4) if limit is Limit.DEBITS_WITHIN_CREDITS else Balances(2, 4, 2, 2)
    for sums in product((-2, 0, 1, 2), repeat=4):
        move = Balances(*sums)
        assert may_reach_limit(code, move) is not edge.plus(move).within(limit), move
