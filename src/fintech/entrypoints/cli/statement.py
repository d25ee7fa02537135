"""``fintech ledger statement``: what moved a merchant's balance, as a table, JSON, CSV or PDF."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from fintech.domain.ids import MerchantId
from fintech.domain.lines import LineAmounts
from fintech.domain.money import format_minor
from fintech.domain.periods import Period
from fintech.domain.scope import Scope
from fintech.domain.statements import Statement, StatementLine
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    DAY,
    MONTH,
    data_option,
    json_option,
    mode_option,
    output_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, json_text, print_table
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.cli.writing import format_of, require_file, written
from fintech.entrypoints.container import Core
from fintech.entrypoints.papers.statement_csv import statement_csv
from fintech.entrypoints.papers.statement_pdf import statement_pdf


class StatementFormat(StrEnum):
    """What a statement is shown as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


@click.command()
@click.argument("account", type=ACCOUNT)
@click.option("--month", type=MONTH, help="A whole month: 2026-11.")
@click.option("--from", "first_day", type=DAY, help="Or any days: the first.")
@click.option("--to", "last_day", type=DAY, help="The last one, included; today, if not said.")
@click.option(
    "--format",
    "shown_as",
    type=click.Choice([each.value for each in StatementFormat]),
    default=StatementFormat.TABLE.value,
    show_default=True,
    help="CSV may have any number of lines; amounts in decimals.",
)
@output_option
@mode_option
@data_option
@json_option
def statement(
    account: MerchantId,
    month: Period | None,
    first_day: date | None,
    last_day: date | None,
    shown_as: str,
    output: Path | None,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Print a merchant's statement: every line of its balance, with fee and GST, and the balance after it.

    --json is short for --format json.
    """
    wanted = StatementFormat(format_of(shown_as, as_json=as_json))
    period = _period(month, first_day, last_day)
    if wanted is StatementFormat.PDF:
        require_file(output)
    scope = Scope(account, livemode)
    if wanted is StatementFormat.CSV:
        work(data, lambda core: _stream(core, scope, period, output))
        return

    async def body(core: Core) -> Statement:
        return granted(await core.make_statement()(scope, period))

    made = work(data, body)
    match wanted:
        case StatementFormat.JSON:
            with written(output) as file:
                file.write(f"{json_text(_fields(made))}\n".encode())
        case StatementFormat.PDF:
            with written(output) as file:
                file.write(statement_pdf(made))
        case StatementFormat.TABLE:
            if output is not None:
                raise click.UsageError("--output is for --format json, csv or pdf")
            _print(made)


def _period(month: Period | None, first_day: date | None, last_day: date | None) -> Period:
    if month is not None:
        if first_day is not None or last_day is not None:
            raise click.UsageError("say --month, or --from and --to, not both")
        return month
    if first_day is None:
        raise click.UsageError("say --month, or --from and --to")
    last = last_day or DAY.convert("today", None, None)
    if last < first_day:
        raise click.BadParameter("is before --from", param_hint="'--to'")
    try:
        return Period(first_day, last)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--from'") from error


async def _stream(core: Core, scope: Scope, period: Period, output: Path | None) -> None:
    opened = granted(await core.open_statement()(scope, period))
    with written(output) as file:
        async for piece in statement_csv(opened):
            file.write(piece)


def _print(made: Statement) -> None:
    head = made.head
    columns = [
        Column("at"),
        Column("kind"),
        Column("source"),
        *(Column(each, right=True) for each in ("gross", "fee", "GST", "net", "balance")),
    ]
    opening, closing = (
        format_minor(each, head.currency) for each in (head.opening_minor, made.closing_minor)
    )
    rows = [["", "opening", "", "", "", "", "", opening]]
    rows += [[in_sydney(line.at), line.kind, line.source, *_money(line, made)] for line in made.lines]
    rows += [["", "closing", "", "", "", "", "", closing]]
    span = f"{head.period.first_day.isoformat()} to {head.period.last_day.isoformat()}"
    mark = ", provisional" if head.provisional else ""
    print_table(columns, rows, title=f"{head.name}, {span}, {head.currency}{mark}")


def _money(line: StatementLine, made: Statement) -> list[str]:
    amounts = line.amounts
    minors = (
        amounts.gross_minor,
        amounts.fee_minor,
        amounts.tax_minor,
        amounts.net_minor,
        line.balance_minor,
    )
    return [format_minor(minor, made.head.currency) for minor in minors]


def _fields(made: Statement) -> dict[str, Any]:
    head = made.head
    return {
        "account": head.merchant,
        "name": head.name,
        "abn": head.abn,
        "livemode": head.livemode,
        "currency": head.currency,
        "from": head.period.first_day.isoformat(),
        "to": head.period.last_day.isoformat(),
        "provisional": head.provisional,
        "opening_minor": head.opening_minor,
        "lines": [
            {
                "movement": line.id,
                "at": iso(line.at),
                "kind": line.kind,
                "source": line.source,
                **_amounts(line.amounts),
                "balance_minor": line.balance_minor,
            }
            for line in made.lines
        ],
        "closing_minor": made.closing_minor,
        "totals": [
            {"kind": total.kind, "count": total.count, **_amounts(total.amounts)} for total in made.totals
        ],
    }


def _amounts(amounts: LineAmounts) -> dict[str, int]:
    return {
        "gross_minor": amounts.gross_minor,
        "fee_minor": amounts.fee_minor,
        "gst_minor": amounts.tax_minor,
        "net_minor": amounts.net_minor,
    }
