"""Statements: of any period as a stream of lines, and of short ones as a whole. Nothing is stored: lines never change.

A period that is not over has a provisional statement. One that is over is the same whenever it is asked for.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Final

from attrs import frozen

from fintech.application.commits import NotFound
from fintech.domain.business_days import sydney_day
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.periods import Period, days_back, months_back
from fintech.domain.scope import Scope
from fintech.domain.statements import Statement, StatementHead, StatementLine, line_after
from fintech.ports.clock import Clock
from fintech.ports.queries import MovementLine, Queries
from fintech.ports.store import Store

#: How many lines are read at once, so that a statement of any length takes little memory and lets others run.
STEP: Final = 500
#: How many lines a statement has that is held in memory whole; longer ones are read as a stream.
LINES_MAX: Final = 5_000


@frozen
class NoSuchPeriod:
    """The merchant has no statement of that period: they are of the Sydney days from ``first_day`` to ``last_day``."""

    first_day: date
    last_day: date


@frozen
class TooManyLines:
    """The statement has more lines than are shown whole."""

    most: int


@frozen(kw_only=True)
class OpenedStatement:
    """The head of a statement, and its lines as they are read, oldest first."""

    head: StatementHead
    lines: AsyncIterator[StatementLine]


@frozen
class ListedPeriod:
    """A period that there is a statement of."""

    period: Period
    provisional: bool


@frozen(kw_only=True)
class OpenStatement:
    """A statement of any length, in memory that does not grow with it."""

    store: Store
    queries: Queries
    clock: Clock

    async def __call__(
        self, scope: Scope, period: Period
    ) -> Outcome[OpenedStatement, NotFound | NoSuchPeriod]:
        """Refused for a period without a day between the merchant's first and today."""
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        now = self.clock.now()
        first, today = sydney_day(merchant.created_at), sydney_day(now)
        if not period.overlaps(first, today):
            return Failure(NoSuchPeriod(first, today))
        opening = await self.queries.balance_before(scope, period.start)
        head = _head(merchant, scope, period, opening, provisional=not period.over(now))
        return Success(OpenedStatement(head=head, lines=self._lines(scope, head)))

    async def _lines(self, scope: Scope, head: StatementHead) -> AsyncIterator[StatementLine]:
        balance = head.opening_minor
        async for movement in movements_in(self.queries, scope, head.period):
            line = line_after(balance, movement.id, movement.legs)
            balance = line.balance_minor
            yield line


@frozen(kw_only=True)
class MakeStatement:
    """A statement as a whole."""

    open_statement: OpenStatement

    async def __call__(
        self, scope: Scope, period: Period
    ) -> Outcome[Statement, NotFound | NoSuchPeriod | TooManyLines]:
        """Refused with more than `LINES_MAX` lines, which are for `OpenStatement`."""
        outcome = await self.open_statement(scope, period)
        if isinstance(outcome, Failure):
            return outcome
        opened = outcome.unwrap()
        lines: list[StatementLine] = []
        async for line in opened.lines:
            if len(lines) == LINES_MAX:
                return Failure(TooManyLines(LINES_MAX))
            lines.append(line)
        return Success(Statement(head=opened.head, lines=tuple(lines)))


@frozen(kw_only=True)
class ListPeriods:
    """The periods that there are statements of, newest first: the present one is provisional."""

    store: Store
    clock: Clock

    async def __call__(self, scope: Scope, *, monthly: bool) -> Outcome[Iterator[ListedPeriod], NotFound]:
        """Months, or days."""
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        now = self.clock.now()
        periods = (months_back if monthly else days_back)(merchant.created_at, now)
        return Success(ListedPeriod(period, not period.over(now)) for period in periods)


async def movements_in(queries: Queries, scope: Scope, period: Period) -> AsyncIterator[MovementLine]:
    """The lines of a period, read so many at a time."""
    last: MovementLine | None = None
    while True:
        step = await queries.lines(scope, period.start, period.end, STEP, last)
        for movement in step:
            yield movement
        if len(step) < STEP:
            return
        last = step[-1]


def _head(
    merchant: Merchant, scope: Scope, period: Period, opening_minor: int, *, provisional: bool
) -> StatementHead:
    return StatementHead(
        merchant=merchant.id,
        name=merchant.name,
        abn=merchant.abn,
        livemode=scope.livemode,
        currency=merchant.currency,
        period=period,
        opening_minor=opening_minor,
        provisional=provisional,
    )
