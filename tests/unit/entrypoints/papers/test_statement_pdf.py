"""Statements as pages."""

import hashlib
import subprocess
import sys

import pytest

from fintech.domain.money import Currency
from fintech.entrypoints.papers.pages import BOX_NOTE, showable
from fintech.entrypoints.papers.statement_pdf import statement_pdf
from fintech.entrypoints.papers.wording import amount, moment
from tests.unit.entrypoints.papers.reading import pages_of, text_of
from tests.unit.entrypoints.papers.samples import ACCOUNT, lines, statement


@pytest.mark.parametrize("count", [0, 1, 30, 200])
def test_every_line_is_there_with_its_figures(count: int) -> None:
    made = statement(count)
    text = text_of(statement_pdf(made))
    for line in made.lines:
        assert line.source in text
        assert moment(line.at) in text
        assert amount(line.balance_minor, Currency.AUD) in text
    assert amount(made.closing_minor, Currency.AUD) in text
    assert "-12.34" in text


def test_every_page_has_the_head_of_the_table_and_its_number() -> None:
    pages = pages_of(statement_pdf(statement(200)))
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert f"{ACCOUNT}, 2026-04" in page
        assert "Balance" in page
        assert "When" in page


def test_it_says_whose_it_is_and_of_when() -> None:
    (page,) = pages_of(statement_pdf(statement(1)))
    for words in (
        "Statement",
        ACCOUNT,
        "51 824 753 556",
        "April 2026",
        "AUD",
        "Opening balance",
        "Closing balance",
    ):
        assert words in page
    assert "rovisional" not in page
    assert "est mode" not in page


def test_it_says_what_it_is_not() -> None:
    (page,) = pages_of(statement_pdf(statement(1, livemode=False, provisional=True, abn=None)))
    assert "Provisional: the period is not over" in page
    assert "Test mode: no money was moved." in page
    assert "Balance so far" in page
    assert "provisional, test mode" in page
    assert "ABN" not in page


def test_a_name_in_other_letters_has_no_gap() -> None:
    page = text_of(statement_pdf(statement(1)))
    assert "Zoë's Café – □□" in page
    assert BOX_NOTE in page
    plain = text_of(statement_pdf(statement(1, name="Nguyễn & Παπαδόπουλος, Кафе")))
    assert "Nguyễn & Παπαδόπουλος, Кафе" in plain
    assert BOX_NOTE not in plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cafe\u0301", "Café"),  # an accent by itself joins its letter
        ("a\x00\n\u200bb", "a□□□b"),
        ("مقهى", "□□□□"),  # from right to left, and shaped
        ("☕", "☕"),
        ("\U0001f980", "□"),
    ],
)
def test_what_cannot_be_shown_is_a_box(text: str, shown: str) -> None:
    assert showable(text) == shown


def test_the_same_statement_has_the_same_bytes_also_in_another_process() -> None:
    program = (
        "import hashlib; from tests.unit.entrypoints.papers.samples import statement;"
        " from fintech.entrypoints.papers.statement_pdf import statement_pdf;"
        " print(hashlib.sha256(statement_pdf(statement(60))).hexdigest())"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = (hashlib.sha256(statement_pdf(statement(60))).hexdigest() for _ in range(2))
    assert first == second == ran.stdout.strip()
    assert hashlib.sha256(statement_pdf(statement(61))).hexdigest() != first


def test_figures_are_never_cut_off() -> None:
    made = statement(1, opening_minor=10**15)
    text = text_of(statement_pdf(made))
    assert "10,000,000,000,000.00" in text
    assert amount(made.closing_minor, Currency.AUD) in text


def test_amounts_are_for_people() -> None:
    assert amount(-123_456_789, Currency.AUD) == "-1,234,567.89"
    assert amount(-5, Currency.AUD) == "-0.05"
    assert amount(1_234, Currency.JPY) == "1,234"
    first, *_ = lines(1)
    assert moment(first.at) == "2026-04-05 00:00:00 AEDT"


def test_nothing_is_printed_where_nothing_is_asked_for() -> None:
    program = "import sys; from fintech.entrypoints.papers import statement_pdf, tax_invoice_pdf; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"reportlab", "PIL"} & {name.partition(".")[0] for name in ran.stdout.split()}
