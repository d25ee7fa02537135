"""Statements: of any length in little memory, whole when they are short, provisional until the period is over."""

import tracemalloc
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import Memory
from fintech.application import statements
from fintech.application.commits import NotFound
from fintech.application.statements import (
    LINES_MAX,
    STEP,
    NoSuchPeriod,
    OpenedStatement,
    OpenStatement,
    TooManyLines,
)
from fintech.domain.ids import MerchantId, MovementId
from fintech.domain.ledger import Movement, TransferKind
from fintech.domain.outcome import Failure
from fintech.domain.periods import LANDS_WITHIN, Period
from fintech.domain.scope import Scope
from fintech.domain.statements import Statement
from fintech.ports.queries import MovementLine
from tests.unit.application.shop import Shop, open_shop, value

TODAY = date(2026, 11, 23)
DAY = Period(TODAY, TODAY)


async def made(shop: Shop, period: Period) -> Statement:
    statement: Statement = value(await shop.core.make_statement()(shop.scope, period))
    return statement


async def test_a_statement_opens_where_the_one_before_closes(shop: Shop) -> None:
    day, closing = TODAY, 0
    for amount in (10_000, 333, 99):
        payment = await shop.pay(amount)
        await shop.settle()
        await shop.refund(payment.id, 50)
        await shop.authorise(amount)
        statement = await made(shop, Period(day, day))
        assert (statement.head.opening_minor, len(statement.lines)) == (closing, 2)
        closing = statement.closing_minor
        shop.advance(days=1)
        day += timedelta(days=1)
    month = await made(shop, Period.of_month(TODAY))
    assert (month.head.opening_minor, month.closing_minor, len(month.lines)) == (0, closing, 6)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10])
async def test_it_is_whole_however_it_is_read(
    shop: Shop, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "STEP", 5)
    for _ in range(count):
        await shop.pay(1_000)
    statement = await made(shop, DAY)
    assert len({line.id for line in statement.lines}) == len(statement.lines) == count
    assert statement.closing_minor == count * (1_000 - 18 - 2)


async def test_what_is_paid_at_midnight_is_the_next_days(shop: Shop) -> None:
    """Also of the day that has 25 hours: 5 April 2027 is the Monday after the clocks went back on the 4th."""
    for day in (date(2026, 11, 24), date(2027, 4, 5)):
        midnight = Period(day, day).start
        shop.clock.advance(midnight - timedelta(microseconds=1) - shop.clock.now())
        await shop.pay(1_000)
        shop.clock.advance(timedelta(microseconds=1))
        last = await shop.pay(2_000)
        before = await made(shop, Period(day - timedelta(days=1), day - timedelta(days=1)))
        after = await made(shop, Period(day, day))
        assert [line.amounts.gross_minor for line in before.lines] == [1_000]
        assert [line.source for line in after.lines] == [last.id]
        assert after.head.opening_minor == before.closing_minor


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 4, 4), 25), (date(2027, 10, 3), 23)])
async def test_a_day_of_another_length_is_whole(shop: Shop, day: date, hours: int) -> None:
    shop.clock.advance(Period(day, day).start - shop.clock.now())
    for _ in range(25):
        await shop.pay(1_000)
        shop.advance(hours=1)
    assert len((await made(shop, Period(day, day))).lines) == hours


async def test_it_is_provisional_until_nothing_more_can_land(shop: Shop) -> None:
    await shop.pay()
    assert (await made(shop, DAY)).head.provisional
    shop.clock.advance(DAY.end + LANDS_WITHIN - shop.clock.now() - timedelta(microseconds=1))
    assert (await made(shop, DAY)).head.provisional
    shop.clock.advance(timedelta(microseconds=1))
    assert not (await made(shop, DAY)).head.provisional


async def test_a_period_in_which_there_were_no_books_is_refused(shop: Shop) -> None:
    shop.advance(days=2)
    no = Failure(NoSuchPeriod(TODAY, TODAY + timedelta(days=2)))
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=3)):
        assert await shop.core.make_statement()(shop.scope, Period(day, day)) == no
        assert await shop.core.open_statement()(shop.scope, Period(day, day)) == no
    assert (await made(shop, Period(date(2026, 1, 1), date(2027, 1, 1)))).lines == ()


async def test_nobody_has_no_statement(shop: Shop) -> None:
    nobody = Scope(MerchantId("acct_" + "z" * 24), livemode=False)
    no = Failure(NotFound("merchant", nobody.merchant))
    assert await shop.core.make_statement()(nobody, DAY) == no
    assert await shop.core.list_periods()(nobody, monthly=True) == no
    live = Scope(shop.scope.merchant, livemode=True)
    assert await shop.core.make_statement()(live, DAY) == Failure(NotFound("merchant", live.merchant))


async def test_the_periods_that_there_are(shop: Shop) -> None:
    shop.clock.advance(timedelta(days=8))  # 1 December
    months = value(await shop.core.list_periods()(shop.scope, monthly=True))
    assert [(each.period.name, each.provisional) for each in months] == [
        ("2026-12", True),
        ("2026-11", False),
    ]
    days = [each.period.name for each in value(await shop.core.list_periods()(shop.scope, monthly=False))]
    assert (days[0], days[-1], len(days)) == ("2026-12-01", "2026-11-23", 9)


class Endless(MemoryQueries):
    """So many lines as are asked for, none of which is kept anywhere."""

    def __init__(self, shop: Shop, count: int) -> None:
        super().__init__(Memory())
        self.shop, self.count, self.largest = shop, count, 0

    async def lines(
        self, scope: Scope, start: datetime, end: datetime, limit: int, after: MovementLine | None = None
    ) -> Sequence[MovementLine]:
        del scope, end
        first = int(after.id[-10:]) + 1 if after else 0
        found = [self._line(start, number) for number in range(first, min(first + limit, self.count))]
        self.largest = max(self.largest, len(found))
        return found

    def _line(self, start: datetime, number: int) -> MovementLine:
        id = MovementId(f"txn_{number:026d}")
        movement = Movement(id, source="pi_x", at=start)
        books = self.shop.books
        movement.move(TransferKind.CAPTURE, books.account("losses"), books.account("available"), 1)
        return MovementLine(id=id, legs=tuple(movement.legs))


def reading(shop: Shop, queries: Any) -> OpenStatement:
    return OpenStatement(store=shop.store, queries=queries, clock=shop.clock)


async def test_half_a_million_lines_take_the_memory_of_a_few(shop: Shop) -> None:
    queries = Endless(shop, 500_000)
    opened: OpenedStatement = value(await reading(shop, queries)(shop.scope, DAY))
    count = before = 0
    tracemalloc.start()
    async for line in opened.lines:
        count += 1
        assert line.balance_minor == count
        if count == 2_000:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
        elif count == 20_000:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak - before < 4_000_000
    assert count == 500_000
    assert queries.largest == STEP


async def test_what_is_shown_whole_is_bounded() -> None:
    async with open_shop() as shop:
        for count, refused in ((LINES_MAX, False), (LINES_MAX + 1, True), (500_000, True)):
            make = statements.MakeStatement(open_statement=reading(shop, Endless(shop, count)))
            outcome = await make(shop.scope, DAY)
            if refused:
                assert outcome == Failure(TooManyLines(LINES_MAX))
            else:
                assert len(value(outcome).lines) == count
