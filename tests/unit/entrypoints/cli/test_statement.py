"""``fintech ledger statement`` and ``tax-invoice``: formats and files."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.application import statements
from fintech.domain.ids import MerchantId
from tests.unit.entrypoints.cli.conftest import Terminal

MONTH = "2026-11"


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant("--abn", "51 824 753 556", "--fee", "standard=150+10")


def month_is_over(terminal: Terminal) -> None:
    clock = terminal.core.clock()
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(days=8))


def test_a_month(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    made = terminal.json("ledger", "statement", account, "--month", MONTH)
    assert (made["from"], made["to"], made["provisional"], made["abn"]) == (
        "2026-11-01",
        "2026-11-30",
        True,
        "51824753556",
    )
    assert made["totals"] == [
        {
            "kind": "capture",
            "count": 1,
            "gross_minor": 10_000,
            "fee_minor": -160,
            "gst_minor": -16,
            "net_minor": 9_824,
        }
    ]
    month_is_over(terminal)
    assert not terminal.json("ledger", "statement", account, "--month", MONTH)["provisional"]


def test_a_format_is_the_same_in_a_file(terminal: Terminal, account: MerchantId, tmp_path: Path) -> None:
    terminal.pays(account, 10_000)
    month_is_over(terminal)
    command = ["ledger", "statement", account, "--month", MONTH]
    for form in ("csv", "json", "pdf"):
        file = tmp_path / f"statement.{form}"
        assert terminal.says(*command, "--format", form, "--output", str(file)) == ""
        printed = terminal.run(*command, "--format", form)
        assert file.read_bytes() == printed.stdout_bytes
        assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "statement.csv",
        "statement.json",
        "statement.pdf",
    ]
    assert json.loads((tmp_path / "statement.json").read_text()) == terminal.json(*command)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "statement.csv").read_text())))
    assert [row["balance"] for row in rows] == ["0.00", "98.24", "98.24"]
    assert (tmp_path / "statement.pdf").read_bytes().startswith(b"%PDF-")


def test_a_file_is_whole_or_not_there(terminal: Terminal, account: MerchantId, tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text("before")
    terminal.refuses(
        1,
        "ledger",
        "statement",
        account,
        "--live",
        "--month",
        MONTH,
        "--format",
        "csv",
        "--output",
        str(file),
    )
    assert file.read_text() == "before"
    assert [*tmp_path.iterdir()] == [file]
    nowhere = str(tmp_path / "nowhere" / "x.csv")
    said = terminal.refuses(
        3, "ledger", "statement", account, "--month", MONTH, "--format", "csv", "--output", nowhere
    )
    assert said == f"Error: {nowhere} cannot be written: No such file or directory"


def test_a_long_one_is_csv_only(
    terminal: Terminal, account: MerchantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "LINES_MAX", 2)
    for _ in range(3):
        terminal.pays(account, 1_000)
    command = ["ledger", "statement", account, "--month", MONTH]
    for form in ("table", "json", "pdf"):
        assert "more than 2 lines: ask for --format csv" in terminal.refuses(1, *command, "--format", form)
    assert len(terminal.says(*command, "--format", "csv").splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say --month, or --from and --to"),
        (["--month", MONTH, "--from", "2026-11-01"], "say --month, or --from and --to, not both"),
        (["--month", "2026-11-23"], "'--month': '2026-11-23' is not a month: 2026-11"),
        (["--month", "2026-13"], "'--month': '2026-13' is not a month: 2026-11"),
        (["--from", "1999-01-01"], "'--from': a period is in the years 2000 to 2999"),
        (["--from", "2026-11-01", "--to", "9999-12-31"], "'--from': a period is in the years 2000 to 2999"),
        (["--month", MONTH, "--output", "x"], "--output is for --format json, csv or pdf"),
        (["--month", MONTH, "--format", "pdf", "--json"], "say --format pdf or --json, not both"),
    ],
)
def test_wrong_usage(terminal: Terminal, account: MerchantId, arguments: list[str], said: str) -> None:
    assert said in terminal.refuses(2, "ledger", "statement", account, *arguments)


def test_a_period_without_books(terminal: Terminal, account: MerchantId) -> None:
    said = terminal.refuses(1, "ledger", "statement", account, "--month", "2026-10")
    assert said == "Error: the merchant's books are open since 2026-11-23, and today is 2026-11-23"


def test_a_tax_invoice(terminal: Terminal, account: MerchantId, tmp_path: Path) -> None:
    terminal.pays(account, 10_000)
    command = ["ledger", "tax-invoice", account, MONTH]
    assert "made after 2026-11-30 13:05 UTC" in terminal.refuses(1, *command)
    month_is_over(terminal)
    lines = terminal.says(*command).splitlines()
    assert lines[0] == f"Tax invoice TEST-2026-11-{account.body}, issued 2026-12-01, AUD"
    assert lines[1].startswith("From Specimen Payments Pty Ltd (specimen), ABN 51 824 753 556, ")
    assert lines[2] == "To Corner Coffee, ABN 51 824 753 556"
    assert [line.split()[-3:] for line in lines[4:]] == [["1.60", "0.16", "1.76"]] * 2
    made = terminal.json(*command)
    assert (made["fee_minor"], made["gst_minor"], made["total_minor"]) == (160, 16, 176)
    assert (made["kind"], made["recipient"]["abn"]) == ("tax_invoice", "51824753556")
    file = tmp_path / "invoice.pdf"
    terminal.says(*command, "--format", "pdf", "--output", str(file))
    assert file.read_bytes().startswith(b"%PDF-")
    assert "not both" in terminal.refuses(2, *command, "--format", "pdf", "--json")
    assert "--output is for" in terminal.refuses(2, *command, "--output", str(file))


def test_there_is_no_tax_invoice_of_nothing(terminal: Terminal, account: MerchantId) -> None:
    month_is_over(terminal)
    said = terminal.refuses(1, "ledger", "tax-invoice", account, MONTH)
    assert said == "Error: there were no fees in 2026-11, so there is nothing to invoice"


def test_live_books_need_a_real_supplier(terminal: Terminal) -> None:
    account = terminal.merchant("--live")
    month_is_over(terminal)
    said = terminal.refuses(1, "ledger", "tax-invoice", account, MONTH, "--live")
    assert said.startswith("Error: a specimen is no supplier in live mode: set FINTECH_SUPPLIER_LEGAL_NAME")


def test_other_currencies_have_none(terminal: Terminal) -> None:
    account = terminal.merchant("--currency", "NZD")
    month_is_over(terminal)
    said = terminal.refuses(1, "ledger", "tax-invoice", account, MONTH)
    assert said == "Error: a tax invoice is in AUD, and the merchant keeps its books in NZD"


def test_an_abn_is_checked(terminal: Terminal, account: MerchantId) -> None:
    assert terminal.json("merchant", "show", account)["abn"] == "51824753556"
    assert "51 824 753 556" in terminal.says("merchant", "show", account)
    said = terminal.refuses(2, "merchant", "create", "--name", "Kiosk", "--abn", "51824753557")
    assert "'--abn': an ABN has eleven digits" in said
