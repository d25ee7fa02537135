"""``fintech keys officer``: keys with which the bank's officers look at custody over HTTP. They order nothing with them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from fintech.application.api_keys import MadeKey
from fintech.domain.api_keys import OFFICERS, ApiKey
from fintech.domain.ids import ApiKeyId
from fintech.entrypoints.cli.key import print_ended, print_keys, print_made
from fintech.entrypoints.cli.options import (
    KEY,
    NAME_MAX,
    actor_of,
    actor_options,
    bounded,
    data_option,
    json_option,
)
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core


@click.group()
def officer() -> None:
    """Make, list and revoke officers' keys for the HTTP API."""


@officer.command()
@click.option("--name", required=True, callback=bounded(NAME_MAX), help="Whose key it is.")
@data_option
@actor_options("a key for an officer of the bank")
@json_option
def create(name: str, data: Path | None, acting: str, why: str, as_json: bool) -> None:
    """Make a key. Its secret is shown now and never again."""

    async def body(core: Core) -> MadeKey:
        return granted(await core.create_api_key()(actor_of(acting, why), OFFICERS, name))

    print_made(work(data, body), as_json=as_json)


@officer.command()
@click.argument("key_id", type=KEY, metavar="KEY")
@data_option
@actor_options(None)
@json_option
def revoke(key_id: ApiKeyId, data: Path | None, acting: str, why: str, as_json: bool) -> None:
    """End a key: within two seconds it opens nothing any more, anywhere."""

    async def body(core: Core) -> ApiKey:
        return granted(await core.end_api_key()(actor_of(acting, why), OFFICERS, key_id))

    print_ended(work(data, body), as_json=as_json)


@officer.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """List officers' keys, oldest first, without their secrets."""

    async def body(core: Core) -> tuple[Sequence[ApiKey], datetime]:
        return await core.queries().api_keys(OFFICERS), core.clock().now()

    keys, now = work(data, body, watched=True)
    print_keys(keys, now, as_json=as_json)
