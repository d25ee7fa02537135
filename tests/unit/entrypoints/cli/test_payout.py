"""``fintech payout``, ``bank-account`` and ``payout-policy``."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from tests.unit.entrypoints.cli.conftest import TILL, Terminal

WHY = ("--why", "wages")
NOBODY = "po_" + "z" * 24


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant()


def add(terminal: Terminal, account: MerchantId, number: str = "000123456", *more: str) -> Any:
    """A bank account whose number says what becomes of payouts."""
    details = ("--holder", "Corner Coffee", "--bsb", "062-000", "--number", number)
    return terminal.json("bank-account", "add", account, *details, *more, *WHY)


def earn(terminal: Terminal, account: MerchantId, amount_minor: int = 100_000) -> None:
    """Settled money, 1.925 % less than the amount."""
    terminal.pays(account, amount_minor)
    settle = terminal.core.settle_merchant()
    asyncio.run(settle(TILL, Scope(account, livemode=False), date(2030, 1, 1))).unwrap()


def wait(terminal: Terminal) -> None:
    """The bank's window comes, the money arrives, and the bank says so."""
    clock = terminal.core.clock()
    assert isinstance(clock, ManualClock)
    for _ in range(3):
        clock.advance(timedelta(seconds=5))
        asyncio.run(terminal.core.sweep()())


def test_a_merchant_is_paid_out(terminal: Terminal, account: MerchantId) -> None:
    bank = add(terminal, account)
    earn(terminal, account)
    made = terminal.json("payout", "create", account, "--amount", "200", "--description", "rent", *WHY)
    assert made | {"created_at": None} == {
        "payout": made["payout"],
        "status": "pending",
        "method": "standard",
        "amount_minor": 20_000,
        "currency": "AUD",
        "fee_minor": 0,
        "gst_minor": 0,
        "advanced_minor": 0,
        "destination": bank["bank_account"],
        "automatic": False,
        "created_at": None,
        "sent_at": None,
        "arrival_at": None,
        "paid_at": None,
        "failure": None,
        "reverses": None,
        "reversed_by": None,
        "description": "rent",
        "metadata": {},
    }
    wait(terminal)
    assert terminal.json("payout", "show", account, made["payout"])["status"] == "paid"
    said = terminal.says("payout", "show", account, made["payout"])
    assert "amount               200.00 AUD" in said
    assert "brought back" not in said


def test_without_an_amount_it_is_all(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account)
    earn(terminal, account)
    line = terminal.says("payout", "create", account, *WHY).split()
    assert line[1:5] == ["980.75", "AUD", "standard", "pending"]


def test_at_once_costs_a_fee_and_may_be_ahead_of_settlement(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account)
    terminal.pays(account, 100_000)
    made = terminal.json("payout", "create", account, "--amount", "500", "--instant", *WHY)
    assert (made["status"], made["fee_minor"], made["gst_minor"]) == ("paid", 750, 75)
    assert made["advanced_minor"] == 50_825
    balance = terminal.json("balance", account)
    assert (balance["advanced_minor"], balance["instant_available_minor"]) == (50_825, 27_635)


def test_payouts_are_listed_newest_first(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account)
    earn(terminal, account)
    made = [
        terminal.json("payout", "create", account, "--amount", amount, *WHY)["payout"]
        for amount in ("1", "2", "3")
    ]
    terminal.says("payout", "cancel", account, made[0], *WHY)
    listed = terminal.json("payout", "list", account)["payouts"]
    assert [each["payout"] for each in listed] == made[::-1]
    canceled = terminal.json("payout", "list", account, "--status", "canceled")["payouts"]
    assert [each["payout"] for each in canceled] == [made[0]]
    after = terminal.json("payout", "list", account, "--after", made[2], "--limit", "1")["payouts"]
    assert [each["payout"] for each in after] == [made[1]]
    row = terminal.says("payout", "list", account, "--limit", "1").splitlines()[1]
    assert row.split()[3:7] == ["standard", "pending", "3.00", "0.00"]


def test_a_payout_is_explained_to_the_last_digit(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account)
    earn(terminal, account, 10_000)
    earn(terminal, account, 20_000)
    first = terminal.json("payout", "create", account, "--amount", "100", *WHY)["payout"]
    second = terminal.json("payout", "create", account, *WHY)["payout"]
    made = terminal.json("payout", "explain", account, first)
    assert made["total_minor"] == made["amount_minor"] == 10_000
    assert [(each["kind"], each["net_minor"], each["paid_minor"]) for each in made["lines"]] == [
        ("capture", 9_807, 9_807),
        ("capture", 19_615, 193),
    ]
    table = [line.split() for line in terminal.says("payout", "explain", account, second).splitlines()]
    assert table[0] == [f"{second},", "AUD"]
    assert table[2][2:3] + table[2][4:] == ["capture", "196.15", "194.22"]
    assert table[-3:] == [["in", "all", "194.22"], ["arrives", "194.22"], ["fee", "and", "GST", "0.00"]]


def test_one_that_is_paid_can_be_brought_back(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account)
    earn(terminal, account)
    made = terminal.json("payout", "create", account, "--amount", "200", *WHY)["payout"]
    assert "the payout is pending: one cannot reverse it" in terminal.refuses(
        1, "payout", "reverse", account, made, *WHY
    )
    wait(terminal)
    back = terminal.json("payout", "reverse", account, made, *WHY)
    assert back["reverses"] == made
    assert back["payout"] in terminal.says("payout", "show", account, made)
    assert "one cannot cancel it" in terminal.refuses(1, "payout", "cancel", account, made, *WHY)


def test_the_same_key_pays_once(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account)
    earn(terminal, account)
    once = ["payout", "create", account, "--idempotency-key", "one", *WHY]
    first = terminal.json(*once, "--amount", "3")
    assert terminal.json(*once, "--amount", "3") == first
    assert "another request: cli payout create" in terminal.refuses(1, *once, "--amount", "4")
    assert len(terminal.json("payout", "list", account)["payouts"]) == 1


def test_one_that_fails_at_once_says_why(terminal: Terminal, account: MerchantId) -> None:
    add(terminal, account, "111111113")
    terminal.pays(account, 100_000)
    said = terminal.refuses(1, "payout", "create", account, "--amount", "100", "--instant", *WHY)
    assert said == "Error: the payout failed: account_closed"


def test_what_cannot_be_is_said(terminal: Terminal, account: MerchantId) -> None:
    assert "no bank account" in terminal.refuses(1, "payout", "create", account, *WHY)
    add(terminal, account)
    earn(terminal, account)
    said = terminal.refuses(1, "payout", "create", account, "--amount", "981", *WHY)
    assert said == "Error: 980.75 AUD at most can be paid out this way now"
    for verb in ("show", "explain"):
        assert "there is no payout" in terminal.refuses(1, "payout", verb, account, NOBODY)
    for verb in ("cancel", "reverse"):
        assert "there is no payout" in terminal.refuses(1, "payout", verb, account, NOBODY, *WHY)
    assert "no merchant" in terminal.refuses(1, "payout", "list", account, "--live")
    assert "Missing option '--why'" in terminal.refuses(2, "payout", "create", account)


def test_bank_accounts_are_added_preferred_and_removed(terminal: Terminal, account: MerchantId) -> None:
    first = add(terminal, account)
    second = add(terminal, account, "000900011")
    assert (first["default"], second["default"], second["bsb"]) == (True, False, "062000")
    refused = terminal.refuses(1, "bank-account", "remove", account, first["bank_account"], *WHY)
    assert "it is the default account" in refused
    terminal.says("bank-account", "prefer", account, second["bank_account"], *WHY)
    listed = terminal.json("bank-account", "list", account)["bank_accounts"]
    assert [(each["last4"], each["default"]) for each in listed] == [("0011", True), ("3456", False)]
    gone = terminal.says("bank-account", "remove", account, first["bank_account"], *WHY)
    assert gone == f"{first['bank_account']}  removed\n"
    table = terminal.says("bank-account", "list", account)
    assert ["…0011", "default"] in [line.split()[-2:] for line in table.splitlines()]
    assert "000900011" not in table
    assert "Corner Coffee" not in table


def test_a_number_is_asked_for_when_it_is_not_given(terminal: Terminal, account: MerchantId) -> None:
    details = ("--holder", "Corner Coffee", "--bsb", "062000", *WHY)
    result = terminal.run("bank-account", "add", account, *details, given="000123456\n")
    assert result.exit_code == 0, result.output
    assert "…3456  default" in result.stdout
    assert "000123456" not in result.output


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--bsb", "11777", "bsb is six digits"), ("--number", "1234567890", "number is one to nine digits")],
)
def test_details_that_are_wrong_are_named_and_not_repeated(
    terminal: Terminal, account: MerchantId, option: str, value: str, said: str
) -> None:
    details = {"--holder": "Corner Coffee", "--bsb": "062000", "--number": "000123456", option: value}
    flat = [each for pair in details.items() for each in pair]
    refused = terminal.refuses(1, "bank-account", "add", account, *flat, *WHY)
    assert said in refused
    assert value not in refused


def test_a_policy_is_shown_and_set(terminal: Terminal, account: MerchantId) -> None:
    before = terminal.json("payout-policy", "show", account)
    assert (before["interval"], before["minimum_minor"], before["destination"]) == ("manual", 0, None)
    options = ["--interval", "weekly", "--weekday", "friday", "--minimum", "50", "--share-bps", "5000"]
    options += ["--fee-min", "0", "--payout-max", "1000.50", "--day-count-max", "3", "--cool-off-h", "0"]
    after = terminal.json("payout-policy", "set", account, *options, *WHY)
    assert (after["interval"], after["weekday"], after["minimum_minor"]) == ("weekly", "friday", 5_000)
    assert after["instant"] == before["instant"] | {
        "share_bps": 5_000,
        "fee_min_minor": 0,
        "payout_max_minor": 100_050,
        "day_count_max": 3,
        "cool_off_h": 0,
    }
    said = terminal.says("payout-policy", "show", account)
    assert "weekly, on friday" in said
    assert "50.00 %" in said
    terminal.says("payout-policy", "set", account, "--interval", "monthly", "--day", "31", *WHY)
    assert "monthly, on day 31" in terminal.says("payout-policy", "show", account)
    terminal.says("payout-policy", "set", account, "--interval", "manual", *WHY)
    assert "when it is asked for" in terminal.says("payout-policy", "show", account)


def test_a_policy_that_makes_no_sense_is_refused(terminal: Terminal, account: MerchantId) -> None:
    assert "are for an --interval" in terminal.refuses(
        2, "payout-policy", "set", account, "--weekday", "friday", *WHY
    )
    assert "share_bps is 0 to 10000" in terminal.refuses(
        1, "payout-policy", "set", account, "--share-bps", "10001", *WHY
    )
    assert "weekday is for a weekly schedule" in terminal.refuses(
        1, "payout-policy", "set", account, "--interval", "daily", "--weekday", "friday", *WHY
    )
    assert "no merchant" in terminal.refuses(1, "payout-policy", "show", account, "--live")
