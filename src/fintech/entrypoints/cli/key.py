"""``fintech key``: API keys, whose secret is shown once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from fintech.application.api_keys import MadeKey
from fintech.application.commits import NotFound
from fintech.domain.api_keys import ApiKey
from fintech.domain.ids import ApiKeyId, MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    KEY,
    NAME_MAX,
    actor_of,
    actor_options,
    bounded,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core


@click.group()
def key() -> None:
    """Make, roll, revoke and list API keys."""


@key.command()
@click.argument("account", type=ACCOUNT)
@click.option("--name", required=True, callback=bounded(NAME_MAX), help="What the key is for.")
@mode_option
@data_option
@actor_options("a key for the merchant")
@json_option
def create(
    account: MerchantId, name: str, livemode: bool, data: Path | None, acting: str, why: str, as_json: bool
) -> None:
    """Make a key. Its secret is shown now and never again."""

    async def body(core: Core) -> MadeKey:
        return granted(await core.create_api_key()(actor_of(acting, why), Scope(account, livemode), name))

    print_made(work(data, body), as_json=as_json)


@key.command()
@click.argument("account", type=ACCOUNT)
@click.argument("key_id", type=KEY, metavar="KEY")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 168),
    default=24,
    show_default=True,
    help="How long the old secret still works; 0 ends it now.",
)
@mode_option
@data_option
@actor_options("rolled")
@json_option
def roll(
    account: MerchantId,
    key_id: ApiKeyId,
    overlap_hours: int,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Make a new key in an old one's place."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> MadeKey:
        overlap = timedelta(hours=overlap_hours)
        return granted(await core.roll_api_key()(actor_of(acting, why), scope, key_id, overlap))

    print_made(work(data, body), as_json=as_json)


@key.command()
@click.argument("account", type=ACCOUNT)
@click.argument("key_id", type=KEY, metavar="KEY")
@mode_option
@data_option
@actor_options(None)
@json_option
def revoke(
    account: MerchantId,
    key_id: ApiKeyId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """End a key: within two seconds it opens nothing any more, anywhere."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> ApiKey:
        return granted(await core.end_api_key()(actor_of(acting, why), scope, key_id))

    print_ended(work(data, body), as_json=as_json)


@key.command("list")
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@json_option
def list_(account: MerchantId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List a merchant's keys, oldest first, without their secrets."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[Sequence[ApiKey], datetime]:
        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        return await core.queries().api_keys(scope), core.clock().now()

    keys, now = work(data, body)
    print_keys(keys, now, as_json=as_json)


def print_keys(keys: Sequence[ApiKey], now: datetime, *, as_json: bool) -> None:
    """Keys without their secrets."""
    if as_json:
        print_json({"keys": [_fields(each, valid=each.valid(now)) for each in keys]})
        return
    columns = [Column("key"), Column("name"), Column("secret"), Column("since"), Column("ends")]
    rows = [
        [
            each.id,
            each.name,
            f"…{each.hint}",
            in_sydney(each.created_at),
            in_sydney(each.ends_at) if each.ends_at else "",
        ]
        for each in keys
    ]
    print_table(columns, rows)


def print_made(made: MadeKey, *, as_json: bool) -> None:
    """A new key, with its secret."""
    if as_json:
        print_json({**_fields(made.key, valid=True), "secret": made.secret})
        return
    print_facts([("key", made.key.id), ("name", made.key.name), ("secret", made.secret)])
    click.echo("The secret is shown this once: keep it now.", err=True)


def print_ended(ended: ApiKey, *, as_json: bool) -> None:
    """A key that was revoked."""
    if as_json:
        print_json(_fields(ended, valid=False))
    else:
        print(f"{ended.id} ({ended.name}, …{ended.hint}) is revoked")


def _fields(key: ApiKey, *, valid: bool) -> dict[str, Any]:
    return {
        "key": key.id,
        "name": key.name,
        "hint": key.hint,
        "valid": valid,
        "created_at": iso(key.created_at),
        "ends_at": iso(key.ends_at),
    }
