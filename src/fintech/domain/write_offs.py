"""Write-offs: a debt of a merchant that nobody will pay. One person proposes, another approves."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import frozen

from fintech.domain.ids import MovementId, WriteOffId
from fintech.domain.money import Currency


class WriteOffStatus(StrEnum):
    """Where a write-off stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


TRANSITIONS: Final[dict[WriteOffStatus, frozenset[WriteOffStatus]]] = {
    WriteOffStatus.PROPOSED: frozenset({WriteOffStatus.APPROVED, WriteOffStatus.REJECTED}),
    WriteOffStatus.APPROVED: frozenset(),
    WriteOffStatus.REJECTED: frozenset(),
}


@frozen(kw_only=True, slots=False)
class WriteOff:
    """An amount of the merchant's debt, in minor units. ``decided_by`` is never ``proposed_by``."""

    id: WriteOffId
    version: int
    amount_minor: int
    currency: Currency
    status: WriteOffStatus
    reason: str
    proposed_by: str
    created_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    movement: MovementId | None = None
