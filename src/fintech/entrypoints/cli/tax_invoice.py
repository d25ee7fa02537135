"""``fintech ledger tax-invoice``: a merchant's month of fees and GST, as a table, JSON or PDF."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from fintech.domain.ids import MerchantId
from fintech.domain.money import format_minor
from fintech.domain.periods import Period
from fintech.domain.scope import Scope
from fintech.domain.tax_invoices import InvoiceLine, TaxInvoice
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    MONTH,
    data_option,
    json_option,
    mode_option,
    output_option,
)
from fintech.entrypoints.cli.printing import Column, json_text, print_table
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.cli.writing import format_of, require_file, written
from fintech.entrypoints.container import Core
from fintech.entrypoints.papers.tax_invoice_pdf import service_words, tax_invoice_pdf, title_of


class InvoiceFormat(StrEnum):
    """What a tax invoice is shown as."""

    TABLE = "table"
    JSON = "json"
    PDF = "pdf"


@click.command("tax-invoice")
@click.argument("account", type=ACCOUNT)
@click.argument("month", type=MONTH)
@click.option(
    "--format",
    "shown_as",
    type=click.Choice([each.value for each in InvoiceFormat]),
    default=InvoiceFormat.TABLE.value,
    show_default=True,
)
@output_option
@mode_option
@data_option
@json_option
def tax_invoice(
    account: MerchantId,
    month: Period,
    shown_as: str,
    output: Path | None,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Print the tax invoice of a month that is over: 2026-11.

    The supplier is who FINTECH_SUPPLIER_LEGAL_NAME, …_ABN and …_ADDRESS say, or else a specimen, which serves the
    test books only. --json is short for --format json.
    """
    wanted = InvoiceFormat(format_of(shown_as, as_json=as_json))
    if wanted is InvoiceFormat.PDF:
        require_file(output)

    async def body(core: Core) -> TaxInvoice:
        return granted(await core.make_tax_invoice()(Scope(account, livemode), month))

    made = work(data, body)
    match wanted:
        case InvoiceFormat.JSON:
            with written(output) as file:
                file.write(f"{json_text(_fields(made))}\n".encode())
        case InvoiceFormat.PDF:
            with written(output) as file:
                file.write(tax_invoice_pdf(made))
        case InvoiceFormat.TABLE:
            if output is not None:
                raise click.UsageError("--output is for --format json or pdf")
            _print(made)


def _print(made: TaxInvoice) -> None:
    columns = [
        Column("service"),
        Column("tax"),
        *(Column(each, right=True) for each in ("number", "fee", "GST", "total")),
    ]
    supplier, recipient = made.supplier, made.recipient
    mark = " (specimen)" if supplier.specimen else ""
    to = f", ABN {recipient.abn.spaced}" if recipient.abn else ""

    def row(name: str, tax: str, count: str, *minors: int) -> list[str]:
        return [name, tax, count, *(format_minor(minor, made.currency) for minor in minors)]

    def line_row(line: InvoiceLine, name: str) -> list[str]:
        return row(name, line.tax_code, str(line.count), line.fee_minor, line.tax_minor, line.total_minor)

    rows = [line_row(line, service_words(line.service)) for line in made.supplies]
    rows += [line_row(line, f"{service_words(line.service)}, given back") for line in made.adjustments]
    rows.append(row("Total", "", "", made.fee_minor, made.tax_minor, made.total_minor))
    title = (
        f"{title_of(made)} {made.number}, issued {made.issued_on.isoformat()}, {made.currency}\n"
        f"From {supplier.legal_name}{mark}, ABN {supplier.abn.spaced}, {supplier.address}\n"
        f"To {recipient.name}{to}"
    )
    print_table(columns, rows, title=title)


def _fields(made: TaxInvoice) -> dict[str, Any]:
    supplier, recipient = made.supplier, made.recipient
    return {
        "number": made.number,
        "kind": made.kind,
        "month": made.month.name,
        "issued_on": made.issued_on.isoformat(),
        "livemode": made.livemode,
        "currency": made.currency,
        "supplier": {
            "legal_name": supplier.legal_name,
            "abn": supplier.abn,
            "address": supplier.address,
            "specimen": supplier.specimen,
        },
        "recipient": {"account": recipient.merchant, "name": recipient.name, "abn": recipient.abn},
        "supplies": [_line(line) for line in made.supplies],
        "adjustments": [_line(line) for line in made.adjustments],
        "fee_minor": made.fee_minor,
        "gst_minor": made.tax_minor,
        "total_minor": made.total_minor,
    }


def _line(line: InvoiceLine) -> dict[str, Any]:
    return {
        "service": line.service,
        "tax_code": line.tax_code,
        "count": line.count,
        "fee_minor": line.fee_minor,
        "gst_minor": line.tax_minor,
        "total_minor": line.total_minor,
    }
