"""What transfers add to the accounts that they touch, and whether that could pass a limit."""

from fintech.domain.chart import Limit, rule_of
from fintech.domain.ledger import AccountId, Balances, Phase, Transfer


def net_moves(transfers: tuple[Transfer, ...]) -> dict[AccountId, Balances]:
    """What transfers add to each account that they touch."""
    net: dict[AccountId, list[int]] = {}
    for transfer in transfers:
        amount = transfer.amount_minor
        debit = net.setdefault(transfer.debit, [0, 0, 0, 0])
        credit = net.setdefault(transfer.credit, [0, 0, 0, 0])
        match transfer.phase:
            case Phase.POST:
                debit[1] += amount
                credit[3] += amount
            case Phase.PENDING:
                debit[0] += amount
                credit[2] += amount
            case Phase.POST_PENDING:
                debit[0] -= amount
                debit[1] += amount
                credit[2] -= amount
                credit[3] += amount
            case Phase.VOID_PENDING:
                debit[0] -= amount
                credit[2] -= amount
    return {account: Balances(*move) for account, move in net.items()}


def may_reach_limit(code: str, move: Balances) -> bool:
    """Whether a move can take an account past its limit; a move that only adds room never can, and locks nothing."""
    limit = rule_of(code).limit
    if limit is Limit.NONE:
        return False
    if limit is Limit.DEBITS_WITHIN_CREDITS:
        return move.debits_pending + move.debits_posted > move.credits_posted
    return move.credits_pending + move.credits_posted > move.debits_posted
