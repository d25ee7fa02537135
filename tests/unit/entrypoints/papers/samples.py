"""Statements and invoices that no merchant has."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.abn import Abn
from fintech.domain.ids import ChangesetId, MerchantId, MovementId, PaymentId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import LineAmounts
from fintech.domain.money import Currency
from fintech.domain.periods import Period
from fintech.domain.statements import Statement, StatementHead, StatementLine
from fintech.domain.tax import TaxCode
from fintech.domain.tax_invoices import SPECIMEN, InvoiceLine, Recipient, TaxInvoice

ACCOUNT = MerchantId("acct_" + "0" * 23 + "7")
NAME = "Zoë's Café – 珈琲"
APRIL = Period(date(2026, 4, 1), date(2026, 4, 30))


def head(**changes: Any) -> StatementHead:
    """April of a café that was in debt."""
    facts: dict[str, Any] = {
        "merchant": ACCOUNT,
        "name": NAME,
        "abn": Abn("51824753556"),
        "livemode": True,
        "currency": Currency.AUD,
        "period": APRIL,
        "opening_minor": -1_234,
        "provisional": False,
    }
    return StatementHead(**{**facts, **changes})


def lines(count: int, opening_minor: int = -1_234) -> Iterator[StatementLine]:
    """A line every twenty minutes from before the clocks went back."""
    chance, ids = Random(4), CountingIdSource()
    at, balance = datetime(2026, 4, 4, 13, tzinfo=UTC), opening_minor
    for _ in range(count):
        gross = chance.randrange(-10_000, 10_000_000)
        amounts = LineAmounts(gross, -abs(gross) // 60, -abs(gross) // 600)
        balance += amounts.net_minor
        yield StatementLine(
            id=MovementId.of(ids.new(ChangesetId), 0),
            at=at,
            kind=chance.choice([TransferKind.CAPTURE, TransferKind.REFUND, TransferKind.PAYOUT]),
            source=ids.new(PaymentId),
            amounts=amounts,
            balance_minor=balance,
        )
        at += timedelta(minutes=20)


def statement(count: int, **changes: Any) -> Statement:
    """So many lines."""
    top = head(**changes)
    return Statement(head=top, lines=tuple(lines(count, top.opening_minor)))


def invoice(**changes: Any) -> TaxInvoice:
    """April's, with something given back."""
    facts: dict[str, Any] = {
        "number": "2026-04-" + ACCOUNT.body,
        "month": APRIL,
        "issued_on": date(2026, 5, 1),
        "supplier": SPECIMEN,
        "recipient": Recipient(merchant=ACCOUNT, name=NAME, abn=Abn("53004085616")),
        "livemode": True,
        "currency": Currency.AUD,
        "supplies": (
            InvoiceLine(
                service="acquiring", tax_code=TaxCode.GST, count=1_234, fee_minor=1_234_567, tax_minor=123_457
            ),
            InvoiceLine(
                service="wire_transfer", tax_code=TaxCode.INPUT_TAXED, count=1, fee_minor=500, tax_minor=0
            ),
        ),
        "adjustments": (
            InvoiceLine(service="acquiring", tax_code=TaxCode.GST, count=2, fee_minor=-457, tax_minor=-46),
        ),
    }
    return TaxInvoice(**{**facts, **changes})
