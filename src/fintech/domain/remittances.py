"""Remittances: what a payout pays for, line by line, to the cent."""

from datetime import datetime

from attrs import field, frozen

from fintech.domain.ids import MovementId, PayoutId, RemittanceId


@frozen
class RemittedLine:
    """A line of the balance and how much of it a payout pays (minor units; negative for what was taken off)."""

    movement: MovementId
    minor: int


@frozen(kw_only=True, slots=False)
class Remittance:
    """A page of a payout's lines, oldest first. All its pages add up to what the payout took from the balance."""

    id: RemittanceId
    version: int
    payout: PayoutId
    created_at: datetime
    lines: tuple[RemittedLine, ...] = field(default=())
