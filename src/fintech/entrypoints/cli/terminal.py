"""``fintech terminal``: registering terminals, and what may become of them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from fintech.application.commits import NotFound, Request
from fintech.domain.ids import LocationId, MerchantId, TerminalId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.terminals import (
    LABEL_MAX,
    Location,
    Placing,
    Terminal,
    TerminalStatus,
)
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    actor_of,
    actor_options,
    bounded,
    data_option,
    if_given,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.terminal_options import LOCATION, NUMBER, SERIAL, TERMINAL
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page, Wanted


@click.group()
def terminal() -> None:
    """Register, list and place terminals."""


@terminal.command()
@click.argument("account", type=ACCOUNT)
@click.option("--location", type=LOCATION, required=True, help="Where it stands.")
@click.option("--serial", type=SERIAL, required=True, help="Its maker's number; simulated-… for a program.")
@click.option("--number", type=NUMBER, help="The number it shall send (DE 41); else it gets a free one.")
@click.option("--label", callback=if_given(bounded(LABEL_MAX)), help="What people call it; else its serial.")
@mode_option
@data_option
@actor_options("a terminal for the merchant")
@json_option
def register(
    account: MerchantId,
    location: LocationId,
    serial: str,
    number: str | None,
    label: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Register a terminal. Its number is what it sends with every message."""

    async def body(core: Core) -> tuple[Terminal, datetime]:
        outcome = await core.register_terminal()(
            Request(actor=actor_of(acting, why)),
            Scope(account, livemode),
            serial=serial,
            location=location,
            number=number,
            label=label,
        )
        return granted(outcome).value, core.clock().now()

    _show(*work(data, body), as_json=as_json)


@terminal.command("list")
@click.argument("account", type=ACCOUNT)
@click.option("--location", type=LOCATION, help="Only those that stand here.")
@click.option("--status", type=click.Choice([each.value for each in TerminalStatus]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Newest first.")
@mode_option
@data_option
@json_option
def list_(
    account: MerchantId,
    location: LocationId | None,
    status: str | None,
    limit: int,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """List a merchant's terminals, newest first, also those that are retired."""
    scope = Scope(account, livemode)
    wanted = Wanted(location=location, statuses=(TerminalStatus(status),) if status else ())

    async def body(core: Core) -> tuple[list[Terminal], datetime]:
        async def read(page: Page) -> Listed[Terminal]:
            return await core.queries().terminals(scope, page, wanted)

        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        found = [each async for each in all_of(read, lambda each: each.id, Page(), limit)]
        return found, core.clock().now()

    found, now = work(data, body)
    if as_json:
        print_json({"terminals": [_fields(each, now) for each in found]})
        return
    columns = [Column("number"), Column("label"), Column("status"), Column("on line"), Column("last seen")]
    columns += [Column("serial"), Column("location"), Column("terminal")]
    print_table(columns, [_row(each, now) for each in found])


@terminal.command()
@click.argument("account", type=ACCOUNT)
@click.argument("terminal_name", type=TERMINAL, metavar="TERMINAL")
@mode_option
@data_option
@json_option
def show(
    account: MerchantId, terminal_name: TerminalId | str, livemode: bool, data: Path | None, as_json: bool
) -> None:
    """Show a terminal, by its id or its number."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[Terminal, datetime, Location | None]:
        found = await _found(core, scope, terminal_name)
        return found, core.clock().now(), await core.store().location(scope, found.location)

    _show(*work(data, body), as_json=as_json)


@terminal.command()
@click.argument("account", type=ACCOUNT)
@click.argument("terminal_name", type=TERMINAL, metavar="TERMINAL")
@mode_option
@data_option
@actor_options(None)
@json_option
def suspend(
    account: MerchantId,
    terminal_name: TerminalId | str,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Decline what a terminal asks for; its reversals and advices are still taken."""
    _place(Placing.SUSPEND, account, terminal_name, livemode, data, acting, why, as_json)


@terminal.command()
@click.argument("account", type=ACCOUNT)
@click.argument("terminal_name", type=TERMINAL, metavar="TERMINAL")
@mode_option
@data_option
@actor_options("restored")
@json_option
def restore(
    account: MerchantId,
    terminal_name: TerminalId | str,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Let a suspended terminal be used again."""
    _place(Placing.RESTORE, account, terminal_name, livemode, data, acting, why, as_json)


@terminal.command()
@click.argument("account", type=ACCOUNT)
@click.argument("terminal_name", type=TERMINAL, metavar="TERMINAL")
@mode_option
@data_option
@actor_options(None)
@json_option
def retire(
    account: MerchantId,
    terminal_name: TerminalId | str,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """End a terminal for good. Nobody ever gets its number again."""
    _place(Placing.RETIRE, account, terminal_name, livemode, data, acting, why, as_json)


def _place(
    placing: Placing,
    account: MerchantId,
    name: TerminalId | str,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[Terminal, datetime]:
        found = await _found(core, scope, name)
        request = Request(actor=actor_of(acting, why))
        return granted(
            await core.place_terminal()(request, scope, found.id, placing)
        ).value, core.clock().now()

    _show(*work(data, body), as_json=as_json)


async def _found(core: Core, scope: Scope, name: TerminalId | str) -> Terminal:
    """The merchant's terminal with an id or a number; another's number is told as one that there is not."""
    if isinstance(name, TerminalId):
        found = await core.store().terminal(scope, name)
    else:
        numbered = await core.store().terminal_by_number(name)
        found = numbered[1] if numbered is not None and numbered[0] == scope else None
    return found or granted(Failure(NotFound("terminal", name)))


def _show(found: Terminal, now: datetime, place: Location | None = None, *, as_json: bool) -> None:
    if as_json:
        print_json(_fields(found, now))
        return
    number, label, status, online, seen, serial, location, id = _row(found, now)
    print_facts(
        [
            ("terminal", id),
            ("number", number),
            ("label", label),
            ("serial", serial),
            ("location", f"{location} ({place.name})" if place else location),
            ("status", status),
            ("on line", online),
            ("last seen", seen or "never"),
            ("since", in_sydney(found.created_at)),
        ]
    )


def _row(found: Terminal, now: datetime) -> list[str]:
    seen = in_sydney(found.signed_on_at) if found.signed_on_at else ""
    online = "yes" if found.online(now) else "no"
    return [
        found.number, found.label, found.status, online, seen, found.serial, found.location, found.id,
    ]  # fmt: skip


def _fields(found: Terminal, now: datetime) -> dict[str, Any]:
    return {
        "terminal": found.id,
        "number": found.number,
        "label": found.label,
        "serial": found.serial,
        "location": found.location,
        "status": found.status,
        "online": found.online(now),
        "signed_on_at": iso(found.signed_on_at),
        "created_at": iso(found.created_at),
        "version": found.version,
    }
