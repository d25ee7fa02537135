"""Tax invoices over HTTP: of a month, as an object or as PDF."""

import asyncio
from typing import Annotated, Any, Final, assert_never

from attrs import Factory, frozen

from fintech.application.commits import NotFound
from fintech.application.statements import NoSuchPeriod
from fintech.application.tax_invoices import (
    InvoiceCurrency,
    MakeTaxInvoice,
    MonthNotOver,
    NothingSupplied,
    SupplierNotSet,
)
from fintech.domain.outcome import Failure
from fintech.domain.periods import Period
from fintech.domain.tax import TaxCode
from fintech.domain.tax_invoices import InvoiceKind, InvoiceLine, TaxInvoice
from fintech.entrypoints.http.errors import ErrorType, Problem, Refused, missing
from fintech.entrypoints.http.kinds import words
from fintech.entrypoints.http.routes import Answer, Call, Download, Resource, Route
from fintech.entrypoints.http.schema import FLAG, INTEGER, TEXT, Schema, array, const, maybe, members, one_of
from fintech.entrypoints.http.statements import PDF, FileFormat, file_name, refused_as
from fintech.entrypoints.papers.tax_invoice_pdf import service_words, tax_invoice_pdf

PATH: Final = "/v1/tax_invoices"
_INVOICES: Final = Resource("tax_invoices", "tax_invoice")
_LINES: Final = array(
    members(
        {
            "count": INTEGER,
            "description": TEXT,
            "fee": INTEGER,
            "gst": INTEGER,
            "service": TEXT,
            "tax_code": one_of(*TaxCode),
            "total": INTEGER,
        }
    )
)

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("tax_invoice"),
        "adjustments": _LINES,
        "currency": TEXT,
        "fee": INTEGER,
        "gst": INTEGER,
        "issued_on": TEXT,
        "kind": one_of(*InvoiceKind),
        "livemode": FLAG,
        "month": TEXT,
        "recipient": members({"abn": maybe(TEXT), "account": TEXT, "name": TEXT}),
        "supplier": members({"abn": TEXT, "address": TEXT, "legal_name": TEXT, "specimen": FLAG}),
        "supplies": _LINES,
        "total": INTEGER,
    }
)


@frozen(kw_only=True)
class TaxInvoiceParams:
    """As what."""

    format: Annotated[FileFormat, words(FileFormat.JSON, FileFormat.PDF), "As an object, or as a file."] = (
        FileFormat.JSON
    )


@frozen(kw_only=True)
class TaxInvoices:
    """The operation on tax invoices."""

    make_tax_invoice: MakeTaxInvoice
    printing: asyncio.Semaphore = Factory(lambda: asyncio.Semaphore(1))

    def routes(self) -> tuple[Route[Any], ...]:
        """Its table."""
        return (
            _INVOICES.get(
                "retrieve",
                PATH + "/{month}",
                TaxInvoiceParams,
                self.retrieve,
                "Retrieve the tax invoice of a month (2026-11) that is over.",
                media_types=(PDF,),
            ),
        )

    async def retrieve(self, call: Call[TaxInvoiceParams]) -> Answer | Download:
        month = Period.parse(call.target)
        if month is None or not month.is_month:
            raise missing("tax_invoice", call.target, "month")
        outcome = await self.make_tax_invoice(call.scope, month)
        if isinstance(outcome, Failure):
            raise _refused_as(outcome.failure())
        made = outcome.unwrap()
        if call.params.format is FileFormat.JSON:
            return Answer(render_tax_invoice(made))
        async with self.printing:
            content = await asyncio.to_thread(tax_invoice_pdf, made)
        name = file_name(call.scope, month, "pdf", "tax-invoice")
        return Download(name=name, media_type=PDF, content=content)


def render_tax_invoice(invoice: TaxInvoice) -> dict[str, Any]:
    """A tax invoice, whose id is its number. Amounts are minor units; adjustments are negative."""
    supplier, recipient = invoice.supplier, invoice.recipient
    return {
        "id": invoice.number,
        "object": "tax_invoice",
        "adjustments": [_line(line) for line in invoice.adjustments],
        "currency": invoice.currency.value.lower(),
        "fee": invoice.fee_minor,
        "gst": invoice.tax_minor,
        "issued_on": invoice.issued_on.isoformat(),
        "kind": invoice.kind.value,
        "livemode": invoice.livemode,
        "month": invoice.month.name,
        "recipient": {"abn": recipient.abn, "account": recipient.merchant, "name": recipient.name},
        "supplier": {
            "abn": supplier.abn,
            "address": supplier.address,
            "legal_name": supplier.legal_name,
            "specimen": supplier.specimen,
        },
        "supplies": [_line(line) for line in invoice.supplies],
        "total": invoice.total_minor,
    }


def _line(line: InvoiceLine) -> dict[str, Any]:
    return {
        "count": line.count,
        "description": service_words(line.service),
        "fee": line.fee_minor,
        "gst": line.tax_minor,
        "service": line.service,
        "tax_code": line.tax_code.value,
        "total": line.total_minor,
    }


def _refused_as(
    refusal: NotFound | NoSuchPeriod | MonthNotOver | NothingSupplied | SupplierNotSet | InvoiceCurrency,
) -> Refused:
    match refusal:
        case NotFound() | NoSuchPeriod():
            return refused_as(refusal)
        case MonthNotOver(until=until):
            message = f"The month is not over: its tax invoice is made after {until.isoformat()}."
            return Refused(Problem(code="tax_invoice_not_ready", message=message, param="month"))
        case NothingSupplied(month=month):
            message = f"No such tax_invoice: there were no fees in {month.name}."
            return Refused(Problem(status=404, code="resource_missing", message=message, param="month"))
        case SupplierNotSet():
            return Refused(_SUPPLIER_NOT_SET)
        case InvoiceCurrency(currency=currency):
            message = f"Tax invoices are in aud; this account is kept in {currency.value.lower()}."
            return Refused(Problem(code="currency_not_supported", message=message, param="month"))
        case _:
            assert_never(refusal)


_SUPPLIER_NOT_SET: Final = Problem(
    status=503,
    type=ErrorType.API,
    code="supplier_not_set",
    message="Tax invoices cannot be made yet: our own name and ABN have not been set. Ask us about it.",
    retry=False,
)
