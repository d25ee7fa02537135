"""The shop's day. Every figure that is shown is reckoned here once more, apart from the system that is shown."""

import time
from collections.abc import Callable
from typing import Any, Final

import click

from fintech.entrypoints.cli.demo import cash_flow, custody
from fintech.entrypoints.cli.demo.receiver import Receiver
from fintech.entrypoints.cli.demo.shop import (
    FIXED,
    RATE_BPS,
    SWEEPER_PATIENCE_S,
    WHY,
    Shop,
    StepFailed,
    Till,
    answer,
    expect,
    expect_cents,
    shown,
    tell,
)
from fintech.entrypoints.cli.demo.stage import Stage, StageFailed

SHOP: Final = "Corner Coffee"


def play(stage: Stage) -> None:
    """The day, from opening to proof. Raises `StepFailed` at the first thing that is not as it has to be."""
    sdk = _sdk()
    try:
        with Receiver(sdk) as receiver:
            shop = _opens(stage, sdk, receiver)
            for title, scene in _SCENES:
                click.secho(f"\n{title}", bold=True)
                stage.pause(0)
                scene(shop)
    except sdk.StripeError as error:
        raise StepFailed(f"the SDK says: {error}") from error


def _opens(stage: Stage, sdk: Any, receiver: Receiver) -> Shop:
    click.secho("\nThe shop is onboarded by the back office", bold=True)
    tell(f"a service is running at {stage.url}, on a PostgreSQL of its own")
    merchant = answer(
        stage, "merchant", "create", "--name", SHOP, "--fee", f"standard={RATE_BPS}+{FIXED}", "--why", WHY
    )
    expect("standing", merchant["standing"], "active")
    tell(f"{SHOP} is {merchant['account']}; it pays 1.50 % + 0.10, and GST on that")
    key = answer(stage, "key", "create", merchant["account"], "--name", "till", "--why", WHY)
    expect("a key for test mode", key["secret"][:8], "sk_test_")
    client = sdk.StripeClient(key["secret"], base_addresses={"api": stage.url}, max_network_retries=0)
    endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    receiver.secret = endpoint.secret
    expect("its own system will hear of everything: endpoint", endpoint.status, "enabled")
    return Shop(stage, merchant["account"], client, Till(), receiver)


def _pays(shop: Shop) -> None:
    terms = {"amount": 12_50, "currency": "aud", "payment_method": "pm_card_visa", "confirm": True}
    paid = shop.sdk.payment_intents.create(terms, {"idempotency_key": "flat white 1"})
    expect("12.50 by Visa: status", paid.status, "succeeded")
    again = shop.sdk.payment_intents.create(terms, {"idempotency_key": "flat white 1"})
    expect("the same request again is the same payment", again.id, paid.id)
    shop.till.took(12_50)
    refund = shop.sdk.refunds.create({"payment_intent": paid.id, "amount": 2_50})
    expect("2.50 is given back: status", refund.status, "succeeded")
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
        expect("80.00 by Visa is declined: reason", reason, "insufficient_funds")
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
    expect_cents("100.00 is authorised, not taken", order.amount_capturable, 100_00)
    order = shop.sdk.payment_intents.capture(order.id, {"amount_to_capture": 60_00, "final_capture": False})
    expect_cents("60.00 is sent out and taken: still open", order.amount_capturable, 40_00)
    order = shop.sdk.payment_intents.capture(order.id, {"amount_to_capture": 25_00})
    expect_cents("25.00 follow, the rest is let go: taken in all", order.amount_received, 85_00)
    shop.till.took(60_00, 25_00)


def _meets_the_unknown(shop: Shop) -> None:
    terms = {"amount": 40_00, "currency": "aud", "payment_method": "pm_card_answerLost", "confirm": True}
    lost = shop.sdk.payment_intents.create(terms)
    expect("40.00, and the bank's answer is lost: neither yes nor no", lost.status, "processing")
    began = time.monotonic()
    while lost.status == "processing" and time.monotonic() - began < SWEEPER_PATIENCE_S:
        shop.stage.pause(0.1)
        lost = shop.sdk.payment_intents.retrieve(lost.id)
    expect(f"the sweeper asked the bank, {time.monotonic() - began:.1f} s later", lost.status, "succeeded")
    shop.till.took(40_00)


def _is_proved(shop: Shop) -> None:
    proofs = shown(shop.stage, "ledger", "verify").splitlines()[1:]
    held = [line for line in proofs if line.endswith("holds")]
    expect(f"proofs that hold, of {len(proofs)} in test and live books", len(held), len(proofs))


def _closes(shop: Shop) -> None:
    expect("SIGTERM: the service drains and ends with", shop.stage.stop(), 0)


_SCENES: Final[tuple[tuple[str, Callable[[Shop], None]], ...]] = (
    ("A customer pays, and some of it is given back", _pays),
    ("A card is declined", _is_declined),
    ("An order is authorised and captured in parts", _captures_in_parts),
    ("An answer is lost on the way", _meets_the_unknown),
    ("The till sells", cash_flow.sells_at_the_till),
    ("The shop takes its money now, ahead of settlement", cash_flow.takes_its_money_now),
    ("A card is kept on file", custody.keeps_a_card),
    ("The shop is breached: the bank suspends its keys", custody.loses_its_keys),
    ("The bank has paid: the money is settled all the same, the advance repaid", cash_flow.is_settled),
    ("The shop is clean: the bank restores its keys", custody.gets_them_back),
    ("The shop is paid out", cash_flow.is_paid_out),
    ("Meanwhile the shop's key is rotated", custody.rotates_its_key),
    ("Who did what is proved", custody.is_audited),
    ("The payout comes back", cash_flow.has_a_payout_returned),
    ("A customer disputes a payment", cash_flow.is_charged_back),
    ("A payout explains itself", cash_flow.explains_a_payout),
    ("The shop reads its statement", cash_flow.reads_its_statement),
    ("The shop's own system has heard of everything", cash_flow.has_heard_of_everything),
    ("The books are proved", _is_proved),
    ("The shop closes", _closes),
    ("Somebody changes what was written down", custody.is_tampered_with),
)


def _sdk() -> Any:
    """The official SDK, as it is."""
    try:
        import stripe  # noqa: PLC0415 - an extra that only the demo needs
    except ImportError as error:
        raise StageFailed("the demo pays with the official SDK: pip install 'fintech[demo]'") from error
    stripe.enable_telemetry = False
    return stripe
