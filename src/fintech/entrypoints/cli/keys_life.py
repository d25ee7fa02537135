"""``fintech keys rotate``, ``reseal``, ``retire``, ``move``, ``tend``: the life of merchants' keys, by hand. The sweep does
all of it but the moving by itself."""

from pathlib import Path
from typing import Any, Final

import click

from fintech.application.keys.moving import Moved, MovedAll
from fintech.application.keys.resealing import Resealed
from fintech.application.keys.retention import RetentionRun, StoppedAt
from fintech.application.keys.tending import Tended
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName, KeyRing
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.keys_printing import print_rings, ring_fields
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    actor_of,
    actor_options,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, print_facts, print_json, print_table
from fintech.entrypoints.cli.refusals import said
from fintech.entrypoints.cli.working import Refused, granted, work
from fintech.entrypoints.container import Core

#: Of so many rings it is told why they could not be moved; the others are counted.
REFUSED_SHOWN_MAX: Final = 1_000
#: So many rounds are enough for a million rings.
ROUNDS_MAX: Final = 10_000


@click.command()
@click.argument("account", type=ACCOUNT)
@click.option("--root-key", metavar="NAME", help="Hang the new version from another root key of the bank.")
@mode_option
@data_option
@actor_options(None)
@json_option
def rotate(
    account: MerchantId,
    root_key: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Make a new version of a merchant's key, which seals from now on. The older ones open."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> None:
        cmk = None if root_key is None else CmkName(root_key)
        _show_ring(core, granted(await core.rotate_key()(actor_of(acting, why), scope, cmk)), as_json)

    work(data, body)


@click.command()
@click.argument("account", type=ACCOUNT)
@click.option("--limit", type=click.IntRange(1), default=20_000, show_default=True, help="So many values.")
@mode_option
@data_option
@actor_options(None)
@json_option
def reseal(
    account: MerchantId,
    limit: int,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Seal a merchant's values anew that older versions of its key have sealed. Run it again until none are left."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> Resealed:
        return granted(await core.reseal()(actor_of(acting, why), scope, limit))

    resealed = work(data, body)
    stuck = {why.value: count for why, count in resealed.stuck.items()}
    if as_json:
        print_json(
            {
                "version": resealed.number,
                "resealed": resealed.done,
                "overtaken": resealed.overtaken,
                "stuck": stuck,
                "left": resealed.left,
            }
        )
    else:
        facts = [("sealed anew", str(resealed.done)), ("with version", str(resealed.number))]
        facts += [("overtaken by others", str(resealed.overtaken)), ("left", str(resealed.left))]
        print_facts([*facts, *((f"cannot be: {name}", str(count)) for name, count in stuck.items())])
    if stuck:
        raise Refused("some values cannot be sealed anew: see the log and the audit trail")


@click.command()
@click.argument("account", type=ACCOUNT)
@click.argument("version", type=click.IntRange(1))
@mode_option
@data_option
@actor_options(None)
@json_option
def retire(
    account: MerchantId,
    version: int,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Destroy a version of a merchant's key that nothing is sealed with any more."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> None:
        _show_ring(core, granted(await core.retire_key()(actor_of(acting, why), scope, version)), as_json)

    work(data, body)


@click.command()
@click.argument("old")
@click.argument("new")
@data_option
@actor_options(None)
@json_option
def move(old: str, new: str, data: Path | None, acting: str, why: str, as_json: bool) -> None:
    """Hang all merchants' keys from the root key NEW that hang from OLD. No data are written anew.

    Safe to run again, also after it was ended half way: it moves what is still to be moved.
    """
    if old == new:
        raise click.UsageError("OLD and NEW are the same root key")
    refused: list[dict[str, str]] = []

    def told(moved: Moved) -> None:
        if moved.why is not None and len(refused) < REFUSED_SHOWN_MAX:
            mode = "live" if moved.scope.livemode else "test"
            refused.append({"merchant": moved.scope.merchant, "mode": mode, "why": said(moved.why)})

    async def body(core: Core) -> MovedAll:
        return await core.move_rings()(actor_of(acting, why), CmkName(old), CmkName(new), told)

    done = work(data, body)
    if as_json:
        figures = {"rings": done.rings, "moved": done.moved, "troubled": done.troubled}
        print_json({**figures, "stopped": done.stopped, "refused": refused})
    else:
        print_facts([("looked at", str(done.rings)), ("moved", str(done.moved))])
        for each in refused:
            click.echo(f"{each['merchant']} ({each['mode']}): {each['why']}", err=True)
    if done.stopped:
        raise Refused("the root refused one after the other: the rest was not tried")
    if done.troubled:
        raise Refused(f"{done.troubled} rings are not, or not wholly, moved")


@click.command()
@data_option
@actor_options("retention")
@json_option
def tend(data: Path | None, acting: str, why: str, as_json: bool) -> None:
    """Do at once what the sweep does over time: go through all rings of keys, and remove what nobody needs any more."""

    async def body(core: Core) -> tuple[list[Tended], list[RetentionRun]]:
        rounds: list[Tended] = []
        while not rounds or (rounds[-1].more and len(rounds) < ROUNDS_MAX):
            rounds.append(await core.tend_keys()())
        runs: list[RetentionRun] = []
        stopped: StoppedAt | None = None
        while not runs or (stopped is not None and len(runs) < ROUNDS_MAX):
            runs.append(await core.remove_unneeded()(actor_of(acting, why), stopped))
            stopped = runs[-1].stopped
        return rounds, runs

    rounds, runs = work(data, body)
    names = ("rings", "rotated", "resealed", "retired", "shredded", "certified", "troubled")
    figures: dict[str, Any] = {name: sum(getattr(each, name) for each in rounds) for name in names}
    figures |= {name: sum(getattr(each, name) for each in runs) for name in ("removed", "unknown")}
    if as_json:
        print_json(figures)
    else:
        print_table(
            [Column(name, right=True) for name in figures], [[str(each) for each in figures.values()]]
        )
    if figures["troubled"]:
        raise Refused("something is wrong with some rings: see the log")


def _show_ring(core: Core, ring: KeyRing, as_json: bool) -> None:
    now = core.clock().now()
    if as_json:
        print_json(ring_fields(ring, now))
    else:
        print_rings([ring], now)
