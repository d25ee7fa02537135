"""Answers: what a terminal shows, and what a file gets."""

import sys
from datetime import UTC, datetime

import pytest

from fintech.entrypoints.cli.printing import Column, in_sydney, print_table

COLUMNS = [Column("what"), Column("AUD", right=True)]
ROWS = [["coffee [hot]", "4.50"], ["rent", "-1200.00"]]


def test_in_a_file_words_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, ROWS, title="Today")
    assert capsys.readouterr().out == (
        "Today\nwhat               AUD\ncoffee [hot]      4.50\nrent          -1200.00\n"
    )


def test_an_empty_table_is_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [])
    assert capsys.readouterr().out == "what  AUD\n"


def test_on_a_terminal_there_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    print_table(COLUMNS, ROWS, title="Today")
    shown = capsys.readouterr().out
    assert "Today" in shown
    assert "┃" in shown
    assert "coffee [hot]" in shown  # nothing that a merchant is called is taken for markup


def test_a_moment_is_shown_as_the_merchants_clock_shows_it() -> None:
    assert in_sydney(datetime(2026, 11, 23, 13, 0, 1, tzinfo=UTC)) == "2026-11-24 00:00:01"
    assert in_sydney(datetime(2026, 6, 23, 13, 59, 59, tzinfo=UTC)) == "2026-06-23 23:59:59"
