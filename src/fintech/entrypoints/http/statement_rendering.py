"""What statements look like as objects: amounts in minor units, plus for the merchant, minus against it."""

from typing import Any, Final

from fintech.application.statements import ListedPeriod
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import LineAmounts
from fintech.domain.periods import Period
from fintech.domain.statements import Statement, StatementLine
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    maybe,
    members,
    one_of,
)

_STATUS: Final = one_of("final", "provisional")
_KIND: Final = one_of(*TransferKind)
_AMOUNTS: Final = {"gross": INTEGER, "fee": INTEGER, "gst": INTEGER, "net": INTEGER}
_SPAN: Final = members({"end": UNIX_TIME, "start": UNIX_TIME})

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("statement"),
        "abn": maybe(TEXT),
        "account": TEXT,
        "closing_balance": INTEGER,
        "currency": TEXT,
        "lines": array(
            members(
                {
                    "id": TEXT,
                    **_AMOUNTS,
                    "balance": INTEGER,
                    "created": UNIX_TIME,
                    "kind": _KIND,
                    "source": TEXT,
                }
            )
        ),
        "livemode": FLAG,
        "name": TEXT,
        "opening_balance": INTEGER,
        "period": _SPAN,
        "status": _STATUS,
        "totals": array(members({"kind": _KIND, "count": INTEGER, **_AMOUNTS})),
    }
)
PERIOD_SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("statement_period"),
        "interval": one_of("day", "month"),
        "livemode": FLAG,
        "period": _SPAN,
        "status": _STATUS,
    }
)


def render_statement(made: Statement) -> dict[str, Any]:
    """A statement, whose id is its period."""
    head = made.head
    return {
        "id": head.period.name,
        "object": "statement",
        "abn": head.abn,
        "account": head.merchant,
        "closing_balance": made.closing_minor,
        "currency": head.currency.value.lower(),
        "lines": [_line(line) for line in made.lines],
        "livemode": head.livemode,
        "name": head.name,
        "opening_balance": head.opening_minor,
        "period": _span(head.period),
        "status": _status(provisional=head.provisional),
        "totals": [
            {"kind": total.kind.value, "count": total.count, **_amounts(total.amounts)}
            for total in made.totals
        ],
    }


def render_period(listed: ListedPeriod, livemode: bool) -> dict[str, Any]:
    """A period that there is a statement of."""
    return {
        "id": listed.period.name,
        "object": "statement_period",
        "interval": "month" if listed.period.is_month else "day",
        "livemode": livemode,
        "period": _span(listed.period),
        "status": _status(provisional=listed.provisional),
    }


def _line(line: StatementLine) -> dict[str, Any]:
    return {
        "id": line.id,
        **_amounts(line.amounts),
        "balance": line.balance_minor,
        "created": int(line.at.timestamp()),
        "kind": line.kind.value,
        "source": line.source,
    }


def _amounts(amounts: LineAmounts) -> dict[str, int]:
    return {
        "gross": amounts.gross_minor,
        "fee": amounts.fee_minor,
        "gst": amounts.tax_minor,
        "net": amounts.net_minor,
    }


def _span(period: Period) -> dict[str, int]:
    return {"end": int(period.end.timestamp()), "start": int(period.start.timestamp())}


def _status(*, provisional: bool) -> str:
    return "provisional" if provisional else "final"
