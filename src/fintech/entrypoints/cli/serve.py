"""``fintech serve``: the service, from ready to drained."""

from pathlib import Path
from typing import Any

import click
from attrs import evolve

from fintech.entrypoints import logs
from fintech.entrypoints.cli.options import data_option
from fintech.entrypoints.cli.working import Unavailable, ending, opened, settings
from fintech.entrypoints.production import require_production_worthy
from fintech.entrypoints.serving import Address, CannotServe, Service
from fintech.entrypoints.serving import serve as serve_until_stopped
from fintech.entrypoints.settings import LogLevel
from fintech.entrypoints.terminal_gateway import LoopbackOnly


class AddressType(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """Where to listen."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """The address that the text spells."""
        try:
            return value if isinstance(value, Address) else Address.parse(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


@click.command()
@click.option(
    "--http",
    "address",
    type=AddressType(),
    default="127.0.0.1:8080",
    show_default=True,
    help="Where to listen; port 0 is any free one.",
)
@click.option(
    "--terminals",
    type=AddressType(),
    help="Where to listen to terminals (ISO 8583 over TCP), on this machine alone; by default nowhere.",
)
@click.option(
    "--log-level", type=click.Choice([each.value for each in LogLevel]), help="Else FINTECH_LOG_LEVEL."
)
@data_option
def serve(address: Address, terminals: Address | None, log_level: str | None, data: Path | None) -> None:
    """Run the service until it is told to stop.

    When it is ready it prints one line of JSON: where it listens and, with --data, the sandbox's account, key and
    (with --terminals) terminal, which stay the same. It logs to standard error. SIGTERM or SIGINT: it finishes what it has and ends with 0; a
    second signal ends it at once.
    """
    read = settings()
    if log_level is not None:
        read = evolve(read, log_level=LogLevel(log_level))
    logs.configure(read.log_level)
    service = Service(core=opened(data), settings=read, address=address, terminals=terminals, data_dir=data)
    with ending():
        require_production_worthy(read)  # as the option has it, and not only the variable
        try:
            serve_until_stopped(service)
        except LoopbackOnly as error:
            raise click.BadParameter(str(error), param_hint="'--terminals'") from error
        except CannotServe as error:
            raise Unavailable(f"--{error.door}: {error}") from error
