"""What a payout looks like on the wire."""

from typing import Any, Final

from fintech.domain.payouts.payout import Payout, PayoutFailure, PayoutStatus
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    const,
    expandable,
    maybe,
    members,
    one_of,
)

STATUSES: Final = {
    PayoutStatus.PENDING: "pending",
    PayoutStatus.SENT: "in_transit",
    PayoutStatus.UNKNOWN: "in_transit",
    PayoutStatus.IN_TRANSIT: "in_transit",
    PayoutStatus.PAID: "paid",
    PayoutStatus.FAILED: "failed",
    PayoutStatus.CANCELED: "canceled",
}
_FAILURES: Final = {
    PayoutFailure.ACCOUNT_CLOSED: "The bank account has been closed.",
    PayoutFailure.ACCOUNT_FROZEN: "The bank account has been frozen.",
    PayoutFailure.BANK_ACCOUNT_RESTRICTED: "The bank account does not take this kind of payment.",
    PayoutFailure.BANK_OWNERSHIP_CHANGED: "The account is another bank's by now.",
    PayoutFailure.COULD_NOT_PROCESS: "The bank could not process this payout.",
    PayoutFailure.DECLINED: "The bank has declined this payout. Ask it before you try again.",
    PayoutFailure.INCORRECT_ACCOUNT_HOLDER_NAME: "The bank account is in another name.",
    PayoutFailure.INSUFFICIENT_FUNDS: "There was not enough money to pay this out.",
    PayoutFailure.INVALID_ACCOUNT_NUMBER: "The routing number is right, but the account number is not.",
    PayoutFailure.NO_ACCOUNT: "There is no such bank account.",
}
_NULLS: Final = ("application_fee", "application_fee_amount", "payout_method")

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("payout"),
        "amount": INTEGER,
        "arrival_date": UNIX_TIME,
        "automatic": FLAG,
        "balance_transaction": maybe(expandable("balance_transaction")),
        "created": UNIX_TIME,
        "currency": TEXT,
        "description": maybe(TEXT),
        "destination": expandable("bank_account"),
        "failure_balance_transaction": maybe(expandable("balance_transaction")),
        "failure_code": maybe(one_of(*PayoutFailure)),
        "failure_message": maybe(TEXT),
        "livemode": FLAG,
        "metadata": METADATA,
        "method": one_of("instant", "standard"),
        "original_payout": maybe(expandable("payout")),
        "reconciliation_status": one_of("completed", "not_applicable"),
        "reversed_by": maybe(expandable("payout")),
        "source_type": const("card"),
        "statement_descriptor": maybe(TEXT),
        "status": one_of("canceled", "failed", "in_transit", "paid", "pending"),
        "trace_id": members({"status": one_of("pending", "supported", "unsupported"), "value": maybe(TEXT)}),
        "type": const("bank_account"),
    }
    | dict.fromkeys(_NULLS, NULL)
)


def render_payout(payout: Payout, livemode: bool) -> dict[str, Any]:
    """A payout. One that brings another's money back has a negative amount; it pays for nothing.

    It is in transit from the moment that the bank may have been asked, also while nobody knows whether it was.
    """
    sign = -1 if payout.reverses else 1
    arrival = payout.arrival_at or payout.send_at or payout.sent_at or payout.created_at
    return {
        "id": payout.id,
        "object": "payout",
        "amount": sign * payout.amount_minor,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(arrival.timestamp()),
        "automatic": payout.automatic,
        "balance_transaction": payout.movement,
        "created": int(payout.created_at.timestamp()),
        "currency": payout.currency.value.lower(),
        "description": payout.description,
        "destination": payout.destination,
        "failure_balance_transaction": payout.failure_movement,
        "failure_code": payout.failure.value if payout.failure else None,
        "failure_message": _FAILURES[payout.failure] if payout.failure else None,
        "livemode": livemode,
        "metadata": dict(payout.metadata),
        "method": payout.method.value,
        "original_payout": payout.reverses,
        "payout_method": None,
        "reconciliation_status": "not_applicable" if payout.reverses else "completed",
        "reversed_by": payout.reversed_by,
        "source_type": "card",
        "statement_descriptor": payout.statement_descriptor,
        "status": STATUSES[payout.status],
        "trace_id": _trace(payout),
        "type": "bank_account",
    }


def _trace(payout: Payout) -> dict[str, Any]:
    """The bank's own reference, once the money has arrived."""
    if payout.status is PayoutStatus.PAID and payout.reference is not None:
        return {"status": "supported", "value": payout.reference}
    over = payout.status in (PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.CANCELED)
    return {"status": "unsupported" if over else "pending", "value": None}
