"""A merchant's statement: every movement of its money in a span of Sydney days, and what it had before and after.

The balance of a statement is all that we owe the merchant (unsettled, available, reserved and in transit), less what
it owes us. Settlements move money between these, so they are no lines of it. The books are asked for the balance
before the span; it is what all lines before it add up to, so the statement of the next day opens where this one closes.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from attrs import frozen

from fintech.domain.business_days import SYDNEY
from fintech.domain.ids import MovementId
from fintech.domain.ledger import Phase, TransferKind
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, MovementLine, Page

_GROSS: Final = {TransferKind.CAPTURE: 1, TransferKind.REFUND: -1, TransferKind.REFUND_FAILURE: 1}
_FEE: Final = {TransferKind.ACQUIRING_FEE: -1, TransferKind.FEE_RETURN: 1}
_TAX: Final = {TransferKind.FEE_TAX: -1, TransferKind.FEE_TAX_RETURN: 1}
_MOVED: Final = frozenset({Phase.POST, Phase.POST_PENDING})


@frozen(kw_only=True)
class Line:
    """One movement, in minor units: plus is for the merchant, minus against it. ``balance_minor`` is after it."""

    id: MovementId
    at: datetime
    kind: TransferKind
    source: str
    gross_minor: int
    fee_minor: int
    tax_minor: int
    balance_minor: int

    @property
    def net_minor(self) -> int:
        """What it did to the balance."""
        return self.gross_minor + self.fee_minor + self.tax_minor


@frozen(kw_only=True)
class Statement:
    """Lines oldest first; each balance is the one before plus the line's net."""

    first_day: date
    last_day: date
    opening_minor: int
    lines: tuple[Line, ...]

    @property
    def closing_minor(self) -> int:
        """The balance at the end of the span."""
        return self.lines[-1].balance_minor if self.lines else self.opening_minor


async def statement_of(core: Core, scope: Scope, first_day: date, last_day: date) -> Statement:
    """The statement of a span of days, both included."""
    start, end = _midnight(first_day), _midnight(last_day + timedelta(days=1))
    opening = balance = await core.queries().balance_before(scope, start)
    lines: list[Line] = []
    for movement in reversed(await _movements(core, scope, Page(created_from=start, created_until=end))):
        gross, fee, tax = _amounts(movement)
        balance += gross + fee + tax
        first = movement.legs[0]
        lines.append(
            Line(
                id=movement.id,
                at=first.at,
                kind=first.kind,
                source=first.source,
                gross_minor=gross,
                fee_minor=fee,
                tax_minor=tax,
                balance_minor=balance,
            )
        )
    return Statement(first_day=first_day, last_day=last_day, opening_minor=opening, lines=tuple(lines))


async def _movements(core: Core, scope: Scope, page: Page) -> list[MovementLine]:
    """What the page's filters let through, newest first."""

    async def read(page: Page) -> Listed[MovementLine]:
        return await core.queries().movements(scope, page)

    return [each async for each in all_of(read, lambda movement: movement.id, page)]


def _amounts(movement: MovementLine) -> tuple[int, int, int]:
    """Gross, fee and tax of a movement, each with its sign."""
    gross = fee = tax = 0
    for leg in movement.legs:
        if leg.phase in _MOVED:
            gross += _GROSS.get(leg.kind, 0) * leg.amount_minor
            fee += _FEE.get(leg.kind, 0) * leg.amount_minor
            tax += _TAX.get(leg.kind, 0) * leg.amount_minor
    return gross, fee, tax


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SYDNEY).astimezone(UTC)
