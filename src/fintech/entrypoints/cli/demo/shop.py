"""The shop of the demo: what it has to have by its own reckoning, and how a scene shows what it finds."""

import shlex
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import click
from attrs import define, frozen

from fintech.entrypoints.cli.demo.receiver import Receiver
from fintech.entrypoints.cli.demo.stage import Stage

WHY: Final = "the demo's day"
#: What the shop pays: 1.50 % and 10 cents, GST on top.
RATE_BPS: Final = 150
FIXED: Final = 10
#: What an instant payout costs by the default policy, and a chargeback; GST on top.
INSTANT_BPS: Final = 150
DISPUTE_FEE: Final = 25_00
SWEEPER_PATIENCE_S: Final = 30.0


class StepFailed(Exception):
    """Something is not as it has to be."""


@define
class Till:
    """What the shop has to have, in cents, by its own reckoning; ``lines`` of its statement."""

    net: int = 0
    lines: int = 0

    def took(self, *parts: int) -> None:
        """A payment captured in parts: the fee is on the whole, GST is a tenth of it, halves rounded up."""
        whole = sum(parts)
        self.net += whole - _with_gst(_portion(whole, RATE_BPS) + FIXED)
        self.lines += len(parts)

    def gave_back(self, amount: int) -> None:
        """A refund; the fee is kept."""
        self.net -= amount
        self.lines += 1

    def was_paid_out(self, amount: int, *, instant: bool) -> int:
        """A payout; the fee of an instant one and its GST, which are paid on top."""
        fee = _with_gst(_portion(amount, INSTANT_BPS)) if instant else 0
        self.net -= amount + fee
        self.lines += 1
        return fee

    def got(self, amount: int) -> None:
        """Money that comes back: of a payout, of a chargeback."""
        self.net += amount
        self.lines += 1

    def lost(self, amount: int) -> None:
        """A chargeback, with what it costs."""
        self.net -= amount + _with_gst(DISPUTE_FEE)
        self.lines += 1


def _portion(amount: int, basis_points: int) -> int:
    return (2 * amount * basis_points + 10_000) // 20_000


def _with_gst(fee: int) -> int:
    return fee + (2 * fee + 10) // 20


@frozen
class Shop:
    """An onboarded merchant: its account, its till, where it hears of things, and the official SDK with its key."""

    stage: Stage
    account: str
    client: Any
    till: Till
    receiver: Receiver

    @property
    def sdk(self) -> Any:
        """What the SDK has of the API's first version."""
        return self.client.v1

    def waits_for(self, looked: Callable[[], Any], wanted: object) -> Any:
        """What is seen in the end, when the sweeper has done its part; the last sight if it does not come about."""
        began = time.monotonic()
        seen = looked()
        while seen != wanted and time.monotonic() - began < SWEEPER_PATIENCE_S:
            self.stage.pause(0.2)
            seen = looked()
        return seen


def expect(what: str, found: object, expected: object) -> None:
    """Show what was found; it has to be what the shop reckons with."""
    if found != expected:
        raise StepFailed(f"{what}: {found!r}, and it has to be {expected!r}")
    click.echo(f"  {click.style('ok', fg='green')}  {what}: {found}")


def expect_cents(what: str, found: int, expected: int) -> None:
    """The same for an amount in cents."""
    expect(what, f"{found / 100:.2f}", f"{expected / 100:.2f}")


def amount_of(funds: Any) -> int:
    """Australian cents of what the SDK's balance has in one place."""
    return sum(each.amount for each in funds if each.currency == "aud")


def answer(stage: Stage, *arguments: str) -> Any:
    """What a command says, as JSON; the command is shown."""
    announce(arguments)
    return stage.answer(*arguments)


def shown(stage: Stage, *arguments: str) -> str:
    """What a command says; the command and that are shown."""
    announce(arguments)
    said = stage.command(*arguments)
    click.echo(said)
    return said


def announce(arguments: Sequence[str]) -> None:
    """Show a command."""
    tell(click.style(f"$ fintech {shlex.join(arguments)}", dim=True))


def tell(text: str) -> None:
    """Say something beside the steps."""
    click.echo(f"      {text}")
