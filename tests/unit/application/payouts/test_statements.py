"""A whole day on one statement, the same on every store: sales, a refund, payouts with a fee, money that comes back."""

from datetime import timedelta

from fintech.domain.ledger import TransferKind
from fintech.domain.merchants import FeePlan, SchemeFee
from fintech.domain.periods import LANDS_WITHIN, Period
from fintech.domain.tax_invoices import ACQUIRING, INSTANT_PAYOUT
from fintech.entrypoints.papers.statement_csv import statement_csv
from tests.conftest import Server
from tests.cores import on_postgres
from tests.unit.application.payouts.counter import CLOSED, RETURNS, Counter, open_counter
from tests.unit.application.shop import value

FEES = FeePlan(standard=SchemeFee(rate_bps=150, fixed_minor=10), returned_on_refund=True)


async def trade(counter: Counter) -> Period:
    """A day, and the month that it is in once that is over."""
    day = Period.parse("2026-11-23")
    assert day is not None
    first = await counter.pay(100_000)
    await counter.pay(50_000, "pm_card_amex")
    await counter.settle()
    await counter.pay(80_000)
    await counter.refund(first.id, 30_000)
    counter.advance(hours=25)
    await counter.arrived(await counter.pay_out(10_000, destination=(await counter.account(CLOSED)).id))
    await counter.arrived(await counter.pay_out(5_000, destination=(await counter.account(RETURNS)).id))
    await counter.arrived(await counter.instant(150_000))
    for _ in range(10):
        counter.advance(days=1)
        await counter.sweep()
    month = Period.of_month(day.first_day)
    counter.clock.advance(max(month.end + LANDS_WITHIN - counter.clock.now(), timedelta()))
    return month


async def files(counter: Counter) -> tuple[str, object]:
    """The month as CSV, and its invoice."""
    month = await trade(counter)
    statement = value(await counter.core.make_statement()(counter.scope, month))
    balance = await counter.balance()
    owed = sum(
        balance.get(bucket, 0) for bucket in ("unsettled", "available", "reserved", "receivable", "advance")
    )
    assert statement.closing_minor == owed
    kinds = {total.kind for total in statement.totals}
    assert kinds >= {
        TransferKind.CAPTURE,
        TransferKind.REFUND,
        TransferKind.PAYOUT,
        TransferKind.PAYOUT_FAILURE,
    }
    invoice = value(await counter.core.make_tax_invoice()(counter.scope, month))
    assert {line.service for line in invoice.supplies} == {ACQUIRING, INSTANT_PAYOUT}
    assert [line.service for line in invoice.adjustments] == [ACQUIRING]
    fees = await counter.net("fees/acquiring") + await counter.net("fees/instant_payout")
    assert (invoice.fee_minor, invoice.tax_minor) == (fees, await counter.net("gst_payable/gst"))
    await counter.assert_proofs_hold()
    opened = value(await counter.core.open_statement()(counter.scope, month))
    return b"".join([piece async for piece in statement_csv(opened)]).decode(), invoice


async def test_a_month_with_payouts_is_the_same_on_every_store(postgres_server: Server) -> None:
    async with open_counter(fees=FEES) as counter:
        in_memory = await files(counter)
    async with open_counter(opens=on_postgres(postgres_server), fees=FEES) as counter:
        assert await files(counter) == in_memory
    assert in_memory[0].count("\r\n") > 8
