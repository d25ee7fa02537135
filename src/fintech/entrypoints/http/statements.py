"""Statements over HTTP: of a Sydney day or month, as an object, as CSV of any length, or as PDF."""

import asyncio
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, Final, assert_never

from attrs import Factory, frozen

from fintech.application.commits import NotFound
from fintech.application.statements import (
    ListPeriods,
    MakeStatement,
    NoSuchPeriod,
    OpenStatement,
    TooManyLines,
)
from fintech.domain.outcome import Failure
from fintech.domain.periods import Period
from fintech.domain.scope import Scope
from fintech.domain.statements import Statement
from fintech.entrypoints.http.errors import Problem, Refused, invalid, missing
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.kinds import Integer, words
from fintech.entrypoints.http.listing import page_of
from fintech.entrypoints.http.parameters import Kind, text_of
from fintech.entrypoints.http.routes import Answer, Call, Download, Resource, Route
from fintech.entrypoints.http.statement_rendering import render_period, render_statement
from fintech.entrypoints.papers import statement_csv
from fintech.entrypoints.papers.statement_pdf import statement_pdf
from fintech.ports.queries import PAGE_MAX

PATH: Final = "/v1/statements"
PDF: Final = "application/pdf"
_STATEMENTS: Final = Resource("statements", "statement")
_PERIODS: Final = Resource("statements", "statement_period")


class FileFormat(StrEnum):
    """What a statement is answered as."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


class Interval(StrEnum):
    """How long the periods of a list are."""

    MONTH = "month"
    DAY = "day"


@frozen
class _PeriodName(Kind[Period]):
    """A day or a month, by its name."""

    def read(self, value: Value, path: str) -> Period:
        period = Period.parse(text_of(value, path))
        if period is None:
            message = f"{path} is a month, such as 2026-11, or a day, such as 2026-11-23."
            raise invalid(path, "parameter_invalid_value", message)
        return period

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^2[0-9]{3}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?$"}


@frozen(kw_only=True)
class StatementParams:
    """As what."""

    format: Annotated[
        FileFormat, words(*FileFormat), "As an object, or as a file; only CSV may have any number of lines."
    ] = FileFormat.JSON


@frozen(kw_only=True)
class PeriodListParams:
    """Which periods."""

    interval: Annotated[Interval, words(*Interval), "Months, or days."] = Interval.MONTH
    limit: Annotated[int, Integer(1, PAGE_MAX), "How many periods a page has."] = 10
    starting_after: Annotated[
        Period | None, _PeriodName(), "The last period of the page before: what follows is older."
    ] = None


@frozen(kw_only=True)
class Statements:
    """The operations on statements."""

    open_statement: OpenStatement
    make_statement: MakeStatement
    list_periods: ListPeriods
    printing: asyncio.Semaphore = Factory(lambda: asyncio.Semaphore(1))

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        return (
            _PERIODS.get(
                "list",
                PATH,
                PeriodListParams,
                self.list,
                "List the periods that have statements.",
                lists=True,
            ),
            _STATEMENTS.get(
                "retrieve",
                PATH + "/{period}",
                StatementParams,
                self.retrieve,
                "Retrieve the statement of a Sydney day (2026-11-23) or month (2026-11).",
                media_types=("text/csv", PDF),
            ),
        )

    async def list(self, call: Call[PeriodListParams]) -> Answer:
        params = call.params
        outcome = await self.list_periods(call.scope, monthly=params.interval is Interval.MONTH)
        if isinstance(outcome, Failure):
            raise refused_as(outcome.failure())
        after = params.starting_after
        listed = (
            each for each in outcome.unwrap() if after is None or each.period.last_day < after.first_day
        )
        page = [*islice(listed, params.limit + 1)]
        rendered = [render_period(each, call.scope.livemode) for each in page[: params.limit]]
        return Answer(page_of(PATH, rendered, has_more=len(page) > params.limit))

    async def retrieve(self, call: Call[StatementParams]) -> Answer | Download:
        period = Period.parse(call.target)
        if period is None:
            raise missing("statement", call.target, "period")
        match call.params.format:
            case FileFormat.JSON:
                return Answer(render_statement(await self._made(call.scope, period)))
            case FileFormat.PDF:
                made = await self._made(call.scope, period)
                async with self.printing:
                    content = await asyncio.to_thread(statement_pdf, made)
                return Download(name=file_name(call.scope, period, "pdf"), media_type=PDF, content=content)
            case FileFormat.CSV:
                outcome = await self.open_statement(call.scope, period)
                if isinstance(outcome, Failure):
                    raise refused_as(outcome.failure())
                return Download(
                    name=file_name(call.scope, period, "csv"),
                    media_type=statement_csv.MEDIA_TYPE,
                    content=statement_csv.statement_csv(outcome.unwrap()),
                )

    async def _made(self, scope: Scope, period: Period) -> Statement:
        outcome = await self.make_statement(scope, period)
        if isinstance(outcome, Failure):
            raise refused_as(outcome.failure())
        return outcome.unwrap()


def file_name(scope: Scope, period: Period, ending: str, what: str = "statement") -> str:
    """``statement-2026-11-acct_….csv``; of the test books, it says so."""
    return f"{what}-{period.name}-{scope.merchant}{'' if scope.livemode else '-test'}.{ending}"


def refused_as(refusal: NotFound | NoSuchPeriod | TooManyLines) -> Refused:
    """What the wire says of it."""
    match refusal:
        case NotFound(id=id):
            return missing("account", id, "account")
        case NoSuchPeriod(first_day=first, last_day=last):
            message = (
                f"No such period: this account has been open from {first.isoformat()} to {last.isoformat()}."
            )
            return Refused(Problem(status=404, code="resource_missing", message=message, param="period"))
        case TooManyLines(most=most):
            message = (
                f"This statement has more than {most} lines. Ask for format=csv, or for a shorter period."
            )
            return invalid("format", "statement_too_long", message)
        case _:
            assert_never(refusal)
