"""``fintech settle``: the back office tells the books what the bank has paid for."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
from attrs import define, field

from fintech.application.settlement import Settled
from fintech.domain.business_days import last_day_due, sydney_day
from fintech.domain.ids import MerchantId
from fintech.domain.money import format_minor
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
from fintech.entrypoints.cli.printing import Column, print_table
from fintech.entrypoints.cli.refusals import said
from fintech.entrypoints.cli.working import Refused, work
from fintech.entrypoints.container import Core
from fintech.ports.errors import PortError, StoreUnavailable

#: So many settlements make a table; a run that has more prints several, as it goes, and keeps none.
TABLE_ROWS_MAX: Final = 500
#: Of so many merchants it is told why they could not be settled; the others are counted.
REFUSED_SHOWN_MAX: Final = 1_000

_COLUMNS: Final = [
    Column("settlement"),
    Column("account"),
    Column("bank paid", right=True),
    Column("fees and GST", right=True),
    Column("released", right=True),
    Column("of it advances", right=True),
    Column("of it repaid", right=True),
    Column(""),
]


@define
class Report:
    """Prints what a run comes to as it comes, so that it grows with nothing. ``looked_at`` counts merchants."""

    through: date
    livemode: bool
    as_json: bool
    looked_at: int = 0
    settlements: int = 0
    troubled: int = 0
    refused: list[dict[str, str]] = field(factory=list)
    _rows: list[list[str]] = field(factory=list)

    def tell(self, settled: Settled) -> None:
        """One merchant is done."""
        self.looked_at += 1
        if settled.why is not None:
            self.troubled += 1
            if len(self.refused) < REFUSED_SHOWN_MAX:
                self.refused.append({"account": settled.merchant, "why": _reason(settled.why)})
        for settlement in settled.settlements:
            if self.as_json:
                self._print_element(settlement)
            else:
                self._rows.append(_row(settlement))
            self.settlements += 1
            if len(self._rows) >= TABLE_ROWS_MAX:
                self._print_rows()
        if sys.stderr.isatty():
            told = f"\r{self.looked_at} merchants, {self.settlements} settlements"
            click.echo(told, err=True, nl=False)

    def end(self) -> None:
        """All are done."""
        if sys.stderr.isatty():
            click.echo("", err=True)
        if self.as_json:
            self._print_end()
            return
        self._print_rows()
        if not self.settlements:
            print(f"nothing to settle through {self.through.isoformat()}")
        for each in self.refused:
            click.echo(f"{each['account']}: {each['why']}", err=True)

    def _print_rows(self) -> None:
        if self._rows:
            print_table(_COLUMNS, self._rows)
            self._rows.clear()

    def _print_element(self, settlement: Settlement) -> None:
        print(self._json_head() if not self.settlements else ",")
        print("    " + json.dumps(_fields(settlement)), end="")

    def _print_end(self) -> None:
        print(self._json_head() + "]," if not self.settlements else "\n  ],")
        print(f'  "merchants": {self.looked_at},\n  "refused": {json.dumps(self.refused)}\n}}')

    def _json_head(self) -> str:
        mode = json.dumps(self.livemode)
        return f'{{\n  "through": "{self.through.isoformat()}",\n  "livemode": {mode},\n  "settlements": ['


@click.command()
@click.argument("account", type=ACCOUNT, required=False)
@click.option("--all", "everyone", is_flag=True, help="Every merchant of the mode.")
@click.option(
    "--through",
    type=DAY,
    help="The last Sydney day that the bank has paid for: 2026-11-23, today or yesterday."
    "  [default: the last one that is due, a business day later at nine]",
)
@mode_option
@data_option
@actor_options(None)
@json_option
def settle(
    account: MerchantId | None,
    everyone: bool,
    through: date | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Settle what was captured up to a day: one merchant's, or --all.

    Safe to run again, also after it was ended half way: it settles what is still open and nothing else.
    """
    if (account is None) is not everyone:
        raise click.UsageError("name one ACCOUNT, or say --all")
    actor = actor_of(acting, why)

    async def body(core: Core) -> Report:
        now = core.clock().now()
        last = through or last_day_due(now)
        if last > sydney_day(now):
            raise click.BadParameter(f"{last.isoformat()} is still to come", param_hint="'--through'")
        report = Report(last, livemode, as_json)
        try:
            await _settle(core, actor, account, report)
        finally:
            report.end()
        return report

    report = work(data, body)
    if report.troubled:
        raise Refused(f"{report.troubled} of {report.looked_at} merchants could not be settled")


async def _settle(core: Core, actor: Actor, account: MerchantId | None, report: Report) -> None:
    through, livemode = report.through, report.livemode
    if account is None:
        await core.settle_everybody()(actor, livemode=livemode, through=through, told=report.tell)
        return
    settled = await core.settle_in_full()(actor, Scope(account, livemode), through)
    report.tell(settled)
    if isinstance(settled.why, StoreUnavailable):
        raise settled.why


def _reason(why: object) -> str:
    if isinstance(why, PortError):
        return str(why)
    return f"it broke: {type(why).__name__}" if isinstance(why, Exception) else said(why)


def _row(settlement: Settlement) -> list[str]:
    amounts = (
        settlement.gross_minor,
        settlement.earned_minor,
        settlement.released_minor,
        settlement.advance_repaid_minor,
        settlement.repaid_minor,
    )
    money = [format_minor(minor, settlement.currency) for minor in amounts]
    return [settlement.id, settlement.merchant, *money, settlement.currency]


def _fields(settlement: Settlement) -> dict[str, Any]:
    return {
        "settlement": settlement.id,
        "account": settlement.merchant,
        "currency": settlement.currency,
        "gross_minor": settlement.gross_minor,
        "earned_minor": settlement.earned_minor,
        "released_minor": settlement.released_minor,
        "advance_repaid_minor": settlement.advance_repaid_minor,
        "repaid_minor": settlement.repaid_minor,
        "settled_at": settlement.settled_at.isoformat(),
    }
