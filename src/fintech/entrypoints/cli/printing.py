"""Answers: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from fintech.domain.business_days import SYDNEY


@frozen
class Column:
    """A column's heading; amounts are ranged right."""

    heading: str
    right: bool = False


def print_json(value: object) -> None:
    """One JSON value, its keys in the order in which they were given."""
    print(json_text(value))


def json_text(value: object) -> str:
    """The same as text."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, title: str | None = None
) -> None:
    """A table: with lines on a terminal, aligned words elsewhere."""
    if sys.stdout.isatty():
        _print_rich(columns, rows, title)
        return
    if title:
        print(title)
    widths = [
        max(len(column.heading), *(len(row[index]) for row in rows)) if rows else len(column.heading)
        for index, column in enumerate(columns)
    ]
    for row in [[column.heading for column in columns], *rows]:
        cells = [
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        print("  ".join(cells).rstrip())


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print(f"{name.ljust(width)}  {value}")


def in_sydney(at: datetime) -> str:
    """A moment as the merchant's clock shows it."""
    return at.astimezone(SYDNEY).strftime("%Y-%m-%d %H:%M:%S")


def iso(at: datetime | None) -> str | None:
    """A moment for programs: ISO 8601, UTC."""
    return at.isoformat() if at else None


def _print_rich(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str | None) -> None:
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal to look at
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(title=title, title_justify="left")
    for column in columns:
        justify: Any = "right" if column.right else "left"
        table.add_column(column.heading, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
