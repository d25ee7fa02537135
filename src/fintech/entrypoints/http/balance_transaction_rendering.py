"""What a balance transaction looks like: a movement with what came or went, what it cost, and what that leaves."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from fintech.domain.business_days import next_settlement_at
from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.ledger import AccountId, Balances, TransferKind
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

#: What a line is called, by the kind of its first leg, and whether its money comes (1) or goes (-1).
_LINES: Final = {
    TransferKind.CAPTURE: ("charge", 1),
    TransferKind.REFUND: ("refund", -1),
    TransferKind.REFUND_FAILURE: ("refund_failure", 1),
    TransferKind.DISPUTE: ("adjustment", -1),
    TransferKind.DISPUTE_REVERSAL: ("adjustment", 1),
    TransferKind.WRITE_OFF: ("adjustment", 1),
}
#: What accountants file a line under, where its type does not say it.
_CATEGORIES: Final = {
    TransferKind.DISPUTE: "dispute",
    TransferKind.DISPUTE_REVERSAL: "dispute_reversal",
    TransferKind.WRITE_OFF: "other_adjustment",
}
_FEES: Final = {TransferKind.ACQUIRING_FEE: 1, TransferKind.FEE_RETURN: -1}
_DISPUTE_FEES: Final = {TransferKind.DISPUTE_FEE: 1, TransferKind.DISPUTE_FEE_RETURN: -1}
_TAXES: Final = {TransferKind.FEE_TAX: 1, TransferKind.FEE_TAX_RETURN: -1}
#: The kinds of movements that each type of line stands for.
TYPES: Final = {
    name: tuple(kind for kind, (other, _) in _LINES.items() if other == name) for name, _ in _LINES.values()
}

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
        "reporting_category": one_of(*TYPES, *_CATEGORIES.values()),
        "source": maybe(expandable("charge", "dispute", "refund")),
        "status": one_of("available", "pending"),
        "type": one_of(*TYPES),
    }
)


def render_line(line: MovementLine, source: str | None, *, arrived: bool) -> dict[str, Any]:
    """A line: what came or went, what it cost, and what that leaves."""
    first = line.legs[0]
    kind, sign = _LINES[first.kind]
    currency = first.debit.currency.value.lower()
    amount = sign * sum(leg.amount_minor for leg in line.legs if leg.kind is first.kind)
    costs = [
        ("stripe_fee", "Acquiring fee", _sum(line, _FEES)),
        ("stripe_fee", "Dispute fee", _sum(line, _DISPUTE_FEES)),
        ("tax", "GST", _sum(line, _TAXES)),
    ]
    fee = sum(each for _, _, each in costs)
    return {
        "id": line.id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": int(_available_at(line).timestamp()),
        "balance_type": "payments",
        "created": int(first.at.timestamp()),
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {"amount": each, "application": None, "currency": currency, "description": about, "type": type_}
            for type_, about, each in costs
            if each
        ],
        "net": amount - fee,
        "reporting_category": _CATEGORIES.get(first.kind, kind),
        "source": source,
        "status": "available" if arrived else "pending",
        "type": kind,
    }


def _sum(line: MovementLine, signs: Mapping[TransferKind, int]) -> int:
    return sum(signs[leg.kind] * leg.amount_minor for leg in line.legs if leg.kind in signs)


def unsettled_accounts(line: MovementLine, scope: Scope) -> frozenset[AccountId]:
    """The merchant's accounts of unsettled days that a line put money on or took it from."""
    accounts = (account for leg in line.legs for account in (leg.debit, leg.credit))
    return frozenset(
        account
        for account in accounts
        if bucket_of(account.code) is Bucket.UNSETTLED and account.owner == scope.merchant
    )


def _available_at(line: MovementLine) -> datetime:
    """When the bank is expected to have paid, for what is not settled when it moves."""
    at = line.legs[0].at
    unsettled = any(
        bucket_of(account.code) is Bucket.UNSETTLED
        for leg in line.legs
        for account in (leg.debit, leg.credit)
    )
    return next_settlement_at(at) if unsettled else at


def settled(days: Iterable[AccountId], balances: Mapping[AccountId, Balances]) -> bool:
    """Whether nothing is left on the days' accounts: they are settled whole."""
    return not any(balances[day].spendable(Limit.DEBITS_WITHIN_CREDITS) for day in days)


def source_of(line: MovementLine, seen: Seen) -> str | None:
    """The refund or dispute, or the charge among its payment's that the money was captured by."""
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
