"""What a payout paid for: its lines, each with the part that was paid of it."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from fintech.domain.ids import MovementId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.payouts.payout import Payout
from fintech.domain.remittances import RemittedLine
from fintech.domain.scope import Scope
from fintech.entrypoints.container import Core
from fintech.ports.queries import PAGE_MAX


@frozen(kw_only=True)
class Part:
    """A line and what a payout paid of it, in minor units; less than nothing for what was taken off."""

    movement: MovementId
    at: datetime
    kind: TransferKind
    source: str
    net_minor: int
    paid_minor: int


@frozen
class Explained:
    """A payout and its parts, the oldest first."""

    payout: Payout
    parts: tuple[Part, ...]

    @property
    def total_minor(self) -> int:
        """What the parts come to: the payout's amount, its fee and the tax on it."""
        return sum(part.paid_minor for part in self.parts)


async def explained(core: Core, scope: Scope, payout: Payout) -> Explained:
    """What a payout paid for."""
    pages = await core.queries().remittances(scope, payout.id)
    lines = sorted((line for page in pages for line in page.lines), key=lambda line: line.movement)
    parts: list[Part] = []
    for first in range(0, len(lines), PAGE_MAX):
        parts += await _parts(core, scope, lines[first : first + PAGE_MAX])
    return Explained(payout, tuple(parts))


async def _parts(core: Core, scope: Scope, lines: Sequence[RemittedLine]) -> list[Part]:
    found = await core.queries().movements_of(scope, [line.movement for line in lines])
    legs = {movement.id: movement.legs for movement in found}
    return [
        Part(
            movement=line.movement,
            at=legs[line.movement][0].at,
            kind=legs[line.movement][0].kind,
            source=legs[line.movement][0].source,
            net_minor=line_amounts(legs[line.movement]).net_minor,
            paid_minor=line.minor,
        )
        for line in lines
    ]
