"""``fintech keys break-glass``: two officers open a merchant's keys for hours, although they are suspended or revoked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from fintech.application.commits import Reply
from fintech.application.keys.breaking_glass import Broken
from fintech.application.keys.status import KeptWord
from fintech.domain.ids import MerchantId
from fintech.domain.keys.breaking_glass import OPEN_MAX, GlassRequest, read_request
from fintech.domain.keys.documents import REASON_MAX
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
from fintech.entrypoints.cli.printing import in_sydney, print_json
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


@click.group("break-glass")
def break_glass() -> None:
    """Open a merchant's keys for hours: it takes two officers."""


@break_glass.command()
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
@click.option("--merchant", required=True, type=ACCOUNT, help="Whose keys.")
@click.option(
    "--minutes",
    required=True,
    type=click.IntRange(1, int(OPEN_MAX.total_seconds()) // 60),
    help="For how long from now on.",
)
@click.option(
    "--reason",
    required=True,
    callback=bounded(REASON_MAX),
    metavar="TEXT",
    help="Why; kept with the request.",
)
@mode_option
@json_option
def request(
    document: Path,
    officer: str,
    key_file: Path,
    environment: Environment,
    sequence: int,
    merchant: MerchantId,
    minutes: int,
    reason: str,
    livemode: bool,
    as_json: bool,
) -> None:
    """Write a request into FILE, and the first officer's signature into FILE.NAME.sig."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)
    asked = GlassRequest(
        environment=environment,
        sequence=sequence,
        scope=Scope(merchant, livemode),
        until=until,
        reason=reason,
    )
    key = private_key(key_file)
    with written(document) as file:
        file.write(asked.document())
    signature = sign_file(asked.document(), document, officer, key)
    print_signed(_facts_of(asked), document, signature, as_json=as_json)


@break_glass.command()
@click.argument("document", type=FILE, metavar="FILE")
@officer_option
@key_option
@json_option
def countersign(document: Path, officer: str, key_file: Path, as_json: bool) -> None:
    """Show the request in FILE, and write the second officer's signature into FILE.NAME.sig."""
    text = read_document(document)
    asked = granted(read_request(text))
    signature = sign_file(text, document, officer, private_key(key_file))
    print_signed(_facts_of(asked), document, signature, as_json=as_json)


@break_glass.command()
@click.argument("document", type=FILE, metavar="FILE")
@officers_option("The name of an officer's key. Say it twice, for two officers.")
@data_option
@actor_options("ordered by the bank")
@json_option
def apply(
    document: Path, officers: tuple[str, ...], data: Path | None, acting: str, why: str, as_json: bool
) -> None:
    """Open what the request in FILE says. A request opens something once; it ends by itself."""
    signed = tuple(read_signed(document, officer) for officer in officers)
    text = read_document(document)

    async def body(core: Core) -> tuple[Reply[Broken], KeptWord]:
        reply = granted(await core.break_glass()(actor_of(acting, why), text, signed))
        return reply, core.list_orders().read(reply.value.kept)

    reply, kept = work(data, body)
    if as_json:
        print_json({**order_fields(kept), "repeat": reply.replayed})
    elif reply.replayed:
        print(f"request {kept.kept.sequence} was used before: nothing is opened by it again")
    else:
        asked = reply.value.request
        print(f"{asked.scope.merchant}'s keys can be used until {in_sydney(asked.until)}")


def _facts_of(asked: GlassRequest) -> list[tuple[str, str]]:
    """What whoever signs should have read."""
    return [
        ("environment", asked.environment),
        ("merchant", asked.scope.merchant),
        ("mode", "live" if asked.scope.livemode else "test"),
        ("until", in_sydney(asked.until)),
        ("reason", asked.reason),
    ]
