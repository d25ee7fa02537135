"""``fintech keys inventory`` and ``fintech keys honeytoken``: what keys there are, and which nobody should touch."""

from pathlib import Path
from typing import Any

import click

from fintech.application.keys.inventory import KeyInventory
from fintech.application.keys.planting import CARDS_MAX, Planted
from fintech.domain.ids import MerchantId
from fintech.domain.keys.inventory import KeyKind
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    actor_of,
    actor_options,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.working import Refused, granted, work
from fintech.entrypoints.container import Core


@click.command()
@data_option
@json_option
def inventory(data: Path | None, as_json: bool) -> None:
    """List every kind of key with its algorithm, custodian and crypto-period, and what hangs from each root key."""

    async def body(core: Core) -> KeyInventory:
        return await core.take_inventory()()

    taken = work(data, body, watched=True)
    if as_json:
        print_json(_fields(taken))
        return
    print_table(
        [
            Column("key"),
            Column("algorithm"),
            Column("bits", right=True),
            Column("custodian"),
            Column("period"),
        ],
        [[kind.name, kind.algorithm, str(kind.bits), kind.custodian, kind.period] for kind in taken.kinds],
    )
    print()
    headings = ("rings", "seal", "open only", "overdue", "to withdraw")
    print_table(
        [
            Column("root key"),
            *(Column(each, right=True) for each in headings),
            Column("oldest that seals"),
        ],
        [
            [
                each.cmk,
                *map(str, (each.rings, each.active, each.decrypt_only, each.overdue, each.left)),
                in_sydney(each.oldest) if each.oldest else "",
            ]
            for each in taken.hanging
        ],
    )


@click.group()
def honeytoken() -> None:
    """Plant keys and cards that nobody has any business with: whoever touches one is heard."""


@honeytoken.command()
@click.option(
    "--merchant", type=ACCOUNT, help="Among this merchant's cards, instead of in a ring of their own."
)
@click.option("--cards", type=click.IntRange(1, CARDS_MAX), default=3, show_default=True)
@mode_option
@data_option
@actor_options(None)
@json_option
def plant(
    merchant: MerchantId | None,
    cards: int,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Plant some cards. Keep what is said here where nobody finds it; `check` knows them anyway."""

    async def body(core: Core) -> Planted:
        planting = core.plant_honeytokens()
        return granted(
            await planting(actor_of(acting, why), livemode=livemode, merchant=merchant, cards=cards)
        )

    planted = work(data, body)
    if as_json:
        print_json(
            {"merchant": planted.scope.merchant, "livemode": livemode, "records": list(planted.records)}
        )
        return
    facts = [("in the ring of", str(planted.scope.merchant))]
    print_facts([*facts, *(("card", str(record)) for record in planted.records)])


@honeytoken.command()
@click.argument("id")
@data_option
@json_option
def check(id: str, data: Path | None, as_json: bool) -> None:
    """Say whether an id is that of a honeytoken."""

    async def body(core: Core) -> bool:
        return core.honeytokens().planted(id)

    if not work(data, body, watched=True):
        raise Refused(f"{id} is not planted")
    if as_json:
        print_json({"id": id, "planted": True})
        return
    print(f"{id} is planted: nobody has any business with it")


def _fields(taken: KeyInventory) -> dict[str, Any]:
    return {
        "at": iso(taken.at),
        "kinds": [_kind_fields(kind) for kind in taken.kinds],
        "rings": {custody.value: count for custody, count in taken.rings.items()},
        "root_keys": [
            {
                "root_key": each.cmk,
                "status": each.status.value if each.status else None,
                "rings": each.rings,
                "active": each.active,
                "decrypt_only": each.decrypt_only,
                "oldest": iso(each.oldest),
                "overdue": each.overdue,
                "to_withdraw": each.left,
            }
            for each in taken.hanging
        ],
    }


def _kind_fields(kind: KeyKind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "algorithm": kind.algorithm,
        "bits": kind.bits,
        "used_for": kind.used_for,
        "custodian": kind.custodian.value,
        "kept": kind.kept,
        "period": kind.period,
        "replaced": kind.replaced,
    }
