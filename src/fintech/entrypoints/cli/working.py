"""Opening the core for one command, and what a command's end says: 0 done, 1 refused, 2 usage, 3 unavailable."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from fintech.application.auditing import Deed
from fintech.application.commits import Request, RequestKey
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.tax_invoices import Supplier
from fintech.entrypoints import logs, profiles
from fintech.entrypoints.cli.options import actor_of, os_user
from fintech.entrypoints.cli.refusals import said
from fintech.entrypoints.container import Core
from fintech.entrypoints.key_settings import Environment
from fintech.entrypoints.settings import (
    LogLevel,
    Settings,
    SettingsInvalid,
    read_environment,
    read_settings,
    read_supplier,
)
from fintech.ports.errors import LeaseEnded, PortError
from fintech.ports.keyed_digest import Purpose

T = TypeVar("T")

INTERRUPTED: Final = 130


class Refused(click.ClickException):
    """Asked, understood, and the answer is no."""

    exit_code = 1


class Unavailable(click.ClickException):
    """Something that is needed cannot be had: a port, a folder, a database, its schema."""

    exit_code = 3


class MissingData(click.UsageError):
    """Nobody said whose data."""

    def __init__(self) -> None:
        super().__init__("name the data: --data DIR, or the variable FINTECH_DATABASE_URL")


def settings() -> Settings:
    """The environment's. Wrong ones are wrong usage."""
    try:
        return read_settings(os.environ)
    except SettingsInvalid as error:
        raise click.UsageError(str(error)) from error


def supplier() -> Supplier:
    """Who we are on tax invoices. A wrong setting is wrong usage."""
    try:
        return read_supplier(os.environ)
    except SettingsInvalid as error:
        raise click.UsageError(str(error)) from error


def environment() -> Environment:
    """What the deployment is called. A wrong name is wrong usage."""
    try:
        return read_environment(os.environ)
    except SettingsInvalid as error:
        raise click.UsageError(str(error)) from error


def opened(data: Path | None) -> AbstractAsyncContextManager[Core]:
    """The core on a data folder, or else at the address that the environment names."""
    if data is not None:
        return profiles.embedded(data, supplier=supplier(), environment=environment())
    read = settings()
    if read.database_url is None:
        raise MissingData
    return profiles.container(read)


def work(data: Path | None, body: Callable[[Core], Awaitable[T]], *, watched: bool = False) -> T:
    """Open the core, do something with it, close it. What goes wrong ends the command with its code.

    A command that somebody answers for (it has ``--as``) is written into the audit trail, before and after; and one that is
    ``watched``, because it looks at keys or at what is sealed: for that the user of this system answers.
    """
    logs.configure(LogLevel.WARNING)

    async def run() -> T:
        async with opened(data) as core, _written_down(core, os_user() if watched else None):
            return await body(core)

    with ending():
        return asyncio.run(run())


@asynccontextmanager
async def _written_down(core: Core, user: str | None) -> AsyncIterator[None]:
    """The command of this moment, as whoever answers for it, or the ``user``; it is run also where that cannot be written down
    (PCI DSS 10.2.1.2)."""
    context = click.get_current_context(silent=True)
    acting = None if context is None else context.params.get("acting", user)
    if context is None or acting is None:
        yield
        return
    account, livemode = context.params.get("account"), context.params.get("livemode")
    deed = Deed(
        actor=Actor(acting, Face.CLI),
        action=AuditAction.COMMAND_RUN,
        subject=context.command_path,
        scope=Scope(account, livemode=bool(livemode)) if isinstance(account, MerchantId) else None,
        anyway=True,
    )
    async with core.audited().deed(deed) as told:
        try:
            yield
        except Refused:
            told.result = AuditResult.REFUSED
            raise


@contextmanager
def ending() -> Iterator[None]:
    """Turns what may go wrong with a deployment into the end of a command."""
    try:
        yield
    except SettingsInvalid as error:
        raise click.UsageError(str(error)) from error
    except LeaseEnded as error:
        raise Refused(said(error.refused)) from error
    except (PortError, profiles.CannotOpen) as error:
        raise Unavailable(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def request_of(
    core: Core, operation: str, asked: Sequence[object], acting: str, why: str, idempotency_key: str | None
) -> Request:
    """Who asks, and under which key if any; ``asked`` is all that tells one request of an operation from another."""
    key = None
    if idempotency_key is not None:
        digest = core.digests().digest(Purpose.REQUEST, " ".join(map(str, asked)).encode())
        key = RequestKey(key=idempotency_key, operation=operation, fingerprint=digest)
    return Request(actor=actor_of(acting, why, idempotency_key), key=key)


def granted(outcome: Outcome[T, Any], currency: Currency | None = None) -> T:
    """What was asked for, or the end of the command with the reason why not, its amount in the currency."""
    if isinstance(outcome, Failure):
        raise Refused(said(outcome.failure(), currency))
    return outcome.unwrap()
