"""``fintech keys quarantine``: sealed values that were set apart, and the way back for those that open after all."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import click

from fintech.application.keys.quarantine import Released
from fintech.domain.ids import MerchantId
from fintech.domain.keys.places import Place
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    actor_of,
    actor_options,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.refusals import said
from fintech.entrypoints.cli.working import Refused, work
from fintech.entrypoints.container import Core
from fintech.ports.key_table import LISTED_MAX
from fintech.ports.protected_store import SealedValue

#: How many values of one merchant one run looks at; the next goes on.
RUN_MAX: Final = 20_000


@click.group()
def quarantine() -> None:
    """Values that were set apart because they did not open."""


@quarantine.command("list")
@click.option("--merchant", type=ACCOUNT, help="Only this merchant's; else everybody's, in the mode.")
@click.option("--limit", type=click.IntRange(1, LISTED_MAX), default=100, show_default=True)
@mode_option
@data_option
@json_option
def listed(merchant: MerchantId | None, limit: int, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List what is set apart: where it is, and the version of the key that sealed it. Nothing of what is inside."""

    async def body(core: Core) -> list[tuple[Scope, SealedValue]]:
        found: list[tuple[Scope, SealedValue]] = []
        async for scope in _scopes(core, merchant, livemode):
            values = await core.list_quarantined()(scope, None, limit - len(found))
            found += [(scope, value) for value in values]
            if len(found) == limit:
                break
        return found

    found = work(data, body, watched=True)
    if as_json:
        print_json({"values": [_fields(scope, value) for scope, value in found]})
        return
    names = ("merchant", "table", "record", "column", "version", "put")
    rows = [[str(each) for each in _fields(scope, value).values()] for scope, value in found]
    print_table([Column(name) for name in names], rows)


@quarantine.command()
@click.option("--merchant", type=ACCOUNT, help="Only this merchant's; else everybody's, in the mode.")
@mode_option
@data_option
@actor_options(None)
@json_option
def release(
    merchant: MerchantId | None, livemode: bool, data: Path | None, acting: str, why: str, as_json: bool
) -> None:
    """Try again to open what is set apart, and release what opens. What does not, stays."""
    refused: list[str] = []

    async def body(core: Core) -> Released:
        released = stay = 0
        async for scope in _scopes(core, merchant, livemode):
            if not await core.list_quarantined()(scope, None, 1):
                continue
            stopped: Place | None = None
            while True:
                run = await core.release_quarantined()(actor_of(acting, why), scope, stopped, RUN_MAX)
                if not isinstance(run, Success):
                    refused.append(f"{scope.merchant}: {said(run.failure())}")
                    break
                done = run.unwrap()
                released, stay, stopped = released + done.released, stay + done.stay, done.stopped
                if stopped is None:
                    break
        return Released(released=released, stay=stay, stopped=None)

    done = work(data, body)
    if as_json:
        print_json({"released": done.released, "stay": done.stay, "refused": refused})
    else:
        print_facts([("released", str(done.released)), ("stay set apart", str(done.stay))])
        for each in refused:
            click.echo(each, err=True)
    if done.stay or refused:
        raise Refused("some values do not open, and stay set apart")


async def _scopes(core: Core, merchant: MerchantId | None, livemode: bool) -> AsyncIterator[Scope]:
    """One, or all that have keys."""
    if merchant is not None:
        yield Scope(merchant, livemode)
        return
    after: Scope | None = None
    while rings := await core.key_table().rings(None, after, LISTED_MAX):
        for ring in rings:
            if ring.scope.livemode is livemode:
                yield ring.scope
        after = rings[-1].scope


def _fields(scope: Scope, value: SealedValue) -> dict[str, Any]:
    return {
        "merchant": scope.merchant,
        "table": value.place.table,
        "record": value.place.record,
        "column": value.place.column,
        "version": value.number,
        "put_at": iso(value.put_at),
    }
