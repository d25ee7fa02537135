"""Statements for spreadsheets and programs."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import evolve

from fintech.application.statements import OpenedStatement
from fintech.domain.money import Currency
from fintech.domain.statements import StatementLine
from fintech.entrypoints.papers.statement_csv import CHUNK, COLUMNS, harmless, statement_csv
from tests.unit.entrypoints.papers.samples import head, lines


async def pieces(count: int, *, source: str | None = None, **changes: Any) -> list[bytes]:
    top = head(**changes)

    async def read() -> AsyncIterator[StatementLine]:
        for line in lines(count, top.opening_minor):
            yield line if source is None else evolve(line, source=source)

    return [piece async for piece in statement_csv(OpenedStatement(head=top, lines=read()))]


async def rows(count: int, **changes: Any) -> list[dict[str, str]]:
    text = b"".join(await pieces(count, **changes)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_it_is_what_rfc_4180_says() -> None:
    text = b"".join(await pieces(2)).decode()
    assert text.splitlines(keepends=True)[0] == ",".join(COLUMNS) + "\r\n"
    assert text.count("\r\n") == text.count("\n") == 5
    assert {row.count(",") for row in text.splitlines()} == {len(COLUMNS) - 1}


async def test_amounts_are_decimals_and_add_up() -> None:
    opening, *between, closing = await rows(3)
    assert (opening["kind"], opening["balance"], opening["at"]) == (
        "opening",
        "-12.34",
        "2026-04-01T00:00:00+11:00",
    )
    balance = -1_234
    for row, line in zip(between, lines(3), strict=True):
        assert [row[name] for name in ("movement", "kind", "source", "currency")] == [
            line.id,
            line.kind,
            line.source,
            "AUD",
        ]
        gross, fee, gst, net, after = (
            round(float(row[name]) * 100) for name in ("gross", "fee", "gst", "net", "balance")
        )
        assert gross + fee + gst == net
        balance += net
        assert after == balance == line.balance_minor
    assert (closing["kind"], closing["balance"], closing["at"]) == (
        "closing",
        between[-1]["balance"],
        "2026-05-01T00:00:00+10:00",
    )


async def test_times_tell_the_hour_that_comes_twice() -> None:
    found = [row["at"] for row in await rows(16)][1:-1]
    assert found[6] == "2026-04-05T02:00:00+11:00"
    assert found[9] == "2026-04-05T02:00:00+10:00"
    assert len(set(found)) == 16


async def test_yen_have_no_cents() -> None:
    opening, *_ = await rows(0, currency=Currency.JPY)
    assert opening["balance"] == "-1234"


async def test_a_period_that_is_not_over_has_no_closing_balance_yet() -> None:
    assert [row["kind"] for row in await rows(0, provisional=True)] == ["opening", "closing_provisional"]


async def test_it_comes_in_pieces() -> None:
    found = await pieces(2_000)
    assert len(found) > 5
    assert max(len(piece) for piece in found) < CHUNK + 1_000


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
async def test_a_text_is_no_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert (await rows(1, source=text))[1]["source"] == f"'{text}"


@pytest.mark.parametrize("text", ["", "pi_1", "a=1", "Zoë"])
def test_other_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text


async def test_what_would_end_a_cell_or_a_row_does_not() -> None:
    source = 'a,"b"\r\nc'
    assert [row["source"] for row in await rows(1, source=source)][1] == source
