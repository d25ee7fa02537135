"""A statement as CSV (RFC 4180, UTF-8), line by line: of any length, in memory that does not grow with it.

Times are ISO 8601 with Sydney's offset, amounts decimals without separators, so that programs read them too. The first
row is the opening balance, the last the closing one, or ``closing_provisional`` while the period is not over.
"""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from fintech.application.statements import OpenedStatement
from fintech.domain.business_days import SYDNEY
from fintech.domain.money import Currency, format_minor
from fintech.domain.statements import StatementHead, StatementLine

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
COLUMNS: Final = (
    "at", "movement", "kind", "source", "gross", "fee", "gst", "net", "balance", "currency",
)  # fmt: skip
#: How much is gathered before it is handed on, in characters.
CHUNK: Final = 32_768

#: What a spreadsheet takes for the beginning of a formula, also in the widths of East Asian typefaces.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def statement_csv(opened: OpenedStatement) -> AsyncIterator[bytes]:
    """The file, in pieces."""
    head = opened.head
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerow(_balance(head, "opening", head.period.start, head.opening_minor))
    closing = head.opening_minor
    async for line in opened.lines:
        writer.writerow(_cells(line, head.currency))
        closing = line.balance_minor
        if buffer.tell() >= CHUNK:
            yield _taken(buffer)
    name = "closing_provisional" if head.provisional else "closing"
    writer.writerow(_balance(head, name, head.period.end, closing))
    yield _taken(buffer)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: with an apostrophe before what would begin one."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _balance(head: StatementHead, name: str, at: datetime, minor: int) -> list[str]:
    balance = format_minor(minor, head.currency)
    return [_moment(at), "", name, head.merchant, "", "", "", "", balance, head.currency.value]


def _cells(line: StatementLine, currency: Currency) -> list[str]:
    amounts = line.amounts
    minors = (
        amounts.gross_minor,
        amounts.fee_minor,
        amounts.tax_minor,
        amounts.net_minor,
        line.balance_minor,
    )
    texts = (harmless(text) for text in (line.id, line.kind.value, line.source))
    return [_moment(line.at), *texts, *(format_minor(minor, currency) for minor in minors), currency.value]


def _moment(at: datetime) -> str:
    return at.astimezone(SYDNEY).isoformat()
