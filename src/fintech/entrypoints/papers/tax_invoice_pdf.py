"""A tax invoice as PDF, with what s 29-70 and s 29-75 of the GST Act 1999 ask for (see `fintech.domain.tax_invoices`)."""

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from fintech.domain.tax import TaxCode
from fintech.domain.tax_invoices import (
    ACQUIRING,
    DISPUTE,
    INSTANT_PAYOUT,
    InvoiceKind,
    InvoiceLine,
    TaxInvoice,
)
from fintech.entrypoints.papers.pages import BOLD, LEFT, RIGHT, Paper, PaperColumn
from fintech.entrypoints.papers.wording import amount, day_words, period_words

_SERVICES: Final = {
    ACQUIRING: "Card acquiring",
    INSTANT_PAYOUT: "Instant payouts",
    DISPUTE: "Handling of disputes",
}
_TAXABLE: Final = {
    TaxCode.GST: "Taxable",
    TaxCode.GST_FREE: "GST-free",
    TaxCode.INPUT_TAXED: "Input taxed",
}
_COLUMNS: Final = (
    PaperColumn("Service", LEFT, 210.0),
    PaperColumn("GST status", 215.0, 280.0),
    PaperColumn("Number", 285.0, 330.0, right=True),
    PaperColumn("Price without GST", 335.0, 420.0, right=True),
    PaperColumn("GST", 425.0, 480.0, right=True),
    PaperColumn("Price with GST", 485.0, RIGHT, right=True),
)
_SIZE: Final = 9.0
_TOTAL_COLUMNS: Final = (*(evolve(column, heading="") for column in _COLUMNS[:3]), *_COLUMNS[3:])


def title_of(invoice: TaxInvoice) -> str:
    """What the document calls itself, so that it is clear what it is meant to be."""
    match invoice.kind:
        case InvoiceKind.ADJUSTMENT_NOTE:
            return "Adjustment note"
        case InvoiceKind.INVOICE:
            return "Invoice"
        case InvoiceKind.TAX_INVOICE:
            return "Tax invoice and adjustment note" if invoice.adjustments else "Tax invoice"


def service_words(service: str) -> str:
    """``Card acquiring``."""
    return _SERVICES.get(service) or service.replace("_", " ").capitalize() or "Services"


def tax_invoice_pdf(invoice: TaxInvoice) -> bytes:
    """The document."""
    title = title_of(invoice)
    paper = Paper(title=f"{title} {invoice.number}", foot=f"{title} {invoice.number}")
    paper.line(title, font=BOLD, size=18.0)
    paper.down(4)
    if not invoice.livemode:
        paper.line("Test mode: nothing was supplied, and no GST credit can be claimed.", font=BOLD)
    if invoice.supplier.specimen:
        paper.line("Specimen: the supplier is made up.", font=BOLD)
    paper.down(6)
    _parties(paper, invoice)
    _table(paper, invoice, "Services supplied", invoice.supplies)
    if invoice.adjustments:
        _table(paper, invoice, "Adjustments: fees given back", invoice.adjustments)
        paper.down(2)
        paper.line(
            "Reason: fees of this month or of earlier ones were given back for refunds, disputes won and payouts that never arrived.",
            size=7.0,
        )
        paper.line("The price of those services, and the GST on them, fall by these amounts.", size=7.0)
    _total(paper, invoice)
    return paper.bytes()


def _parties(paper: Paper, invoice: TaxInvoice) -> None:
    supplier, recipient = invoice.supplier, invoice.recipient
    paper.facts(
        [
            ("Number", invoice.number),
            ("Date of issue", day_words(invoice.issued_on)),
            ("Supplied in", f"{period_words(invoice.month)}, days of Sydney"),
        ]
    )
    paper.down(8)
    paper.facts(
        [
            ("Supplier", supplier.legal_name),
            ("ABN", supplier.abn.spaced),
            ("Address", supplier.address),
        ]
    )
    paper.down(8)
    paper.facts(
        [
            ("Recipient", recipient.name),
            *([("ABN", recipient.abn.spaced)] if recipient.abn else []),
            ("Account", recipient.merchant),
        ]
    )


def _table(paper: Paper, invoice: TaxInvoice, heading: str, lines: Sequence[InvoiceLine]) -> None:
    paper.down(12)
    paper.line(heading, font=BOLD, size=11.0)
    paper.head(_COLUMNS, _SIZE)
    for line in lines:
        minors = (line.fee_minor, line.tax_minor, line.total_minor)
        cells = [service_words(line.service), _TAXABLE[line.tax_code], f"{line.count:,}"]
        paper.row(_COLUMNS, [*cells, *(amount(minor, invoice.currency) for minor in minors)], size=_SIZE)


def _total(paper: Paper, invoice: TaxInvoice) -> None:
    minors = (invoice.fee_minor, invoice.tax_minor, invoice.total_minor)
    figures = [amount(minor, invoice.currency) for minor in minors]
    paper.down(12)
    paper.head(_TOTAL_COLUMNS, _SIZE)
    paper.row(_TOTAL_COLUMNS, [f"Total in {invoice.currency}", "", "", *figures], font=BOLD, size=_SIZE)
    paper.down(10)
    paper.line(
        "GST is rounded for each fee. Fees are paid: they were taken out of the account's balance.", size=7.0
    )
