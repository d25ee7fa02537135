"""The shop's day. Every figure that is shown is reckoned here once more, apart from the system that is shown."""

import shlex
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import click
from attrs import define, frozen

from fintech.entrypoints.cli.demo.stage import Stage, StageFailed

SHOP: Final = "Corner Coffee"
WHY: Final = "the demo's day"
#: What the shop pays: 1.50 % and 10 cents, GST on top.
RATE_BPS: Final = 150
FIXED: Final = 10
SWEEPER_PATIENCE_S: Final = 20.0


class StepFailed(Exception):
    """Something is not as it has to be."""


@define
class Till:
    """What the shop has to have, in cents, by its own reckoning."""

    net: int = 0
    lines: int = 0

    def took(self, *parts: int) -> None:
        """A payment captured in parts: the fee is on the whole, GST is a tenth of it, halves rounded up."""
        whole = sum(parts)
        fee = (2 * whole * RATE_BPS + 10_000) // 20_000 + FIXED
        gst = (2 * fee + 10) // 20
        self.net += whole - fee - gst
        self.lines += len(parts)

    def gave_back(self, amount: int) -> None:
        """A refund; the fee is kept."""
        self.net -= amount
        self.lines += 1


@frozen
class Shop:
    """An onboarded merchant: its account, its till, and the official SDK with its key."""

    stage: Stage
    account: str
    sdk: Any
    till: Till


def play(stage: Stage) -> None:
    """The day, from opening to proof. Raises `StepFailed` at the first thing that is not as it has to be."""
    sdk = _sdk()
    try:
        shop = _opens(stage, sdk)
        for title, scene in _SCENES:
            click.secho(f"\n{title}", bold=True)
            stage.pause(0)
            scene(shop)
    except sdk.StripeError as error:
        raise StepFailed(f"the SDK says: {error}") from error


def _opens(stage: Stage, sdk: Any) -> Shop:
    click.secho("\nThe shop is onboarded by the back office", bold=True)
    _tell(f"a service is running at {stage.url}, on a PostgreSQL of its own")
    merchant = _answer(
        stage, "merchant", "create", "--name", SHOP, "--fee", f"standard={RATE_BPS}+{FIXED}", "--why", WHY
    )
    _expect("standing", merchant["standing"], "active")
    _tell(f"{SHOP} is {merchant['account']}; it pays 1.50 % + 0.10, and GST on that")
    key = _answer(stage, "key", "create", merchant["account"], "--name", "till", "--why", WHY)
    _expect("a key for test mode", key["secret"][:8], "sk_test_")
    client = sdk.StripeClient(key["secret"], base_addresses={"api": stage.url}, max_network_retries=0)
    return Shop(stage, merchant["account"], client.v1, Till())


def _pays(shop: Shop) -> None:
    terms = {"amount": 12_50, "currency": "aud", "payment_method": "pm_card_visa", "confirm": True}
    paid = shop.sdk.payment_intents.create(terms, {"idempotency_key": "flat white 1"})
    _expect("12.50 by Visa: status", paid.status, "succeeded")
    again = shop.sdk.payment_intents.create(terms, {"idempotency_key": "flat white 1"})
    _expect("the same request again is the same payment", again.id, paid.id)
    shop.till.took(12_50)
    refund = shop.sdk.refunds.create({"payment_intent": paid.id, "amount": 2_50})
    _expect("2.50 is given back: status", refund.status, "succeeded")
    shop.till.gave_back(2_50)


def _is_declined(shop: Shop) -> None:
    from stripe import CardError  # noqa: PLC0415 - an extra that only the demo needs

    terms = {
        "amount": 80_00,
        "currency": "aud",
        "payment_method": "pm_card_chargeDeclinedInsufficientFunds",
        "confirm": True,
    }
    try:
        shop.sdk.payment_intents.create(terms)
    except CardError as error:
        reason = error.error.decline_code if error.error else None
        _expect("80.00 by Visa is declined: reason", reason, "insufficient_funds")
        return
    raise StepFailed("80.00 was not declined")


def _captures_in_parts(shop: Shop) -> None:
    terms = {
        "amount": 100_00,
        "currency": "aud",
        "payment_method": "pm_card_mastercard",
        "confirm": True,
        "capture_method": "manual",
    }
    order = shop.sdk.payment_intents.create(terms)
    _expect_cents("100.00 is authorised, not taken", order.amount_capturable, 100_00)
    order = shop.sdk.payment_intents.capture(order.id, {"amount_to_capture": 60_00, "final_capture": False})
    _expect_cents("60.00 is sent out and taken: still open", order.amount_capturable, 40_00)
    order = shop.sdk.payment_intents.capture(order.id, {"amount_to_capture": 25_00})
    _expect_cents("25.00 follow, the rest is let go: taken in all", order.amount_received, 85_00)
    shop.till.took(60_00, 25_00)


def _meets_the_unknown(shop: Shop) -> None:
    terms = {"amount": 40_00, "currency": "aud", "payment_method": "pm_card_answerLost", "confirm": True}
    lost = shop.sdk.payment_intents.create(terms)
    _expect("40.00, and the bank's answer is lost: neither yes nor no", lost.status, "processing")
    began = time.monotonic()
    while lost.status == "processing" and time.monotonic() - began < SWEEPER_PATIENCE_S:
        shop.stage.pause(0.1)
        lost = shop.sdk.payment_intents.retrieve(lost.id)
    _expect(f"the sweeper asked the bank, {time.monotonic() - began:.1f} s later", lost.status, "succeeded")
    shop.till.took(40_00)


def _settles(shop: Shop) -> None:
    net = shop.till.net
    before = shop.sdk.balance.retrieve()
    _expect_cents("to come, by the SDK", _amount(before.pending), net)
    settled = _answer(shop.stage, "settle", shop.account, "--through", "today", "--why", WHY)
    released = sum(each["released_minor"] for each in settled["settlements"])
    _expect_cents("the bank has paid: released to the shop", released, net)
    after = shop.sdk.balance.retrieve()
    _expect_cents("available, by the SDK", _amount(after.available), net)
    balance = _answer(shop.stage, "balance", shop.account)
    _expect_cents("available, by the back office", balance["available_minor"], net)


def _reads_its_statement(shop: Shop) -> None:
    span = ["--from", "yesterday", "--to", "today"]  # a day may end while the demo plays
    table = _shown(shop.stage, "ledger", "statement", shop.account, *span)
    _, _, opening, *lines, closing = table.splitlines()
    _expect("opening balance", opening.split()[-1], "0.00")
    _expect("movements", len(lines), shop.till.lines)
    _expect("closing balance", closing.split()[-1], f"{shop.till.net / 100:.2f}")


def _is_proved(shop: Shop) -> None:
    proofs = _shown(shop.stage, "ledger", "verify").splitlines()[1:]
    held = [line for line in proofs if line.endswith("holds")]
    _expect(f"proofs that hold, of {len(proofs)} in test and live books", len(held), len(proofs))


def _closes(shop: Shop) -> None:
    _expect("SIGTERM: the service drains and ends with", shop.stage.stop(), 0)


_SCENES: Final[tuple[tuple[str, Callable[[Shop], None]], ...]] = (
    ("A customer pays, and some of it is given back", _pays),
    ("A card is declined", _is_declined),
    ("An order is authorised and captured in parts", _captures_in_parts),
    ("An answer is lost on the way", _meets_the_unknown),
    ("The bank has paid: the money is settled", _settles),
    ("The shop reads its statement", _reads_its_statement),
    ("The books are proved", _is_proved),
    ("The shop closes", _closes),
)


def _sdk() -> Any:
    """The official SDK, as it is."""
    try:
        import stripe  # noqa: PLC0415 - an extra that only the demo needs
    except ImportError as error:
        raise StageFailed("the demo pays with the official SDK: pip install 'fintech[demo]'") from error
    stripe.enable_telemetry = False
    return stripe


def _amount(funds: Any) -> int:
    return sum(each.amount for each in funds if each.currency == "aud")


def _expect(what: str, found: object, expected: object) -> None:
    """Show what was found; it has to be what the shop reckons with."""
    if found != expected:
        raise StepFailed(f"{what}: {found!r}, and it has to be {expected!r}")
    click.echo(f"  {click.style('ok', fg='green')}  {what}: {found}")


def _expect_cents(what: str, found: int, expected: int) -> None:
    """The same for an amount in cents."""
    _expect(what, f"{found / 100:.2f}", f"{expected / 100:.2f}")


def _answer(stage: Stage, *arguments: str) -> Any:
    """What a command says, as JSON; the command is shown."""
    _announce(arguments)
    return stage.answer(*arguments)


def _shown(stage: Stage, *arguments: str) -> str:
    """What a command says; the command and that are shown."""
    _announce(arguments)
    said = stage.command(*arguments)
    click.echo(said)
    return said


def _announce(arguments: Sequence[str]) -> None:
    _tell(click.style(f"$ fintech {shlex.join(arguments)}", dim=True))


def _tell(text: str) -> None:
    click.echo(f"      {text}")
