"""``fintech demo``: a shop's day through the doors that everybody uses, each step checked as it is shown."""

import time

import click

from fintech.entrypoints.cli.demo.interruptions import Interrupted, Interruptions
from fintech.entrypoints.cli.demo.shop import StepFailed
from fintech.entrypoints.cli.demo.stage import Stage, StageFailed
from fintech.entrypoints.cli.demo.story import play
from fintech.entrypoints.cli.working import Refused, Unavailable


@click.command()
def demo() -> None:
    """Play a shop's day on this machine and check every step.

    Starts a service of its own in a temporary folder, lets a shop take payments with the official SDK and at its till,
    be paid out at once, settle, win a dispute, hear of everything and read its statement; lets the bank take its keys
    away and give them back; proves the books and the audit trail. Takes about a minute; leaves nothing behind, also when
    it is interrupted. Ends with 0 only if every step held.
    """
    began = time.monotonic()
    with Interruptions() as interruptions:
        stage = Stage(interruptions)
        try:
            try:
                stage.start()
                play(stage)
            finally:
                stage.clear()
            interruptions.look()
        except StepFailed as error:
            raise Refused(f"the demo failed: {error}") from error
        except StageFailed as error:
            raise Unavailable(str(error)) from error
        except Interrupted as interrupted:
            click.echo("\ninterrupted; everything is cleaned up", err=True)
            raise SystemExit(128 + interrupted.signal) from None
    click.secho(f"\nEvery step held. {time.monotonic() - began:.0f} s, nothing left behind.", bold=True)
