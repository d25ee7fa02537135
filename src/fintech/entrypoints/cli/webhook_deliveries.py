"""What was sent to webhook endpoints: the commands of ``fintech webhook`` that show it and send it again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fintech.application.commits import NotFound
from fintech.application.webhooks.endpoints import there
from fintech.domain.events import Event
from fintech.domain.ids import EventId, MerchantId, WebhookEndpointId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.webhooks.delivery import Delivery
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    EVENT,
    WEBHOOK,
    Decorated,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page


def account_and_endpoint(command: Decorated) -> Decorated:
    """Whose endpoint, and which."""
    account = click.argument("account", type=ACCOUNT)
    return account(click.argument("endpoint", type=WEBHOOK, metavar="ENDPOINT")(command))


async def endpoint_there(core: Core, scope: Scope, id: WebhookEndpointId) -> WebhookEndpoint:
    """An endpoint that has not been removed, or the end of the command."""
    found = await there(core.store(), scope, id)
    return found or granted(Failure(NotFound("webhook endpoint", id)))


@click.command()
@account_and_endpoint
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Newest first.")
@mode_option
@data_option
@json_option
def deliveries(
    account: MerchantId,
    endpoint: WebhookEndpointId,
    limit: int,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """List what was sent to an endpoint, and what came of it."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> list[Delivery]:
        await endpoint_there(core, scope, endpoint)

        async def read(page: Page) -> Listed[Delivery]:
            return await core.outbox().deliveries(scope, endpoint, page)

        return [each async for each in all_of(read, lambda delivery: delivery.event, Page(), limit)]

    found = work(data, body)
    if as_json:
        print_json({"deliveries": [_delivery_fields(each) for each in found]})
        return
    columns = [Column("event"), Column("type"), Column("status"), Column("tries", right=True)]
    columns += [Column("last"), Column("answer"), Column("next")]
    print_table(columns, [_delivery_row(each) for each in found])


@click.command()
@click.argument("account", type=ACCOUNT)
@click.argument("event", type=EVENT)
@click.option("--endpoint", type=WEBHOOK, help="Only there, wanted or not; otherwise to all that want it.")
@mode_option
@data_option
@json_option
def resend(
    account: MerchantId,
    event: EventId,
    endpoint: WebhookEndpointId | None,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Have an event sent again. The service does it within a moment, with all retries."""

    async def body(core: Core) -> tuple[Event, Sequence[Delivery]]:
        return granted(await core.resend_event()(Scope(account, livemode), event, endpoint))

    _, sent = work(data, body)
    if as_json:
        print_json({"deliveries": [_delivery_fields(each) for each in sent]})
        return
    for each in sent:
        print(f"{each.event} is sent to {each.endpoint} again")
    if not sent:
        print(f"no endpoint that is enabled wants {event}")


def _delivery_row(delivery: Delivery) -> list[str]:
    last = delivery.log[-1] if delivery.log else None
    answer = "" if last is None else str(last.status or last.fault)
    return [
        delivery.event,
        delivery.type,
        delivery.status,
        str(delivery.tries),
        in_sydney(last.at) if last else "",
        answer,
        in_sydney(delivery.due_at) if delivery.due_at else "",
    ]


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "event": delivery.event,
        "type": delivery.type,
        "endpoint": delivery.endpoint,
        "status": delivery.status,
        "tries": delivery.tries,
        "next_try_at": iso(delivery.due_at),
        "last_tries": [
            {
                "at": iso(each.at),
                "duration_ms": each.duration_ms,
                "response_status": each.status,
                "error": each.fault,
            }
            for each in delivery.log
        ],
    }
