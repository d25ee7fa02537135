"""``fintech keys drill``: whether this deployment heeds the bank, tried out on a merchant's test keys."""

from pathlib import Path

import click

from fintech.application.keys.carrying_out import Signed
from fintech.application.keys.drill import Sign, Step
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    NAME_MAX,
    actor_of,
    actor_options,
    bounded,
    data_option,
    if_given,
    json_option,
)
from fintech.entrypoints.cli.printing import Column, print_json, print_table
from fintech.entrypoints.cli.signing import FILE, private_key
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core


@click.command()
@click.argument("account", type=ACCOUNT)
@click.option(
    "--officer", callback=if_given(bounded(NAME_MAX)), metavar="NAME", help="The name of an officer's key."
)
@click.option("--key", "key_file", type=FILE, help="That officer's private key: Ed25519, in PEM.")
@data_option
@actor_options("drill")
@json_option
def drill(
    account: MerchantId,
    officer: str | None,
    key_file: Path | None,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Seal and open a word with a merchant's test keys. With an officer's key: take the keys away by order, see that nothing
    can be sealed, give them back. It says how long each step took."""
    if (officer is None) is not (key_file is None):
        raise click.UsageError("say --officer and --key, or neither")
    sign: Sign | None = None
    if officer is not None and key_file is not None:
        name, key = officer, private_key(key_file)
        sign = lambda document: Signed(key=name, signature=key.sign(document))  # noqa: E731 - it is handed on

    async def body(core: Core) -> tuple[Step, ...]:
        scope = Scope(account, livemode=False)
        return granted(await core.drill_custody()(actor_of(acting, why), scope, sign))

    steps = work(data, body)
    if as_json:
        print_json({"steps": [{"step": step.name, "seconds": round(step.took_s, 6)} for step in steps]})
        return
    rows = [[step.name, f"{step.took_s * 1000:.1f} ms"] for step in steps]
    print_table([Column("step"), Column("took", right=True)], rows)
    if sign is None:
        click.echo("No order was given: say --officer and --key to try that, too.", err=True)
