"""A merchant's statement: what moved its balance in a period, and what it had before and after.

The balance of a statement is all that we owe the merchant less what it owes us (`BALANCE_BUCKETS`). Settlements and
holds move money between these or nothing at all, so they are no lines. The balance before a period is what all lines
before it add up to, so the statement of the next period opens where this one closes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from fintech.domain.abn import Abn
from fintech.domain.ids import MerchantId, MovementId
from fintech.domain.ledger import Transfer, TransferKind
from fintech.domain.lines import LineAmounts, line_amounts
from fintech.domain.money import Currency
from fintech.domain.periods import Period

_NOTHING: Final = LineAmounts(0, 0, 0)
_KIND_ORDER: Final = {kind: place for place, kind in enumerate(TransferKind)}


@frozen(kw_only=True)
class StatementHead:
    """Whose statement of which period, and the balance that it opens with, in minor units.

    ``provisional``: the period is not over, so lines may still be added.
    """

    merchant: MerchantId
    name: str
    abn: Abn | None
    livemode: bool
    currency: Currency
    period: Period
    opening_minor: int
    provisional: bool


@frozen(kw_only=True)
class StatementLine:
    """One movement: plus is for the merchant, minus against it. ``balance_minor`` is after it."""

    id: MovementId
    at: datetime
    kind: TransferKind
    source: str
    amounts: LineAmounts
    balance_minor: int


@frozen(kw_only=True)
class KindTotal:
    """What the lines of one kind come to."""

    kind: TransferKind
    count: int
    amounts: LineAmounts


@frozen(kw_only=True)
class Statement:
    """Lines oldest first; each balance is the one before it plus the line's net."""

    head: StatementHead
    lines: tuple[StatementLine, ...]

    @property
    def closing_minor(self) -> int:
        """The balance at the end of the period, or so far."""
        return self.lines[-1].balance_minor if self.lines else self.head.opening_minor

    @property
    def totals(self) -> tuple[KindTotal, ...]:
        """What the lines come to by kind; all of them together are the closing balance less the opening one."""
        return totals_of(self.lines)


def line_after(balance_minor: int, id: MovementId, legs: Sequence[Transfer]) -> StatementLine:
    """The line that a movement is, on a balance."""
    first, amounts = legs[0], line_amounts(legs)
    return StatementLine(
        id=id,
        at=first.at,
        kind=first.kind,
        source=first.source,
        amounts=amounts,
        balance_minor=balance_minor + amounts.net_minor,
    )


def totals_of(lines: Iterable[StatementLine]) -> tuple[KindTotal, ...]:
    """Totals by kind, in the order in which kinds are listed."""
    counts: dict[TransferKind, int] = {}
    sums: dict[TransferKind, LineAmounts] = {}
    for line in lines:
        counts[line.kind] = counts.get(line.kind, 0) + 1
        sums[line.kind] = sums.get(line.kind, _NOTHING).plus(line.amounts)
    return tuple(
        KindTotal(kind=kind, count=counts[kind], amounts=sums[kind])
        for kind in sorted(sums, key=_KIND_ORDER.__getitem__)
    )
