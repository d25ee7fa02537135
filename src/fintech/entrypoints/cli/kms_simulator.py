"""``fintech kms-simulator``: a KMS to try the bank's powers on."""

from pathlib import Path

import click

from fintech.entrypoints import profiles
from fintech.entrypoints.cli.working import ending
from fintech.entrypoints.kms_simulator import simulate


@click.command("kms-simulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=4599,
    show_default=True,
    help="Where to listen; 0 is any free one.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep its keys in this file, in clear; else they are gone when it ends.",
)
@click.option(
    "--grant-delay",
    "grant_delay_s",
    type=click.FloatRange(0, 3_600),
    default=0.0,
    show_default=True,
    help="How long a grant, or its end, takes to get about, in seconds.",
)
def kms_simulator(host: str, port: int, state: Path | None, grant_delay_s: float) -> None:
    """Simulate the bank's AWS KMS until it is told to stop. Not for anything that is worth something.

    When it is ready it prints one line of JSON: where it listens (kms), where it can be controlled (control: GET and PUT
    /weather, GET and DELETE /calls, POST /bank/DisableKey and so on), the root keys, MAC keys and notary's key that it has,
    and the role that grants are made to (grantee). The access key names the caller, bank or fintech; nothing is checked.
    SIGTERM or SIGINT end it with 0.
    """
    with ending():
        simulate(profiles.kms_simulator(host, port, state=state, grant_delay_s=grant_delay_s))
