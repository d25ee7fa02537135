"""Tax invoices as pages: everything that the law asks for is there to be read."""

import pytest

from fintech.domain.abn import Abn
from fintech.domain.tax import TaxCode
from fintech.domain.tax_invoices import InvoiceLine, Recipient, Supplier
from fintech.entrypoints.papers.tax_invoice_pdf import service_words, tax_invoice_pdf, title_of
from tests.unit.entrypoints.papers.reading import pages_of, text_of
from tests.unit.entrypoints.papers.samples import ACCOUNT, invoice

US = Supplier(legal_name="Us Pty Ltd", abn=Abn("88000014675"), address="5 George Street, Sydney NSW 2000")
GIVEN_BACK = InvoiceLine(service="acquiring", tax_code=TaxCode.GST, count=2, fee_minor=-457, tax_minor=-46)
INPUT_TAXED = InvoiceLine(
    service="acquiring", tax_code=TaxCode.INPUT_TAXED, count=1, fee_minor=9, tax_minor=0
)


def test_what_section_29_70_asks_for() -> None:
    (page,) = pages_of(tax_invoice_pdf(invoice(supplier=US, adjustments=())))
    assert page.startswith("Tax invoice\n")
    for words in (
        "Us Pty Ltd", "88 000 014 675", "5 George Street",  # the supplier's identity and ABN
        "Zoë's Café", "53 004 085 616", ACCOUNT,  # the recipient's
        "1 May 2026",  # the date of issue
        "Card acquiring", "1,234", "12,345.67",  # what is supplied, how often, and its price
        "Taxable", "Input taxed",  # the extent to which each supply is taxable
        "1,234.57",  # the GST
        "12,350.67", "13,585.24",  # the total without and with it
        "April 2026", "2026-04-000000000000000000000007",
    ):  # fmt: skip
        assert words in page, words
    assert "Specimen" not in page
    assert "Test mode" not in page


def test_what_section_29_75_asks_for() -> None:
    page = text_of(tax_invoice_pdf(invoice(supplies=(), adjustments=(GIVEN_BACK,))))
    assert page.startswith("Adjustment note\n")
    for words in ("51 824 753 556", "1 May 2026", "Reason: fees", "-4.57", "-0.46", "-5.03"):
        assert words in page, words


@pytest.mark.parametrize(
    ("supplies", "adjustments", "title"),
    [
        (None, (), "Tax invoice"),
        (None, (GIVEN_BACK,), "Tax invoice and adjustment note"),
        ((INPUT_TAXED,), (), "Invoice"),
        ((INPUT_TAXED,), (GIVEN_BACK,), "Adjustment note"),
    ],
)
def test_it_calls_itself_what_it_is(
    supplies: tuple[InvoiceLine, ...] | None, adjustments: tuple[InvoiceLine, ...], title: str
) -> None:
    made = (
        invoice(adjustments=adjustments)
        if supplies is None
        else invoice(supplies=supplies, adjustments=adjustments)
    )
    assert title_of(made) == title
    assert text_of(tax_invoice_pdf(made)).startswith(f"{title}\n")


def test_a_specimen_and_a_test_say_so() -> None:
    page = text_of(tax_invoice_pdf(invoice(livemode=False)))
    assert "Specimen: the supplier is made up." in page
    assert "Test mode: nothing was supplied" in page


def test_a_recipient_without_an_abn_is_named() -> None:
    page = text_of(tax_invoice_pdf(invoice(recipient=Recipient(merchant=ACCOUNT, name="Kiosk", abn=None))))
    assert page.count("ABN") == 1
    assert "Kiosk" in page


def test_services_have_words() -> None:
    assert service_words("acquiring") == "Card acquiring"
    assert service_words("wire_transfer") == "Wire transfer"
    assert service_words("") == "Services"


def test_the_same_invoice_has_the_same_bytes() -> None:
    assert tax_invoice_pdf(invoice()) == tax_invoice_pdf(invoice())
