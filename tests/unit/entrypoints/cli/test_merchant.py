"""``fintech merchant``."""

import asyncio
import os

import pytest

from fintech.domain.ids import MerchantId
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.queries import Page
from tests.unit.entrypoints.cli.conftest import Terminal

NOBODY = "acct_" + "0" * 23 + "9"


def actors_of(terminal: Terminal, account: str, *, livemode: bool = False) -> list[Actor]:
    scope = Scope(MerchantId(account), livemode)
    events = asyncio.run(terminal.core.queries().events(scope, Page()))
    return [event.actor for event in events.items]


def test_a_merchant_is_created_with_the_price_list(terminal: Terminal) -> None:
    made = terminal.json("merchant", "create", "--name", "Corner Coffee")
    assert made == {
        "account": made["account"],
        "livemode": False,
        "name": "Corner Coffee",
        "abn": None,
        "standing": "active",
        "currency": "AUD",
        "fees": {
            "standard": {"rate_bps": 175, "fixed_minor": 0},
            "amex": {"rate_bps": 220, "fixed_minor": 0},
        },
        "dispute_fee_minor": 2_500,
        "dispute_fee_returned_on_win": True,
        "fees_returned_on_refund": False,
        "payment_min_minor": 50,
        "payment_max_minor": 99_999_999,
        "refund_debt_max_minor": 0,
        "cut_off": "00:00",
        "created_at": made["created_at"],
        "version": 1,
    }


def test_fees_and_limits_are_as_they_are_given(terminal: Terminal) -> None:
    made = terminal.json(
        "merchant", "create", "--name", "A", "--fee", "visa=140+10", "--fee", "standard=200", "--fee-returned",
        "--payment-min", "1", "--payment-max", "1000.5", "--refund-debt-max", "12.34",
        "--dispute-fee", "0",
    )  # fmt: skip
    assert made["fees"] == {
        "standard": {"rate_bps": 200, "fixed_minor": 0},
        "amex": {"rate_bps": 220, "fixed_minor": 0},
        "visa": {"rate_bps": 140, "fixed_minor": 10},
    }
    assert made["fees_returned_on_refund"] is True
    assert made["dispute_fee_minor"] == 0
    assert (made["payment_min_minor"], made["payment_max_minor"]) == (100, 100_050)
    assert made["refund_debt_max_minor"] == 1234


def test_days_end_when_the_merchants_bank_says(terminal: Terminal) -> None:
    create = ["merchant", "create", "--name", "A"]
    made = terminal.json(*create, "--cut-off", "22:30")
    assert made["cut_off"] == "22:30"
    shown = terminal.says("merchant", "show", made["account"]).splitlines()
    assert shown[-1].split(maxsplit=3)[-1] == "22:30 in Sydney"
    for wrong in ("24:00", "9", "9:00", "noon"):
        assert "is not a time: 00:00 to 23:59" in terminal.refuses(2, *create, "--cut-off", wrong)
    for wrong in ("09:01", "11:59"):
        assert "'--cut-off': is from 12:00 on, or until" in terminal.refuses(2, *create, "--cut-off", wrong)


def test_amounts_are_of_the_merchants_currency(terminal: Terminal) -> None:
    yen = ["merchant", "create", "--name", "A", "--currency", "JPY"]
    made = terminal.json(*yen, "--payment-min", "50", "--payment-max", "90000")
    assert (made["payment_min_minor"], made["payment_max_minor"]) == (50, 90_000)
    assert "'--payment-max': 10.50 is not an amount of JPY" in terminal.refuses(
        2, *yen, "--payment-min", "1", "--payment-max", "10.50"
    )


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--fee", "visa"),
        ("--fee", "visa=1.75"),
        ("--fee", "visa=-1"),
        ("--fee", "visas=175"),
        ("--fee", "visa=1001"),
        ("--fee", "visa=175+1001"),
        ("--fee", "visa=１"),
        ("--payment-min", "0"),
        ("--payment-min", "-1"),
        ("--payment-min", "1e3"),
        ("--payment-min", "1.234"),
        ("--payment-min", "1,50"),
        ("--payment-min", "NaN"),
        ("--currency", "ZZZ"),
        ("--id", "acct_1"),
        ("--name", " "),
        ("--name", "x" * 101),
        ("--name", "two\nlines"),
        ("--name", "4242 4242 4242 4242"),
        ("--as", ""),
        ("--why", "x" * 501),
        ("--why", "paid by 4242424242424242"),
    ],
)
def test_what_is_wrong_names_its_option(terminal: Terminal, option: str, text: str) -> None:
    name = [] if option == "--name" else ["--name", "A"]
    assert f"'{option}'" in terminal.refuses(2, "merchant", "create", *name, option, text)


def test_both_modes_may_have_the_same_merchant(terminal: Terminal) -> None:
    account = terminal.merchant()
    live = terminal.json("merchant", "create", "--name", "A", "--id", account, "--live")
    assert (live["account"], live["livemode"]) == (account, True)
    assert terminal.refuses(1, "merchant", "create", "--name", "A", "--id", account) == (
        f"Error: {account} is there already in this mode"
    )


def test_merchants_are_listed_newest_first_in_their_mode(terminal: Terminal) -> None:
    accounts = [terminal.merchant(name=f"Shop {number}") for number in range(3)]
    listed = terminal.json("merchant", "list", "--limit", "2")["merchants"]
    assert [each["account"] for each in listed] == [accounts[2], accounts[1]]
    assert terminal.json("merchant", "list", "--live") == {"merchants": []}
    table = terminal.says("merchant", "list").splitlines()
    assert table[0].split() == ["account", "name", "standing", "currency", "since"]
    assert table[1].startswith(f"{accounts[2]}  Shop 2  active")


def test_a_long_list_is_read_whole(terminal: Terminal) -> None:
    accounts = [terminal.merchant() for _ in range(105)]
    listed = terminal.json("merchant", "list", "--limit", "1000")["merchants"]
    assert [each["account"] for each in listed] == accounts[::-1]


def test_a_merchant_is_shown(terminal: Terminal) -> None:
    account = terminal.merchant("--fee", "visa=140+10")
    shown = terminal.says("merchant", "show", account)
    assert "fee visa      1.40 % + 0.10 AUD" in shown
    assert "payment       0.50 AUD to 999999.99 AUD" in shown
    assert terminal.json("merchant", "show", account)["name"] == "Corner Coffee"


def test_who_is_not_there_is_refused(terminal: Terminal) -> None:
    account = terminal.merchant()
    for arguments in (["show", NOBODY], ["show", account, "--live"], ["suspend", NOBODY, "--why", "x"]):
        said = terminal.refuses(1, "merchant", *arguments)
        assert said.startswith(f"Error: there is no merchant {arguments[1]} in these books")


def test_a_merchant_is_suspended_and_reactivated_by_somebody_for_a_reason(terminal: Terminal) -> None:
    account = terminal.merchant()
    suspended = terminal.json("merchant", "suspend", account, "--why", "chargebacks", "--as", "mia")
    assert suspended["standing"] == "suspended"
    assert actors_of(terminal, account)[0] == Actor("mia", Face.CLI, "chargebacks")
    assert terminal.json("merchant", "reactivate", account)["standing"] == "active"
    assert "is active, from where it cannot become active" in terminal.refuses(
        1, "merchant", "reactivate", account
    )


def test_a_suspension_needs_a_reason(terminal: Terminal) -> None:
    account = terminal.merchant()
    assert "Missing option '--why'" in terminal.refuses(2, "merchant", "suspend", account)


def test_who_acts_is_the_user_of_the_system(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    account = terminal.merchant()
    assert actors_of(terminal, account) == [Actor("uid 54321", Face.CLI, "onboarding")]
