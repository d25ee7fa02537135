"""``fintech keys status`` and ``fintech keys orders``: how custody stands, and what the bank said."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from fintech.application.keys.status import CustodyStatus, KeptWord
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import KeyRing
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.keys_printing import (
    order_fields,
    print_orders,
    print_rings,
    print_status,
    ring_fields,
    status_fields,
)
from fintech.entrypoints.cli.options import ACCOUNT, data_option, json_option
from fintech.entrypoints.cli.printing import print_json
from fintech.entrypoints.cli.working import work
from fintech.entrypoints.container import Core

ORDERS_MAX: Final = 1_000


@click.command()
@click.option("--merchant", type=ACCOUNT, help="One merchant's keys, instead of a summary of all.")
@data_option
@json_option
def status(merchant: MerchantId | None, data: Path | None, as_json: bool) -> None:
    """Show root keys with their heartbeats, how many rings are in which state, and the last order."""
    if merchant is None:

        async def all_of_them(core: Core) -> CustodyStatus:
            return await core.sum_up_custody()()

        summed = work(data, all_of_them, watched=True)
        if as_json:
            print_json(status_fields(summed))
        else:
            print_status(summed)
        return

    async def one(core: Core) -> tuple[list[KeyRing], datetime]:
        scopes = (Scope(merchant, livemode) for livemode in (False, True))
        found = [await core.key_table().ring(scope) for scope in scopes]
        return [ring for ring in found if ring is not None], core.clock().now()

    rings, now = work(data, one, watched=True)
    if as_json:
        print_json({"keys": [ring_fields(ring, now) for ring in rings]})
    else:
        print_rings(rings, now)


@click.command()
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only orders after this number.")
@click.option("--limit", type=click.IntRange(1, ORDERS_MAX), default=100, show_default=True)
@data_option
@json_option
def orders(after: int, limit: int, data: Path | None, as_json: bool) -> None:
    """List what the bank said, by number, and whose signatures it bears."""

    async def body(core: Core) -> Sequence[KeptWord]:
        return await core.list_orders()(after, limit)

    listed = work(data, body, watched=True)
    if as_json:
        print_json({"orders": [order_fields(kept) for kept in listed]})
    else:
        print_orders(listed)
