"""``fintech ledger``: the proofs of the books, statements and tax invoices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from fintech.entrypoints.cli.options import data_option, json_option
from fintech.entrypoints.cli.printing import Column, print_json, print_table
from fintech.entrypoints.cli.statement import statement
from fintech.entrypoints.cli.tax_invoice import tax_invoice
from fintech.entrypoints.cli.working import Refused, work
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
    """Prove the books; print statements and tax invoices."""


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


ledger.add_command(statement)
ledger.add_command(tax_invoice)


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
