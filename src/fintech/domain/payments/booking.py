"""What a payment does to the books: holds, captures and their release (the flows *authorise*, *increment*, *capture*).

Every function answers the movements to commit; a movement's id is derived from the changeset's.
"""

from datetime import date, datetime
from functools import lru_cache
from typing import Final

from fintech.domain.cards import Scheme
from fintech.domain.chart import Bucket, code_of, unsettled_on
from fintech.domain.ids import ChangesetId, MovementId, TransferId
from fintech.domain.ledger import Books, Movement, Phase, Transfer, TransferKind
from fintech.domain.merchants import Fee
from fintech.domain.payments.attempt import Attempt, Hold

#: Where in its changeset a movement stands.
MONEY_POSITION: Final = 0
HOLD_POSITION: Final = 1

FEES_CODE: Final = code_of(Bucket.FEES, "acquiring")


@lru_cache(maxsize=4096)
def scheme_receivable_on(scheme: Scheme, day: date) -> str:
    """What the bank owes for one scheme's captures of a Sydney day."""
    return f"scheme_receivable/{scheme.value}/{day.isoformat()}"


def book_hold(
    books: Books, source: str, changeset: ChangesetId, amount_minor: int, at: datetime, expires_at: datetime
) -> tuple[Hold, tuple[Transfer, ...]]:
    """An authorisation is held in the memo accounts: no merchant's money yet."""
    movement = Movement(MovementId.of(changeset, HOLD_POSITION), source=source, at=at)
    _hold(movement, books, amount_minor, expires_at)
    return Hold(movement.legs[0].id, amount_minor, expires_at), tuple(movement.legs)


def book_release(
    books: Books, attempt: Attempt, source: str, changeset: ChangesetId, at: datetime
) -> tuple[Transfer, ...]:
    """Void every open hold of an attempt."""
    movement = Movement(MovementId.of(changeset, HOLD_POSITION), source=source, at=at)
    _void(movement, books, attempt.holds)
    return tuple(movement.legs)


def book_capture(
    books: Books,
    attempt: Attempt,
    source: str,
    changeset: ChangesetId,
    *,
    amount_minor: int,
    fee: Fee,
    tax_code: str,
    day: date,
    at: datetime,
    rest_minor: int,
) -> tuple[tuple[Hold, ...], tuple[Transfer, ...]]:
    """Take an amount: the holds are voided, the money and its fee are booked, a new hold is made for the rest."""
    money = Movement(MovementId.of(changeset, MONEY_POSITION), source=source, at=at)
    unsettled = books.account(unsettled_on(day))
    receivable = books.platform_account(scheme_receivable_on(attempt.method.card.scheme, day))
    money.move(TransferKind.CAPTURE, receivable, unsettled, amount_minor)
    money.move(TransferKind.ACQUIRING_FEE, unsettled, books.platform_account(FEES_CODE), fee.fee_minor)
    gst = books.platform_account(code_of(Bucket.GST_PAYABLE, tax_code))
    money.move(TransferKind.FEE_TAX, unsettled, gst, fee.tax_minor)
    if not attempt.holds:
        return (), tuple(money.legs)
    holds = Movement(MovementId.of(changeset, HOLD_POSITION), source=source, at=at)
    _void(holds, books, attempt.holds)
    if not rest_minor:
        return (), (*holds.legs, *money.legs)
    expires_at = attempt.holds[0].expires_at
    _hold(holds, books, rest_minor, expires_at)
    return (Hold(holds.legs[-1].id, rest_minor, expires_at),), (*holds.legs, *money.legs)


def _hold(movement: Movement, books: Books, amount_minor: int, expires_at: datetime) -> None:
    movement.move(
        TransferKind.HOLD,
        books.account(Bucket.HOLDS.value),
        books.account(Bucket.HOLDS_CONTRA.value),
        amount_minor,
        phase=Phase.PENDING,
        expires_at=expires_at,
    )


def _void(movement: Movement, books: Books, holds: tuple[Hold, ...]) -> None:
    debit, credit = books.account(Bucket.HOLDS.value), books.account(Bucket.HOLDS_CONTRA.value)
    for hold in holds:
        movement.move(
            TransferKind.HOLD,
            debit,
            credit,
            hold.amount_minor,
            phase=Phase.VOID_PENDING,
            resolves=TransferId(hold.transfer),
        )
