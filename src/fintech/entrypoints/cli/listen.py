"""``fintech listen``: events as they happen, on the terminal or at a URL of one's own."""

import asyncio
import hmac
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click
from attrs import field, frozen

from fintech.application.webhooks.parcels import signed_parcel
from fintech.application.webhooks.secrets import SECRET_PREFIX
from fintech.domain.events import EventType
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from fintech.entrypoints import logs, profiles
from fintech.entrypoints.cli.options import ACCOUNT, data_option, mode_option
from fintech.entrypoints.cli.printing import in_sydney
from fintech.entrypoints.cli.working import Refused, Unavailable, ending, opened
from fintech.entrypoints.http.events import TYPES_MAX, render_event
from fintech.entrypoints.listening import Heard, Look, events_after, look_at_core, look_over_http, newest
from fintech.entrypoints.sandbox import SANDBOX
from fintech.entrypoints.settings import LogLevel
from fintech.ports.keyed_digest import Purpose
from fintech.ports.webhook_sender import WebhookSender

API_KEY: Final = "FINTECH_API_KEY"
_HTTP_TIMEOUT_S: Final = 10.0
_RETRY_S: Final = 1.0


@frozen
class Source:
    """Where events are read, and the secret that signs what is forwarded: the same at every start."""

    look: Look
    secret: str = field(repr=False)


@frozen(kw_only=True)
class Listener:
    """What to do with each event."""

    forward_to: str | None
    as_json: bool

    async def heed(self, heard: Heard, sender: WebhookSender, secret: str) -> None:
        """Print it, and forward it if it is to be forwarded."""
        answer = ""
        if self.forward_to is not None:
            body = json.dumps(heard.body, ensure_ascii=False, separators=(",", ":")).encode()
            now = datetime.now(UTC)
            sent = await sender.post(signed_parcel(self.forward_to, body, [secret], now, loopback=True))
            answer = f"  -> {sent.status or sent.fault} in {sent.duration_ms} ms"
        if self.as_json:
            print(json.dumps(heard.body, ensure_ascii=False), flush=True)
        else:
            at = in_sydney(datetime.fromtimestamp(heard.body["created"], UTC))
            print(f"{at}  {heard.type}  {heard.id}{answer}", flush=True)


def _types(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    types = tuple(each.strip() for each in value.split(",") if each.strip() not in ("", "*"))
    known = {each.value for each in EventType}
    for each in types:
        if each not in known:
            raise click.BadParameter(f"there are no events of type {each!r}")
    if len(types) > TYPES_MAX:
        raise click.BadParameter(f"at most {TYPES_MAX} types, or * for all")
    return types


@click.command()
@click.argument("account", type=ACCOUNT, required=False)
@click.option("--forward-to", metavar="URL", help="Post each event there, signed as a webhook is.")
@click.option("--events", "types", callback=_types, default="*", help="Only these types: a,b.")
@click.option("--print-json", "as_json", is_flag=True, help="Print events whole, one a line.")
@click.option("--api", metavar="URL", help=f"A service to listen to, with the API key in {API_KEY}.")
@click.option("--count", type=click.IntRange(1), help="End after so many events.")
@mode_option
@data_option
def listen(
    account: MerchantId | None,
    forward_to: str | None,
    types: Sequence[str],
    as_json: bool,
    api: str | None,
    count: int | None,
    livemode: bool,
    data: Path | None,
) -> None:
    """Print events as they happen, or forward them.

    Listens to the ACCOUNT in the data (the sandbox's, if no other is named with --data), or with --api to a service.
    What is forwarded is signed with a secret that is shown and stays the same. Nothing is tried twice: that is what
    webhook endpoints are for.
    """
    if api is None and account is None and data is None:
        raise click.UsageError("name whom to listen to: --api URL, --data DIR, or an ACCOUNT")
    logs.configure(LogLevel.WARNING)
    listener = Listener(forward_to=forward_to, as_json=as_json)

    async def run() -> None:
        async with AsyncExitStack() as closing:
            sender = await closing.enter_async_context(profiles.webhook_forwarder())
            if api is not None:
                source = await closing.enter_async_context(_service(api, types))
            else:
                scope = Scope(account or SANDBOX, livemode)
                source = await closing.enter_async_context(_books(data, scope, types))
            last, left = await newest(source.look), count
            _announce(forward_to, source.secret)
            async for heard in events_after(source.look, last):
                await listener.heed(heard, sender, source.secret)
                left = None if left is None else left - 1
                if left == 0:
                    return

    with ending():
        asyncio.run(run())


def _announce(forward_to: str | None, secret: str) -> None:
    if forward_to is None:
        click.echo("Listening; ctrl-C ends it.", err=True)
    else:
        click.echo(f"Listening; events are posted to {forward_to}, signed with {secret}", err=True)


@asynccontextmanager
async def _books(data: Path | None, scope: Scope, types: Sequence[str]) -> AsyncIterator[Source]:
    async with opened(data) as core:
        named = f"listen.{scope.merchant}.{scope.livemode}".encode()
        secret = SECRET_PREFIX + core.digests().digest(Purpose.WEBHOOK, named).hex()
        yield Source(look_at_core(core.queries(), scope, types, render_event), secret)


@asynccontextmanager
async def _service(url: str, types: Sequence[str]) -> AsyncIterator[Source]:
    import aiohttp  # noqa: PLC0415 - spares others its weight

    key = os.environ.get(API_KEY, "").strip()
    if not key:
        raise click.UsageError(f"{API_KEY} is missing: the API key to listen with")
    secret = SECRET_PREFIX + hmac.digest(key.encode(), b"listen", "sha256").hex()
    timeout = aiohttp.ClientTimeout(total=_HTTP_TIMEOUT_S)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}, timeout=timeout) as session:
        events = f"{url.rstrip('/')}/v1/events"
        reached = False

        async def get(query: dict[str, str]) -> dict[str, Any]:
            """A page; once there was one, whoever is away is waited for."""
            nonlocal reached
            while True:
                try:
                    async with session.get(events, params=query, allow_redirects=False) as response:
                        status, body = response.status, await response.read()
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    if not reached:
                        raise Unavailable(f"--api: {url} does not answer") from error
                    status, body = 503, b""
                if status == HTTPStatus.OK:
                    reached = True
                    page: dict[str, Any] = json.loads(body)
                    return page
                if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise Refused(f"--api: {url} answers {status}: is the API key of this service?")
                if not reached:
                    raise Unavailable(f"--api: {url} cannot answer now ({status})")
                await asyncio.sleep(_RETRY_S)

        yield Source(look_over_http(get, types), secret)
