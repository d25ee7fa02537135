"""What a balance transaction looks like: a movement with what came or went, what it cost, and what that leaves."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from attrs import frozen

from fintech.domain.business_days import settles_at
from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.ledger import AccountId, Balances, TransferKind
from fintech.domain.lines import FEE_KINDS, line_amounts
from fintech.domain.payments.payment import Payment
from fintech.domain.scope import Scope
from fintech.entrypoints.http.routes import Seen
from fintech.entrypoints.http.schema import (
    INTEGER,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    expandable,
    maybe,
    members,
    one_of,
)
from fintech.ports.queries import MovementLine


@frozen
class _Named:
    """What the wire calls a line: its type, and what reports put it under."""

    type: str
    category: str


#: By the kind of a line's first leg (docs.stripe.com/reports/balance-transaction-types).
_LINES: Final = {
    TransferKind.CAPTURE: _Named("charge", "charge"),
    TransferKind.REFUND: _Named("refund", "refund"),
    TransferKind.REFUND_FAILURE: _Named("refund_failure", "refund_failure"),
    TransferKind.PAYOUT: _Named("payout", "payout"),
    TransferKind.PAYOUT_FAILURE: _Named("payout_failure", "payout_reversal"),
    TransferKind.PAYOUT_CANCEL: _Named("payout_cancel", "payout_reversal"),
    TransferKind.PAYOUT_REVERSAL: _Named("payout", "payout_reversal"),
    TransferKind.DISPUTE: _Named("adjustment", "dispute"),
    TransferKind.DISPUTE_REVERSAL: _Named("adjustment", "dispute_reversal"),
    TransferKind.WRITE_OFF: _Named("adjustment", "other_adjustment"),
}
_FEES: Final = {
    TransferKind.ACQUIRING_FEE: "Acquiring fee",
    TransferKind.FEE_RETURN: "Acquiring fee",
    TransferKind.INSTANT_PAYOUT_FEE: "Instant payout fee",
    TransferKind.DISPUTE_FEE: "Dispute fee",
    TransferKind.DISPUTE_FEE_RETURN: "Dispute fee",
}
#: The lines of a type.
TYPES: Final = {
    name: tuple(kind for kind, named in _LINES.items() if named.type == name)
    for name in dict.fromkeys(named.type for named in _LINES.values())
}
_CATEGORIES: Final = tuple(dict.fromkeys(named.category for named in _LINES.values()))

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("balance_transaction"),
        "amount": INTEGER,
        "available_on": UNIX_TIME,
        "balance_type": const("payments"),
        "created": UNIX_TIME,
        "currency": TEXT,
        "description": NULL,
        "exchange_rate": NULL,
        "fee": INTEGER,
        "fee_details": array(
            members(
                {
                    "amount": INTEGER,
                    "application": NULL,
                    "currency": TEXT,
                    "description": TEXT,
                    "type": one_of("stripe_fee", "tax"),
                }
            )
        ),
        "net": INTEGER,
        "payout_amount": INTEGER,
        "reporting_category": one_of(*_CATEGORIES),
        "source": maybe(expandable("charge", "dispute", "payout", "refund")),
        "status": one_of("available", "pending"),
        "type": one_of(*TYPES),
    },
    optional=("payout_amount",),
)


def render_line(line: MovementLine, source: str | None, *, arrived: bool) -> dict[str, Any]:
    """A line: what came or went, what it cost, and what that leaves."""
    first, named = line.legs[0], _LINES[line.kind]
    currency = first.debit.currency.value.lower()
    amounts = line_amounts(line.legs)
    costs = [("stripe_fee", _about_fee(line), -amounts.fee_minor), ("tax", "GST", -amounts.tax_minor)]
    return {
        "id": line.id,
        "object": "balance_transaction",
        "amount": amounts.gross_minor,
        "available_on": int(_available_at(line).timestamp()),
        "balance_type": "payments",
        "created": int(first.at.timestamp()),
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": sum(each for _, _, each in costs),
        "fee_details": [
            {"amount": each, "application": None, "currency": currency, "description": about, "type": type_}
            for type_, about, each in costs
            if each
        ],
        "net": amounts.net_minor,
        "reporting_category": named.category,
        "source": source,
        "status": "available" if arrived else "pending",
        "type": named.type,
    }


def _about_fee(line: MovementLine) -> str:
    """What the fee was for: by the payout's own line, where a failed one gives its fee back."""
    if line.kind in (TransferKind.PAYOUT_FAILURE, TransferKind.PAYOUT_CANCEL):
        return _FEES[TransferKind.INSTANT_PAYOUT_FEE]
    return next((_FEES[leg.kind] for leg in line.legs if leg.kind in FEE_KINDS), "")


def unsettled_accounts(line: MovementLine, scope: Scope) -> frozenset[AccountId]:
    """The merchant's accounts of unsettled days that a line put money on or took it from."""
    accounts = (account for leg in line.legs for account in (leg.debit, leg.credit))
    return frozenset(
        account
        for account in accounts
        if bucket_of(account.code) is Bucket.UNSETTLED and account.owner == scope.merchant
    )


def _available_at(line: MovementLine) -> datetime:
    """When the bank is expected to have paid for the days that it is about; at once, if it is about none."""
    days = [
        date.fromisoformat(account.code.partition("/")[2])
        for leg in line.legs
        for account in (leg.debit, leg.credit)
        if bucket_of(account.code) is Bucket.UNSETTLED
    ]
    return max([line.legs[0].at, *map(settles_at, days)])


def settled(days: Iterable[AccountId], balances: Mapping[AccountId, Balances]) -> bool:
    """Whether nothing is left on the days' accounts: they are settled whole."""
    return not any(balances[day].spendable(Limit.DEBITS_WITHIN_CREDITS) for day in days)


def source_of(line: MovementLine, seen: Seen) -> str | None:
    """What the line came from; for a capture, the charge among its payment's that the money was captured by."""
    first = line.legs[0]
    if first.kind is TransferKind.WRITE_OFF:
        return None
    if first.kind is not TransferKind.CAPTURE:
        return first.source
    payment = seen.get(first.source)
    if not isinstance(payment, Payment):
        return None
    captured = (a.id for a in payment.attempts if any(c.movement == line.id for c in a.captures))
    return next(captured, None)
