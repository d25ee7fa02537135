"""A statement as PDF: what moved the balance by kind on the first page, and then line by line."""

from typing import Final

from fintech.domain.lines import LineAmounts
from fintech.domain.money import Currency
from fintech.domain.statements import Statement, StatementHead
from fintech.entrypoints.papers.pages import BOLD, LEFT, RIGHT, Paper, PaperColumn
from fintech.entrypoints.papers.wording import amount, kind_words, moment, period_words

_AMOUNTS: Final = ("Gross", "Fee", "GST", "Net")
_STEP: Final = 46.0
_TOTALS: Final = (
    PaperColumn("What", LEFT, 220.0),
    PaperColumn("Number", 225.0, 290.0, right=True),
    *(
        PaperColumn(name, 295.0 + 65.0 * place, 355.0 + 65.0 * place, right=True)
        for place, name in enumerate(_AMOUNTS)
    ),
)
_LINES: Final = (
    PaperColumn("When", LEFT, 136.0),
    PaperColumn("What", 138.0, 198.0),
    PaperColumn("For", 200.0, 316.0),
    *(
        PaperColumn(name, 318.0 + _STEP * place, 318.0 + _STEP * (place + 1) - 3.0, right=True)
        for place, name in enumerate(_AMOUNTS)
    ),
    PaperColumn("Balance", 502.0, RIGHT, right=True),
)


def statement_pdf(made: Statement) -> bytes:
    """The document. Takes a second or so for the longest one: not for the loop's own thread."""
    head = made.head
    foot = f"{head.merchant}, {head.period.name}{_mark(head)}"
    paper = Paper(title=f"Statement {head.period.name}, {head.merchant}", foot=foot)
    paper.line("Statement", font=BOLD, size=18.0)
    paper.down(4)
    if head.provisional:
        paper.line("Provisional: the period is not over, and lines may still be added.", font=BOLD)
    if not head.livemode:
        paper.line("Test mode: no money was moved.", font=BOLD)
    paper.down(6)
    paper.facts(
        [
            ("Merchant", head.name),
            ("Account", head.merchant),
            *([("ABN", head.abn.spaced)] if head.abn else []),
            ("Period", f"{period_words(head.period)}, days and times of Sydney"),
            ("Amounts in", head.currency.value),
        ]
    )
    _totals(paper, made)
    paper.down(10)
    if made.lines:
        paper.need(60)
        paper.line("Line by line", font=BOLD, size=11.0)
        paper.head(_LINES)
    for line in made.lines:
        figures = [*_figures(line.amounts, head.currency), amount(line.balance_minor, head.currency)]
        paper.row(_LINES, [moment(line.at), kind_words(line.kind), line.source, *figures])
    return paper.bytes()


def _totals(paper: Paper, made: Statement) -> None:
    currency = made.head.currency

    def balance(name: str, minor: int) -> list[str]:
        return [name, "", "", "", "", amount(minor, currency)]

    paper.down(10)
    paper.head(_TOTALS, 9.0)
    paper.row(_TOTALS, balance("Opening balance", made.head.opening_minor), font=BOLD, size=9.0)
    for total in made.totals:
        cells = [kind_words(total.kind), f"{total.count:,}", *_figures(total.amounts, currency)]
        paper.row(_TOTALS, cells, size=9.0)
    name = "Balance so far" if made.head.provisional else "Closing balance"
    paper.row(_TOTALS, balance(name, made.closing_minor), font=BOLD, size=9.0)


def _figures(amounts: LineAmounts, currency: Currency) -> list[str]:
    minors = (amounts.gross_minor, amounts.fee_minor, amounts.tax_minor, amounts.net_minor)
    return [amount(minor, currency) for minor in minors]


def _mark(head: StatementHead) -> str:
    return f"{', provisional' if head.provisional else ''}{'' if head.livemode else ', test mode'}"
