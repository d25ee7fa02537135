"""``fintech keys order``: what the bank tells us to do with keys."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from fintech.application.commits import Reply
from fintech.application.keys.orders import Applied
from fintech.application.keys.status import KeptWord
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.documents import REASON_MAX
from fintech.domain.keys.orders import Order, OrderAction, Subject, read_order
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.keys_printing import order_fields
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    actor_of,
    actor_options,
    bounded,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import print_json
from fintech.entrypoints.cli.signing import (
    FILE,
    environment_option,
    key_option,
    officer_option,
    officers_option,
    print_signed,
    private_key,
    read_document,
    read_signed,
    sign_file,
)
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.cli.writing import written
from fintech.entrypoints.container import Core
from fintech.entrypoints.key_settings import Environment


@click.group()
def order() -> None:
    """Sign an order; apply a signed one."""


@order.command()
@click.argument("document", type=FILE, metavar="FILE")
@officer_option
@key_option
@environment_option
@click.option(
    "--sequence",
    required=True,
    type=click.IntRange(1, 2**53 - 1),
    help="One more than the last order's number.",
)
@click.option("--action", required=True, type=click.Choice([each.value for each in OrderAction]))
@click.option("--merchant", type=ACCOUNT, help="Whose keys.")
@click.option("--root-key", "cmk", metavar="NAME", help="All keys that hang from this root key, instead.")
@click.option(
    "--reason", required=True, callback=bounded(REASON_MAX), metavar="TEXT", help="Why; kept with the order."
)
@mode_option
@json_option
def sign(
    document: Path,
    officer: str,
    key_file: Path,
    environment: Environment,
    sequence: int,
    action: str,
    merchant: MerchantId | None,
    cmk: str | None,
    reason: str,
    livemode: bool,
    as_json: bool,
) -> None:
    """Write an order into FILE, and its signature into FILE.NAME.sig. To shred takes another officer's, too (countersign).

    Nobody needs this command: any editor and openssl do the same.
    """
    if (merchant is None) is (cmk is None):
        raise click.UsageError("say --merchant or --root-key, and not both")
    subject: Subject = CmkName(cmk or "") if merchant is None else Scope(merchant, livemode)
    made = Order(
        environment=environment,
        sequence=sequence,
        action=OrderAction(action),
        subject=subject,
        issued_at=datetime.now(UTC).replace(microsecond=0),
        reason=reason,
    ).document()
    granted(read_order(made))
    key = private_key(key_file)
    with written(document) as file:
        file.write(made)
    signature = sign_file(made, document, officer, key)
    print_signed([], document, signature, as_json=as_json)


@order.command()
@click.argument("document", type=FILE, metavar="FILE")
@officer_option
@key_option
@json_option
def countersign(document: Path, officer: str, key_file: Path, as_json: bool) -> None:
    """Show the order in FILE, and write the second officer's signature into FILE.NAME.sig."""
    text = read_document(document)
    asked = granted(read_order(text))
    signature = sign_file(text, document, officer, private_key(key_file))
    print_signed(_facts_of(asked), document, signature, as_json=as_json)


@order.command()
@click.argument("document", type=FILE, metavar="FILE")
@officers_option("The name of an officer's key. To shred takes two: say it twice.")
@data_option
@actor_options("ordered by the bank")
@json_option
def apply(
    document: Path, officers: tuple[str, ...], data: Path | None, acting: str, why: str, as_json: bool
) -> None:
    """Carry out the order in FILE, signed in FILE.NAME.sig. The same order again does nothing, and says so."""
    signed = tuple(read_signed(document, officer) for officer in officers)
    text = read_document(document)

    async def body(core: Core) -> tuple[Reply[Applied], KeptWord]:
        reply = granted(await core.apply_order()(actor_of(acting, why), text, signed))
        return reply, core.list_orders().read(reply.value.kept)

    reply, kept = work(data, body)
    shredded = reply.value.shredded
    if as_json:
        certificate = None
        if shredded is not None and shredded.certificate is not None:
            certificate = json.loads(shredded.certificate.file())  # in the spelling that can be verified
        print_json({**order_fields(kept), "repeat": reply.replayed, "certificate": certificate})
        return
    applied = reply.value.order
    print(
        f"order {applied.sequence} ({applied.action.value}) {'was' if reply.replayed else 'is'} carried out"
    )
    if shredded is not None and not shredded.finished:
        click.echo("The keys are destroyed; sealed values are still being removed.", err=True)


def _facts_of(asked: Order) -> list[tuple[str, str]]:
    """What whoever signs should have read."""
    scope = asked.subject if isinstance(asked.subject, Scope) else None
    facts = [("environment", asked.environment), ("action", asked.action.value)]
    if scope is None:
        facts.append(("root_key", str(asked.subject)))
    else:
        facts += [("merchant", scope.merchant), ("mode", "live" if scope.livemode else "test")]
    return [*facts, ("number", str(asked.sequence)), ("reason", asked.reason)]
