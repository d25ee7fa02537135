"""Statement lines: what a movement did to the balance, and what lines add up to."""

from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Books, Movement, TransferKind
from fintech.domain.lines import LineAmounts
from fintech.domain.money import Currency
from fintech.domain.periods import Period
from fintech.domain.statements import Statement, StatementHead, StatementLine, line_after
from tests.unit.domain.desk import NOON, TODAY, merchant

BOOKS = Books.of(merchant().id, Currency.AUD)
IDS = CountingIdSource()
UNSETTLED, AVAILABLE, FEES, GST, SCHEME = (
    BOOKS.account(code)
    for code in ("unsettled/2026-11-23", "available", "fees/acquiring", "gst_payable/gst", "scheme_receivable/visa")
)  # fmt: skip


def capture(amount: int, fee: int, tax: int) -> Movement:
    movement = Movement(MovementId.of(IDS.new(ChangesetId), 0), source="pi_1", at=NOON)
    movement.move(TransferKind.CAPTURE, SCHEME, UNSETTLED, amount)
    movement.move(TransferKind.ACQUIRING_FEE, UNSETTLED, FEES, fee)
    movement.move(TransferKind.FEE_TAX, UNSETTLED, GST, tax)
    return movement


def refund(amount: int, fee: int) -> Movement:
    movement = Movement(MovementId.of(IDS.new(ChangesetId), 0), source="re_1", at=NOON)
    movement.move(TransferKind.REFUND, AVAILABLE, SCHEME, amount)
    movement.move(TransferKind.FEE_RETURN, FEES, AVAILABLE, fee)
    return movement


def statement(*movements: Movement, opening: int = 0) -> Statement:
    head = StatementHead(
        merchant=merchant().id,
        name="Kiosk",
        abn=None,
        livemode=False,
        currency=Currency.AUD,
        period=Period(TODAY, TODAY),
        opening_minor=opening,
        provisional=True,
    )
    lines: list[StatementLine] = []
    balance = opening
    for movement in movements:
        lines.append(line_after(balance, movement.id, movement.legs))
        balance = lines[-1].balance_minor
    return Statement(head=head, lines=tuple(lines))


def test_a_line_is_gross_fee_tax_and_the_balance_after_it() -> None:
    movement = capture(10_000, 175, 18)
    line = line_after(500, movement.id, movement.legs)
    assert line.amounts == LineAmounts(10_000, -175, -18)
    assert (line.kind, line.source, line.at) == (TransferKind.CAPTURE, "pi_1", NOON)
    assert line.balance_minor == 500 + 10_000 - 175 - 18


def test_the_closing_balance_is_that_of_the_last_line() -> None:
    made = statement(capture(10_000, 175, 18), refund(4_000, 70), opening=-300)
    assert made.closing_minor == -300 + 9_807 - 4_000 + 70
    assert statement(opening=-300).closing_minor == -300


def test_totals_by_kind_are_the_difference_of_the_balances() -> None:
    made = statement(refund(4_000, 70), capture(10_000, 175, 18), capture(1_000, 18, 2), opening=7)
    captured, refunded = made.totals
    assert (captured.kind, captured.count, captured.amounts) == (
        TransferKind.CAPTURE,
        2,
        LineAmounts(11_000, -193, -20),
    )
    assert (refunded.kind, refunded.count, refunded.amounts) == (
        TransferKind.REFUND,
        1,
        LineAmounts(-4_000, 70, 0),
    )
    assert sum(total.amounts.net_minor for total in made.totals) == made.closing_minor - 7
