"""``fintech location``: the places where a merchant's terminals stand."""

from pathlib import Path
from typing import Any

import click

from fintech.application.commits import NotFound, Request
from fintech.domain.addresses import COUNTRY, LINE_MAX, STATES, Address
from fintech.domain.ids import LocationId, MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.terminals import LOCATION_NAME_MAX, Location
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
from fintech.entrypoints.cli.terminal_options import LOCATION
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page


@click.group()
def location() -> None:
    """Note, list and remove the places where terminals stand."""


@location.command()
@click.argument("account", type=ACCOUNT)
@click.option("--name", required=True, callback=bounded(LOCATION_NAME_MAX), help="What people call it.")
@click.option("--line1", required=True, callback=bounded(LINE_MAX), help="The street and number.")
@click.option("--line2", callback=if_given(bounded(LINE_MAX)), help="The level, shop or unit.")
@click.option("--city", required=True, callback=bounded(LINE_MAX), help="The suburb or town.")
@click.option("--state", required=True, type=click.Choice(STATES, case_sensitive=False))
@click.option("--postcode", required=True, help="Four digits.")
@mode_option
@data_option
@actor_options("a place for terminals")
@json_option
def create(
    account: MerchantId,
    name: str,
    line1: str,
    line2: str | None,
    city: str,
    state: str,
    postcode: str,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Note a place in Australia where terminals will stand."""
    address = Address(line1=line1, line2=line2, city=city, state=state, postcode=postcode, country=COUNTRY)

    async def body(core: Core) -> Location:
        request = Request(actor=actor_of(acting, why))
        scope = Scope(account, livemode)
        return granted(await core.create_location()(request, scope, name=name, address=address)).value

    _show(work(data, body), as_json=as_json)


@location.command("list")
@click.argument("account", type=ACCOUNT)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Newest first.")
@mode_option
@data_option
@json_option
def list_(account: MerchantId, limit: int, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List the places that have not been removed, newest first."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> list[Location]:
        async def read(page: Page) -> Listed[Location]:
            return await core.queries().locations(scope, page)

        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        return [each async for each in all_of(read, lambda each: each.id, Page(), limit)]

    found = work(data, body)
    if as_json:
        print_json({"locations": [_fields(each) for each in found]})
        return
    columns = [Column("location"), Column("name"), Column("address"), Column("terminals", right=True)]
    print_table(columns, [[each.id, each.name, _line(each), str(each.terminals)] for each in found])


@location.command()
@click.argument("account", type=ACCOUNT)
@click.argument("location_id", type=LOCATION, metavar="LOCATION")
@mode_option
@data_option
@actor_options(None)
@json_option
def remove(
    account: MerchantId,
    location_id: LocationId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Take a place off the list, where no terminal stands any more."""

    async def body(core: Core) -> Location:
        request = Request(actor=actor_of(acting, why))
        return granted(await core.remove_location()(request, Scope(account, livemode), location_id)).value

    removed = work(data, body)
    if as_json:
        print_json(_fields(removed))
    else:
        print(f"{removed.id} ({removed.name}) is removed")


def _show(found: Location, *, as_json: bool) -> None:
    if as_json:
        print_json(_fields(found))
        return
    print_facts(
        [
            ("location", found.id),
            ("name", found.name),
            ("address", _line(found)),
            ("since", in_sydney(found.created_at)),
            ("terminals", str(found.terminals)),
        ]
    )


def _line(found: Location) -> str:
    address = found.address
    town = f"{address.city} {address.state} {address.postcode}"
    return ", ".join(part for part in (address.line1, address.line2, town) if part)


def _fields(found: Location) -> dict[str, Any]:
    address = found.address
    return {
        "location": found.id,
        "name": found.name,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "state": address.state,
        "postcode": address.postcode,
        "country": address.country,
        "terminals": found.terminals,
        "created_at": iso(found.created_at),
        "removed_at": iso(found.removed_at),
    }
