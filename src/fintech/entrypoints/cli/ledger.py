"""``fintech ledger``: the proofs of the books, and statements."""

import csv
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from fintech.application.commits import NotFound
from fintech.domain.ids import MerchantId
from fintech.domain.merchants import Merchant
from fintech.domain.money import format_minor
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import ACCOUNT, DAY, data_option, json_option, mode_option
from fintech.entrypoints.cli.printing import Column, in_sydney, print_json, print_table
from fintech.entrypoints.cli.statement import Line, Statement, statement_of
from fintech.entrypoints.cli.working import Refused, granted, work
from fintech.entrypoints.container import Core
from fintech.ports.proofs import Discrepancy, Proof


@frozen
class Checked:
    """A proof of the books of one mode, and what speaks against it."""

    proof: Proof
    livemode: bool
    discrepancies: Sequence[Discrepancy]


@click.group()
def ledger() -> None:
    """Prove the books; print statements."""


@ledger.command()
@click.option("--live/--test", "livemode", default=None, help="Which books: both, if not said.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Of each proof.")
@data_option
@json_option
def verify(livemode: bool | None, limit: int, data: Path | None, as_json: bool) -> None:
    """Check every proof of the books. Ends with 1 and the discrepancies when one does not hold."""

    async def body(core: Core) -> list[Checked]:
        return [
            Checked(proof, mode, await core.proofs().check(proof, mode, limit))
            for mode in ((False, True) if livemode is None else (livemode,))
            for proof in Proof
        ]

    checked = work(data, body)
    broken = [each for each in checked if each.discrepancies]
    if as_json:
        print_json({"holds": not broken, "proofs": [_proof_fields(each) for each in checked]})
    else:
        rows = [
            [
                "live" if each.livemode else "test",
                each.proof,
                f"{len(each.discrepancies)} wrong" if each.discrepancies else "holds",
            ]
            for each in checked
        ]
        print_table([Column("books"), Column("proof"), Column("")], rows)
        if broken:
            _print_discrepancies(broken)
    if broken:
        raise Refused(f"{len(broken)} of {len(checked)} proofs do not hold")


@ledger.command()
@click.argument("account", type=ACCOUNT)
@click.option("--from", "first_day", type=DAY, required=True, help="The first Sydney day.")
@click.option(
    "--to", "last_day", type=DAY, default="today", show_default=True, help="The last one, included."
)
@click.option("--csv", "as_csv", is_flag=True, help="CSV for spreadsheets; amounts in decimals.")
@mode_option
@data_option
@json_option
def statement(
    account: MerchantId,
    first_day: date,
    last_day: date,
    as_csv: bool,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Print a merchant's statement: every movement of its money, with fee and GST, and the balance after it."""
    if last_day < first_day:
        raise click.BadParameter("is before --from", param_hint="'--to'")
    if as_csv and as_json:
        raise click.UsageError("say --csv or --json, not both")
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[Merchant, Statement]:
        merchant = await core.store().merchant(scope)
        if merchant is None:
            return granted(Failure(NotFound("merchant", account)))
        return merchant, await statement_of(core, scope, first_day, last_day)

    merchant, made = work(data, body)
    if as_json:
        print_json(_statement_fields(merchant, made, livemode=livemode))
    elif as_csv:
        _write_csv(merchant, made)
    else:
        _print_statement(merchant, made)


def _print_statement(merchant: Merchant, made: Statement) -> None:
    headings = ["gross", "fee", "GST", "net", "balance"]
    columns = [
        Column("at"),
        Column("kind"),
        Column("source"),
        *(Column(each, right=True) for each in headings),
    ]
    opening, closing = (
        format_minor(minor, merchant.currency) for minor in (made.opening_minor, made.closing_minor)
    )
    rows = [["", "opening", "", "", "", "", "", opening]]
    rows += [[in_sydney(line.at), line.kind, line.source, *_money(line, merchant)] for line in made.lines]
    rows += [["", "closing", "", "", "", "", "", closing]]
    span = f"{made.first_day.isoformat()} to {made.last_day.isoformat()}"
    print_table(columns, rows, title=f"{merchant.name}, {span}, {merchant.currency}")


def _write_csv(merchant: Merchant, made: Statement) -> None:
    def balance(name: str, minor: int) -> list[str]:
        return ["", "", name, "", "", "", "", "", format_minor(minor, merchant.currency), merchant.currency]

    writer = csv.writer(sys.stdout)
    writer.writerow(["at", "movement", "kind", "source", "gross", "fee", "gst", "net", "balance", "currency"])
    writer.writerow(balance("opening", made.opening_minor))
    for line in made.lines:
        cells = [line.at.isoformat(), line.id, line.kind, line.source, *_money(line, merchant)]
        writer.writerow([*cells, merchant.currency])
    writer.writerow(balance("closing", made.closing_minor))


def _money(line: Line, merchant: Merchant) -> list[str]:
    amounts = (line.gross_minor, line.fee_minor, line.tax_minor, line.net_minor, line.balance_minor)
    return [format_minor(minor, merchant.currency) for minor in amounts]


def _print_discrepancies(broken: Sequence[Checked]) -> None:
    columns = [Column("books"), Column("proof"), Column("subject"), Column("expected"), Column("found")]
    rows = [
        ["live" if each.livemode else "test", each.proof, found.subject, found.expected, found.found]
        for each in broken
        for found in each.discrepancies
    ]
    print_table(columns, rows, title="discrepancies")


def _proof_fields(checked: Checked) -> dict[str, Any]:
    return {
        "proof": checked.proof,
        "livemode": checked.livemode,
        "holds": not checked.discrepancies,
        "discrepancies": [
            {"subject": each.subject, "expected": each.expected, "found": each.found}
            for each in checked.discrepancies
        ],
    }


def _statement_fields(merchant: Merchant, made: Statement, *, livemode: bool) -> dict[str, Any]:
    return {
        "account": merchant.id,
        "livemode": livemode,
        "currency": merchant.currency,
        "from": made.first_day.isoformat(),
        "to": made.last_day.isoformat(),
        "opening_minor": made.opening_minor,
        "lines": [
            {
                "movement": line.id,
                "at": line.at.isoformat(),
                "kind": line.kind,
                "source": line.source,
                "gross_minor": line.gross_minor,
                "fee_minor": line.fee_minor,
                "gst_minor": line.tax_minor,
                "net_minor": line.net_minor,
                "balance_minor": line.balance_minor,
            }
            for line in made.lines
        ],
        "closing_minor": made.closing_minor,
    }
