"""The proof that payouts pay for lines to the cent, over memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from fintech.adapters.memory.store import Memory
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.ledger import Transfer, TransferKind
from fintech.domain.lines import line_amounts, touches_balance
from fintech.domain.remittances import Remittance

#: Whose it is and what it is called: ids are one merchant's.
Key: TypeAlias = tuple[str, str]
#: Subject, expected, found.
Fault: TypeAlias = tuple[str, object, object]


def remitted(memory: Memory, livemode: bool) -> Iterator[Fault]:
    """Payouts against what their movements took; lines against what was paid for them; what is closed and what not."""
    taken: dict[Key, int] = defaultdict(int)
    nets: dict[Key, int] = {}
    for (merchant, id), legs in _movements(memory, livemode):
        minor = line_amounts(legs).net_minor
        if legs[0].kind is TransferKind.PAYOUT:
            taken[merchant, legs[0].source] -= minor
        else:
            nets[merchant, id] = minor
    remitted: dict[Key, int] = defaultdict(int)
    paid: dict[Key, int] = defaultdict(int)
    for (scope, _), page in memory.aggregates.items():
        if scope.livemode is livemode and isinstance(page, Remittance):
            for line in page.lines:
                remitted[scope.merchant, page.payout] += line.minor
                paid[scope.merchant, line.movement] += line.minor
    for key in taken.keys() | remitted.keys():
        if taken.get(key, 0) != remitted.get(key, 0):
            yield key[1], taken.get(key, 0), remitted.get(key, 0)
    yield from _lines(nets, paid)
    for (scope, _), settings in memory.aggregates.items():
        if scope.livemode is livemode and isinstance(settings, BalanceSettings):
            yield from _reached(scope.merchant, settings, nets, paid)


def _lines(nets: dict[Key, int], paid: dict[Key, int]) -> Iterator[Fault]:
    for key, minor in paid.items():
        net = nets.get(key)
        if net is None:
            yield f"{key[1]} paid", "a line", minor
        elif not (0 <= minor <= net or minor == net):
            yield f"{key[1]} paid", net if net < 0 else f"<= {net}", minor


def _reached(
    merchant: str, settings: BalanceSettings, nets: dict[Key, int], paid: dict[Key, int]
) -> Iterator[Fault]:
    """What is closed was paid for, but for the line that was split."""
    closed, split = settings.remitted.closed, settings.remitted.split
    for (whose, id), net in nets.items():
        if whose != merchant or closed is None or id > closed or id == split:
            continue
        if paid.get((whose, id), 0) != net:
            yield f"{id} closed", net, paid.get((whose, id), 0)
    if split is not None:
        left = nets.get((merchant, split), 0) - paid.get((merchant, split), 0)
        if left != settings.remitted.left_minor:
            yield f"{split} left", left, settings.remitted.left_minor


def _movements(memory: Memory, livemode: bool) -> Iterable[tuple[Key, list[Transfer]]]:
    """The lines of everybody's balance, each with its legs."""
    legs: dict[Key, list[Transfer]] = defaultdict(list)
    for (scope, _), transfer in memory.transfers.items():
        if scope.livemode is livemode:
            legs[scope.merchant, transfer.id.movement_id].append(transfer)
    for key, each in legs.items():
        each.sort(key=lambda leg: leg.id)
        if touches_balance(each):
            yield key, each
