"""``fintech settle``: the back office tells the books what the bank has paid for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
from attrs import define, field

from fintech.application.settlement import NothingToSettle
from fintech.domain.business_days import sydney_day
from fintech.domain.ids import MerchantId
from fintech.domain.money import format_minor
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor, Scope
from fintech.domain.settlement import Settlement
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    DAY,
    actor_of,
    actor_options,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, print_json, print_table
from fintech.entrypoints.cli.reading import merchants_of
from fintech.entrypoints.cli.refusals import said
from fintech.entrypoints.cli.working import Refused, work
from fintech.entrypoints.container import Core
from fintech.ports.errors import ConcurrencyExhausted

#: How many merchants are settled at once.
AT_ONCE: Final = 8


@define
class Report:
    """What a run has come to. ``looked_at`` counts merchants."""

    looked_at: int = 0
    settlements: list[Settlement] = field(factory=list)
    refused: list[tuple[MerchantId, str]] = field(factory=list)


@click.command()
@click.argument("account", type=ACCOUNT, required=False)
@click.option("--all", "everyone", is_flag=True, help="Every merchant of the mode.")
@click.option(
    "--through",
    type=DAY,
    default="yesterday",
    show_default=True,
    help="The last Sydney day that the bank has paid for: 2026-11-23, today or yesterday.",
)
@mode_option
@data_option
@actor_options(None)
@json_option
def settle(
    account: MerchantId | None,
    everyone: bool,
    through: date,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Settle what was captured up to a day: one merchant's, or --all.

    Safe to run again: it settles what is still open, so what came late and nothing else.
    """
    if (account is None) is not everyone:
        raise click.UsageError("name one ACCOUNT, or say --all")
    actor = actor_of(acting, why)

    async def body(core: Core) -> Report:
        if through > sydney_day(core.clock().now()):
            raise click.BadParameter(f"{through.isoformat()} is still to come", param_hint="'--through'")
        return await _settle_each(core, actor, account, through, livemode=livemode)

    report = work(data, body)
    if as_json:
        print_json(_fields(report, through, livemode=livemode))
    else:
        _print(report, through)
    if report.refused:
        raise Refused(f"{len(report.refused)} of {report.looked_at} merchants could not be settled")


async def _settle_each(
    core: Core, actor: Actor, account: MerchantId | None, through: date, *, livemode: bool
) -> Report:
    report = Report()
    accounts = _accounts(core, account, livemode=livemode)
    taking = asyncio.Lock()

    async def take() -> MerchantId | None:
        async with taking:
            return await anext(accounts, None)

    async def settler() -> None:
        while (each := await take()) is not None:
            await _settle(core, actor, Scope(each, livemode), through, report)
            _show_progress(report)

    try:
        async with asyncio.TaskGroup() as settlers:
            for _ in range(AT_ONCE if account is None else 1):
                settlers.create_task(settler())
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return report


async def _settle(core: Core, actor: Actor, scope: Scope, through: date, report: Report) -> None:
    """Everything that one merchant has open; one settlement takes a bounded number of days."""
    while True:
        try:
            outcome = await core.settle_merchant()(actor, scope, through)
        except ConcurrencyExhausted as error:
            report.refused.append((scope.merchant, str(error)))
            break
        if isinstance(outcome, Failure):
            refused = outcome.failure()
            if not isinstance(refused, NothingToSettle):
                report.refused.append((scope.merchant, said(refused)))
            break
        report.settlements.append(outcome.unwrap())
    report.looked_at += 1


async def _accounts(core: Core, account: MerchantId | None, *, livemode: bool) -> AsyncIterator[MerchantId]:
    if account is not None:
        yield account
        return
    async for merchant in merchants_of(core, livemode=livemode):
        yield merchant.id


def _show_progress(report: Report) -> None:
    if sys.stderr.isatty():
        click.echo(
            f"\r{report.looked_at} merchants, {len(report.settlements)} settlements", err=True, nl=False
        )


def _print(report: Report, through: date) -> None:
    if sys.stderr.isatty():
        click.echo("", err=True)
    if not report.settlements:
        print(f"nothing to settle through {through.isoformat()}")
    else:
        columns = [Column("settlement"), Column("account"), Column("bank paid", right=True)]
        columns += [Column("fees and GST", right=True), Column("released", right=True)]
        columns += [Column("of it repaid", right=True), Column("")]
        print_table(columns, [_row(each) for each in report.settlements])
    for account, why in report.refused:
        click.echo(f"{account}: {why}", err=True)


def _row(settlement: Settlement) -> list[str]:
    amounts = (
        settlement.gross_minor,
        settlement.earned_minor,
        settlement.released_minor,
        settlement.repaid_minor,
    )
    money = [format_minor(minor, settlement.currency) for minor in amounts]
    return [settlement.id, settlement.merchant, *money, settlement.currency]


def _fields(report: Report, through: date, *, livemode: bool) -> dict[str, Any]:
    return {
        "through": through.isoformat(),
        "livemode": livemode,
        "merchants": report.looked_at,
        "settlements": [
            {
                "settlement": each.id,
                "account": each.merchant,
                "currency": each.currency,
                "gross_minor": each.gross_minor,
                "earned_minor": each.earned_minor,
                "released_minor": each.released_minor,
                "repaid_minor": each.repaid_minor,
                "settled_at": each.settled_at.isoformat(),
            }
            for each in report.settlements
        ],
        "refused": [{"account": account, "why": why} for account, why in report.refused],
    }
