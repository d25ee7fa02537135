"""``fintech payment``, and the amounts that people type."""

import asyncio

import pytest

from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.unit.entrypoints.cli.conftest import Terminal

WHY = ("--why", "spilt")


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant("--fee", "standard=150+10")


def test_payments_are_listed_newest_first(terminal: Terminal, account: MerchantId) -> None:
    payments = [terminal.pays(account, 1000 + number) for number in range(3)]
    listed = terminal.json("payment", "list", account)["payments"]
    assert [each["payment"] for each in listed] == [each.id for each in reversed(payments)]
    after = terminal.json("payment", "list", account, "--after", payments[1].id)["payments"]
    assert [each["payment"] for each in after] == [payments[0].id]
    row = terminal.says("payment", "list", account, "--limit", "1").splitlines()[1]
    assert row.split()[3:] == ["succeeded", "10.02", "10.02", "0.00", "visa", "…4242"]


def test_a_payment_is_shown_with_its_attempts_and_refunds(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000)
    refund = terminal.json("payment", "refund", account, payment.id, "--amount", "2.5", *WHY)
    shown = terminal.json("payment", "show", account, payment.id)
    assert shown["status"] == "succeeded"
    assert (shown["captured_minor"], shown["refunded_minor"]) == (1000, 250)
    (attempt,) = shown["attempts"]
    assert (attempt["status"], attempt["scheme"], attempt["last4"]) == ("captured", "visa", "4242")
    assert (attempt["fee_minor"], attempt["tax_minor"]) == (25, 3)
    assert shown["refunds"] == [refund]
    said = terminal.says("payment", "show", account, payment.id)
    assert "2.50 succeeded" in said


def test_a_decline_says_why(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000, "pm_card_chargeDeclinedInsufficientFunds")
    assert "insufficient_funds (51)" in terminal.says("payment", "show", account, payment.id)


def test_a_payment_is_refunded_in_part_and_then_the_rest(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000)
    for_the_fee = terminal.pays(account, 5000)
    assert for_the_fee.captured_minor == 5000
    part = terminal.json(
        "payment", "refund", account, payment.id, "--amount", "3", "--reason", "duplicate", *WHY
    )
    assert part == {
        "refund": part["refund"],
        "payment": payment.id,
        "status": "succeeded",
        "amount_minor": 300,
        "currency": "AUD",
        "reason": "duplicate",
        "failure": None,
        "created_at": part["created_at"],
    }
    rest = terminal.says("payment", "refund", account, payment.id, *WHY)
    assert rest.split()[1:] == ["7.00", "AUD", "succeeded"]
    assert terminal.refuses(1, "payment", "refund", account, payment.id, "--amount", "1", *WHY) == (
        "Error: the amount is too large: at most 0.00 AUD here"
    )


def test_the_same_key_refunds_once(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000)
    once = ["payment", "refund", account, payment.id, "--idempotency-key", "one", *WHY]
    first = terminal.json(*once, "--amount", "3")
    assert terminal.json(*once, "--amount", "3") == first
    assert "another request: cli payment refund" in terminal.refuses(1, *once, "--amount", "4")
    assert terminal.json("payment", "show", account, payment.id)["refunded_minor"] == 300
    events = asyncio.run(terminal.core.queries().events(Scope(account, livemode=False), Page()))
    assert [each.actor.key for each in events.items[:4]] == ["one", "one", "one", None]


@pytest.mark.parametrize("text", ["3.333", "0", "0.00", "-1", "1e2", "1_0", " ", "１", "12.", ".5", "1" * 14])
def test_an_amount_is_read_exactly_or_not_at_all(terminal: Terminal, account: MerchantId, text: str) -> None:
    payment = terminal.pays(account, 1000)
    said = terminal.refuses(2, "payment", "refund", account, payment.id, "--amount", text, *WHY)
    assert "'--amount'" in said


def test_no_cent_is_lost_on_the_way(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 99_999_999)
    for text, minor in (("0.29", 29), ("1.1", 110), ("70368.74", 7_036_874), ("4.35", 435)):
        made = terminal.json("payment", "refund", account, payment.id, "--amount", text, *WHY)
        assert made["amount_minor"] == minor


def test_an_unknown_outcome_is_no_failure(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000, "pm_card_pendingRefund")
    assert (
        terminal.json("payment", "refund", account, payment.id, "--amount", "1", *WHY)["status"] == "unknown"
    )


def test_a_refund_that_is_declined_is(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000, "pm_card_refundDeclined")
    result = terminal.run("payment", "refund", account, payment.id, "--amount", "1", *WHY)
    assert result.exit_code == 1
    assert "failed" in result.stdout
    assert result.stderr == "Error: the refund failed: declined\n"


def test_a_refund_needs_a_reason_and_a_captured_payment(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000, manual=True)
    assert "Missing option '--why'" in terminal.refuses(2, "payment", "refund", account, payment.id)
    assert "requires_capture: one cannot refund it" in terminal.refuses(
        1, "payment", "refund", account, payment.id, *WHY
    )


def test_funds_that_are_missing_are_said_as_people_write_amounts(
    terminal: Terminal, account: MerchantId
) -> None:
    payment = terminal.pays(account, 1000)
    said = terminal.refuses(1, "payment", "refund", account, payment.id, *WHY)
    assert "allow 9.72 AUD at most" in said


def test_what_is_not_there_is_refused(terminal: Terminal, account: MerchantId) -> None:
    nothing = "pi_" + "0" * 24
    assert "no payment" in terminal.refuses(1, "payment", "show", account, nothing)
    assert "no payment" in terminal.refuses(1, "payment", "refund", account, nothing, *WHY)
    assert "no merchant" in terminal.refuses(1, "payment", "list", account, "--live")


def test_who_refunded_is_in_the_log(terminal: Terminal, account: MerchantId) -> None:
    payment = terminal.pays(account, 1000)
    terminal.says("payment", "refund", account, payment.id, "--amount", "1", "--as", "mia", *WHY)
    events = asyncio.run(terminal.core.queries().events(Scope(account, livemode=False), Page()))
    assert {(each.actor.name, each.actor.why) for each in events.items[:2]} == {("mia", "spilt")}
