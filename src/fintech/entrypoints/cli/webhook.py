"""``fintech webhook``: endpoints, whose secret is shown when it is made and at no other time."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from fintech.application.commits import Reply, Request
from fintech.application.webhooks.endpoints import Keyed
from fintech.domain.events import EventType
from fintech.domain.ids import MerchantId, WebhookEndpointId
from fintech.domain.scope import Scope
from fintech.domain.webhooks.endpoint import ALL_TYPES, DESCRIPTION_MAX, OVERLAP_MAX, WebhookEndpoint
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    Decorated,
    actor_of,
    actor_options,
    bounded,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.webhook_deliveries import (
    account_and_endpoint,
    deliveries,
    endpoint_there,
    resend,
)
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import PAGE_MAX, Listed, Page

_OVERLAP_MAX_H: Final = int(OVERLAP_MAX.total_seconds()) // 3600
_TYPE: Final = click.Choice([*ALL_TYPES, *(each.value for each in EventType)])


def _types_option(help: str) -> Callable[[Decorated], Decorated]:
    return click.option("--event", "types", type=_TYPE, multiple=True, metavar="TYPE", help=help)


def _description(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return bounded(DESCRIPTION_MAX)(ctx, param, value) if value else value


_description_option = click.option("--description", callback=_description, help="What the endpoint is for.")


@click.group()
def webhook() -> None:
    """Keep webhook endpoints; show and resend deliveries."""


webhook.add_command(deliveries)
webhook.add_command(resend)


@webhook.command()
@click.argument("account", type=ACCOUNT)
@click.option(
    "--url", required=True, help="Where events are posted to: https, or in test mode http to localhost."
)
@_types_option("An event type that is wanted. Repeatable; without it, all.")
@_description_option
@mode_option
@data_option
@actor_options("an endpoint for the merchant")
@json_option
def create(
    account: MerchantId,
    url: str,
    types: Sequence[str],
    description: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Have events posted to a URL. The secret that signs them is shown now and never again."""
    request = Request(actor=actor_of(acting, why))

    async def body(core: Core) -> Reply[Keyed]:
        scope, wanted = Scope(account, livemode), types or ALL_TYPES
        return granted(
            await core.create_webhook_endpoint()(request, scope, url, wanted, description=description)
        )

    _show_keyed(work(data, body).value, as_json=as_json)


@webhook.command("list")
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@json_option
def list_(account: MerchantId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List a merchant's endpoints, newest first."""

    async def body(core: Core) -> Listed[WebhookEndpoint]:
        return await core.queries().webhook_endpoints(Scope(account, livemode), Page(limit=PAGE_MAX))

    found = work(data, body).items
    if as_json:
        print_json({"endpoints": [_fields(each) for each in found]})
        return
    columns = [Column("endpoint"), Column("status"), Column("url"), Column("events")]
    print_table(columns, [[each.id, _status(each), each.url, ", ".join(each.types)] for each in found])


@webhook.command()
@account_and_endpoint
@mode_option
@data_option
@json_option
def show(
    account: MerchantId, endpoint: WebhookEndpointId, livemode: bool, data: Path | None, as_json: bool
) -> None:
    """Show an endpoint, without its secret."""

    async def body(core: Core) -> WebhookEndpoint:
        return await endpoint_there(core, Scope(account, livemode), endpoint)

    _show(work(data, body), as_json=as_json)


@webhook.command()
@account_and_endpoint
@click.option("--url", help="Where events are posted to from now on.")
@_types_option("An event type that is wanted from now on, in the place of all so far. Repeatable.")
@_description_option
@click.option("--enable/--disable", "enabled", default=None, help="Whether events are sent there.")
@mode_option
@data_option
@actor_options(None)
@json_option
def update(
    account: MerchantId,
    endpoint: WebhookEndpointId,
    url: str | None,
    types: Sequence[str],
    description: str | None,
    enabled: bool | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Change an endpoint, disable it or enable it again."""
    request = Request(actor=actor_of(acting, why))

    async def body(core: Core) -> Reply[WebhookEndpoint]:
        return granted(
            await core.update_webhook_endpoint()(
                request,
                Scope(account, livemode),
                endpoint,
                url=url,
                types=types or None,
                description=description,
                disabled=None if enabled is None else not enabled,
            )
        )

    _show(work(data, body).value, as_json=as_json)


@webhook.command()
@account_and_endpoint
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, _OVERLAP_MAX_H),
    default=24,
    show_default=True,
    help="How long the old secret signs too; 0 ends it now.",
)
@mode_option
@data_option
@actor_options("rotated")
@json_option
def rotate(
    account: MerchantId,
    endpoint: WebhookEndpointId,
    overlap_hours: int,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Sign with a new secret, which is shown now and never again."""
    request, overlap = Request(actor=actor_of(acting, why)), timedelta(hours=overlap_hours)

    async def body(core: Core) -> Reply[Keyed]:
        return granted(
            await core.rotate_webhook_secret()(request, Scope(account, livemode), endpoint, overlap)
        )

    _show_keyed(work(data, body).value, as_json=as_json)


@webhook.command()
@account_and_endpoint
@mode_option
@data_option
@actor_options(None)
@json_option
def remove(
    account: MerchantId,
    endpoint: WebhookEndpointId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Send nothing there any more; what was due is canceled."""
    request = Request(actor=actor_of(acting, why))

    async def body(core: Core) -> Reply[WebhookEndpoint]:
        return granted(await core.remove_webhook_endpoint()(request, Scope(account, livemode), endpoint))

    removed = work(data, body).value
    if as_json:
        print_json(_fields(removed))
    else:
        print(f"{removed.id} is removed")


def _status(endpoint: WebhookEndpoint) -> str:
    because = endpoint.disabled_because
    return f"{endpoint.status} ({because})" if because else endpoint.status.value


def _show_keyed(made: Keyed, *, as_json: bool) -> None:
    if as_json:
        print_json({**_fields(made.endpoint), "secret": made.secret})
        return
    print_facts([*_facts(made.endpoint), ("secret", made.secret or "gone")])
    click.echo("The secret is shown this once: keep it now.", err=True)


def _show(endpoint: WebhookEndpoint, *, as_json: bool) -> None:
    if as_json:
        print_json(_fields(endpoint))
    else:
        print_facts(_facts(endpoint))


def _facts(endpoint: WebhookEndpoint) -> list[tuple[str, str]]:
    return [
        ("endpoint", endpoint.id),
        ("url", endpoint.url),
        ("status", _status(endpoint)),
        ("events", ", ".join(endpoint.types)),
        ("for", endpoint.description or ""),
        ("since", in_sydney(endpoint.created_at)),
        *(("also signs until", in_sydney(old.ends_at)) for old in endpoint.old_secrets),
    ]


def _fields(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "endpoint": endpoint.id,
        "url": endpoint.url,
        "status": endpoint.status,
        "disabled_because": endpoint.disabled_because,
        "events": list(endpoint.types),
        "description": endpoint.description,
        "created_at": iso(endpoint.created_at),
        "old_secrets_end_at": [iso(old.ends_at) for old in endpoint.old_secrets],
        "version": endpoint.version,
    }
