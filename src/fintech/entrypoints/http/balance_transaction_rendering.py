"""What a balance transaction looks like: a movement with what came or went, what it cost, and what that leaves."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from fintech.domain.business_days import settles_at
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
}
_FEES: Final = {TransferKind.ACQUIRING_FEE: 1, TransferKind.FEE_RETURN: -1}
_TAXES: Final = {TransferKind.FEE_TAX: 1, TransferKind.FEE_TAX_RETURN: -1}
TYPES: Final = {name: kind for kind, (name, _) in _LINES.items()}

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
        "reporting_category": one_of(*TYPES),
        "source": maybe(expandable("charge", "refund")),
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
        "reporting_category": kind,
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
    """When the bank is expected to have paid for the days that it is about; at once, if it is about none."""
    days = [
        date.fromisoformat(account.code.partition("/")[2])
        for leg in line.legs
        for account in (leg.debit, leg.credit)
        if bucket_of(account.code) is Bucket.UNSETTLED
    ]
    return max(line.legs[0].at, *map(settles_at, days))


def settled(days: Iterable[AccountId], balances: Mapping[AccountId, Balances]) -> bool:
    """Whether nothing is left on the days' accounts: they are settled whole."""
    return not any(balances[day].spendable(Limit.DEBITS_WITHIN_CREDITS) for day in days)


def source_of(line: MovementLine, seen: Seen) -> str | None:
    """The refund, or the charge among its payment's that the money was captured by."""
    first = line.legs[0]
    if first.kind is not TransferKind.CAPTURE:
        return first.source
    payment = seen.get(first.source)
    if not isinstance(payment, Payment):
        return None
    captured = (a.id for a in payment.attempts if any(c.movement == line.id for c in a.captures))
    return next(captured, None)
