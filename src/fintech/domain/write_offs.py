"""Write-offs: a debt of a merchant that nobody will pay. One person proposes, another approves."""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import field, frozen

from fintech.domain.chart import Bucket, Limit
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId, WriteOffId
from fintech.domain.ledger import Balances, Books, Movement, Transfer, TransferKind
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success


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


@frozen
class MoreThanOwed:
    """The merchant does not owe us so much; in minor units, what it owes."""

    owed_minor: int


@frozen
class SamePerson:
    """Who proposed a write-off does not decide on it."""

    name: str


@frozen
class WriteOffOver:
    """It was decided on."""

    status: WriteOffStatus


WriteOffRefusal: TypeAlias = MoreThanOwed | SamePerson | WriteOffOver


@frozen(kw_only=True, slots=False)
class WriteOff:
    """An amount of the merchant's debt, in minor units. ``decided_by`` is never ``proposed_by``."""

    id: WriteOffId
    version: int
    amount_minor: int
    currency: Currency
    status: WriteOffStatus
    reason: str = field(repr=False)
    proposed_by: str
    created_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    movement: MovementId | None = None

    def moved_to(self, status: WriteOffStatus) -> WriteOffStatus:
        """The next status; a step that the table does not know is a bug."""
        if status not in TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a write-off"
            raise AssertionError(message)
        return status


@frozen
class BookedWriteOff:
    """A write-off and what it does to the books."""

    write_off: WriteOff
    transfers: tuple[Transfer, ...] = ()


def proposed(
    id: WriteOffId,
    debt: Balances,
    *,
    amount_minor: int,
    currency: Currency,
    reason: str,
    name: str,
    at: datetime,
) -> Outcome[WriteOff, WriteOffRefusal]:
    """One person's word; nothing is booked. ``debt`` is what is on the merchant's ``receivable``."""
    if not 0 < amount_minor <= owed_minor(debt):
        return Failure(MoreThanOwed(owed_minor(debt)))
    return Success(
        WriteOff(
            id=id,
            version=0,
            amount_minor=amount_minor,
            currency=currency,
            status=WriteOffStatus.PROPOSED,
            reason=reason,
            proposed_by=name,
            created_at=at,
        )
    )


def decided(
    write_off: WriteOff,
    books: Books,
    debt: Balances,
    *,
    approve: bool,
    name: str,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[BookedWriteOff, WriteOffRefusal]:
    """Another person's word: the loss is ours (the flow *write-off*), or it stays the merchant's debt.

    No cash moves: our own cash paid for the debt when it arose, and what stays away is what would have come back.
    """
    if write_off.status is not WriteOffStatus.PROPOSED:
        return Failure(WriteOffOver(write_off.status))
    if name.casefold() == write_off.proposed_by.casefold():
        return Failure(SamePerson(name))
    if approve and write_off.amount_minor > owed_minor(debt):
        return Failure(MoreThanOwed(owed_minor(debt)))
    status = WriteOffStatus.APPROVED if approve else WriteOffStatus.REJECTED
    movement = Movement(MovementId.of(changeset, 0), source=write_off.id, at=at)
    if approve:
        losses = books.platform_account(Bucket.LOSSES.value)
        receivable = books.account(Bucket.RECEIVABLE.value)
        movement.move(TransferKind.WRITE_OFF, losses, receivable, write_off.amount_minor)
    after = evolve(
        write_off,
        status=write_off.moved_to(status),
        decided_by=name,
        decided_at=at,
        movement=movement.id if approve else None,
    )
    return Success(BookedWriteOff(after, tuple(movement.legs)))


def owed_minor(debt: Balances) -> int:
    """What may be written off: the debt, less what is being repaid of it."""
    return max(debt.spendable(Limit.CREDITS_WITHIN_DEBITS), 0)
