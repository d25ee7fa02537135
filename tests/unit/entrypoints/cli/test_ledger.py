"""``fintech ledger``, ``balance`` and ``settle``: the money, seen from the back office."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import MemoryStore
from fintech.application.settlement import BROKEN_MAX
from fintech.domain.business_days import sydney_day
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.merchants import Standing
from fintech.domain.money import Currency
from fintech.domain.scope import Scope
from fintech.entrypoints.cli import settle as settling
from fintech.ports.errors import StoreUnavailable
from fintech.ports.proofs import Proof
from fintech.ports.queries import MovementLine
from tests.unit.entrypoints.cli.conftest import TILL, Terminal

WHY = ("--why", "the bank's statement")


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant("--fee", "standard=150+10")


def today_of(terminal: Terminal) -> str:
    return sydney_day(terminal.core.clock().now()).isoformat()


def wait(terminal: Terminal, **span: float) -> None:
    clock = terminal.core.clock()
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(**span))


def through(terminal: Terminal) -> list[str]:
    return ["--through", today_of(terminal), *WHY]


def test_a_balance_says_what_is_where(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)  # fee 1.60, GST 0.16
    terminal.pays(account, 5_000, manual=True)
    day = today_of(terminal)
    assert terminal.json("balance", account) == {
        "account": account,
        "livemode": False,
        "currency": "AUD",
        "unsettled_minor": 9_824,
        "unsettled_by_day_minor": {day: 9_824},
        "available_minor": 0,
        "reserved_minor": 0,
        "in_transit_minor": 0,
        "advanced_minor": 0,
        "receivable_minor": 0,
        "held_minor": 5_000,
        "instant_available_minor": 7_859,
        "instant_net_minor": 7_731,
    }
    table = [line.split() for line in terminal.says("balance", account).splitlines()]
    assert table[1][:2] == ["unsettled", "98.24"]
    assert table[2] == ["98.24", "of", day]


def test_settling_makes_it_available_once(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    report = terminal.json("settle", account, *through(terminal))
    (settled,) = report["settlements"]
    assert (settled["gross_minor"], settled["earned_minor"], settled["released_minor"]) == (
        10_000,
        176,
        9_824,
    )
    assert (settled["advance_repaid_minor"], settled["repaid_minor"]) == (0, 0)
    assert (report["through"], report["merchants"], report["refused"]) == (today_of(terminal), 1, [])
    assert terminal.json("balance", account)["available_minor"] == 9_824
    assert terminal.json("settle", account, *through(terminal))["settlements"] == []
    assert terminal.says("settle", account, *through(terminal)).startswith("nothing to settle through")


def test_many_days_are_settled_at_once(terminal: Terminal, account: MerchantId) -> None:
    for _ in range(20):
        terminal.pays(account, 1_000)
        wait(terminal, days=1)
    report = terminal.json("settle", account, *through(terminal))
    assert len(report["settlements"]) == 3
    assert sum(each["gross_minor"] for each in report["settlements"]) == 20_000
    assert terminal.json("balance", account)["unsettled_minor"] == 0


def test_everybody_is_settled_with_one_command(terminal: Terminal) -> None:
    accounts = [terminal.merchant() for _ in range(12)]
    for account in accounts:
        terminal.pays(account, 1_000)
    report = terminal.json("settle", "--all", *through(terminal))
    assert report["merchants"] == 12
    assert {each["account"] for each in report["settlements"]} == set(accounts)
    assert len(terminal.says("settle", "--all", *through(terminal)).splitlines()) == 1


def test_a_table_of_settlements_adds_up(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    row = terminal.says("settle", account, *through(terminal)).splitlines()[1].split()
    assert row[1:] == [account, "100.00", "1.76", "98.24", "0.00", "0.00", "AUD"]


def test_what_is_due_is_settled_when_no_day_is_named(terminal: Terminal, account: MerchantId) -> None:
    captured = today_of(terminal)  # a Monday
    terminal.pays(account, 10_000)
    assert terminal.says("settle", "--all", *WHY).strip() == "nothing to settle through 2026-11-22"
    wait(terminal, days=1)  # Tuesday noon
    terminal.pays(account, 5_000)
    report = terminal.json("settle", "--all", *WHY)
    assert (report["through"], [each["gross_minor"] for each in report["settlements"]]) == (
        captured,
        [10_000],
    )
    wait(terminal, days=4)  # Saturday: what was captured since Friday waits for Monday
    assert terminal.json("settle", account, *WHY)["through"] == "2026-11-26"


def test_a_long_report_is_whole(
    terminal: Terminal, account: MerchantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "TABLE_ROWS_MAX", 2)
    for _ in range(40):
        terminal.pays(account, 1_000)
        wait(terminal, days=1)
    rows = [line.split() for line in terminal.says("settle", account, *through(terminal)).splitlines()]
    assert [row[2] for row in rows] == ["bank", "80.00", "80.00", "bank", "80.00", "80.00", "bank", "80.00"]


def test_trouble_with_one_is_told_and_the_others_are_settled(terminal: Terminal) -> None:
    accounts = [terminal.merchant() for _ in range(3)]
    for account in accounts:
        terminal.pays(account, 1_000)
    gone = Scope(accounts[1], livemode=False)
    asyncio.run(terminal.core.place_merchant()(TILL, gone, Standing.CLOSED)).unwrap()
    result = terminal.run("settle", "--all", *through(terminal), "--json")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "Error: 1 of 3 merchants could not be settled"
    report = json.loads(result.stdout)
    assert {each["account"] for each in report["settlements"]} == {accounts[0], accounts[2]}
    assert report["refused"] == [
        {"account": accounts[1], "why": "the merchant's books are closed: nothing is booked any more"}
    ]


@pytest.mark.parametrize("everybody", [True, False])
def test_a_store_that_is_away_is_unavailable(
    terminal: Terminal, account: MerchantId, monkeypatch: pytest.MonkeyPatch, everybody: bool
) -> None:
    for _ in range(BROKEN_MAX):
        terminal.merchant()

    async def away(self: MemoryStore, scope: Scope) -> None:
        raise StoreUnavailable("the store cannot be reached")

    monkeypatch.setattr(MemoryStore, "books", away)
    result = terminal.run("settle", "--all" if everybody else account, *through(terminal), "--json")
    assert (result.exit_code, result.stderr) == (3, "Error: the store cannot be reached\n")
    report = json.loads(result.stdout)
    assert report["settlements"] == []
    assert len(report["refused"]) == report["merchants"] == (BROKEN_MAX if everybody else 1)


@pytest.mark.parametrize("arguments", [[], ["acct_" + "0" * 24, "--all"]])
def test_settling_is_for_one_or_for_all(terminal: Terminal, arguments: list[str]) -> None:
    assert terminal.refuses(2, "settle", *arguments, *WHY) == "Error: name one ACCOUNT, or say --all"


def test_settling_needs_a_reason_a_day_and_a_merchant(terminal: Terminal, account: MerchantId) -> None:
    assert "Missing option '--why'" in terminal.refuses(2, "settle", account)
    assert "'--through'" in terminal.refuses(2, "settle", account, "--through", "tomorrow", *WHY)
    assert "'--through': 2999-01-01 is still to come" in terminal.refuses(
        2, "settle", account, "--through", "2999-01-01", *WHY
    )
    result = terminal.run("settle", account, "--live", "--through", "2026-11-23", *WHY)
    assert result.exit_code == 1
    assert f"{account}: there is no merchant" in result.stderr
    assert result.stderr.endswith("1 of 1 merchants could not be settled\n")


def test_a_statement_goes_from_opening_to_closing(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    wait(terminal, days=1)
    day = today_of(terminal)
    payment = terminal.pays(account, 2_000)  # fee 0.40, GST 0.04
    terminal.json("payment", "refund", account, payment.id, "--amount", "5", "--why", "spilt")
    wait(terminal, days=1)
    terminal.pays(account, 7_777)
    made = terminal.json("ledger", "statement", account, "--from", day, "--to", day)
    assert (made["opening_minor"], made["closing_minor"]) == (9_824, 11_280)
    assert [
        (each["kind"], each["gross_minor"], each["fee_minor"], each["gst_minor"], each["net_minor"], each["balance_minor"])
        for each in made["lines"]
    ] == [("capture", 2_000, -40, -4, 1_956, 11_780), ("refund", -500, 0, 0, -500, 11_280)]  # fmt: skip
    assert made["lines"][0]["source"] == payment.id


def test_a_statement_is_the_balance(terminal: Terminal, account: MerchantId) -> None:
    for amount in (10_000, 333):
        terminal.pays(account, amount)
    payment = terminal.pays(account, 99)
    terminal.json("payment", "refund", account, payment.id, "--amount", "0.5", "--why", "spilt")
    terminal.json("settle", account, *through(terminal))
    day = today_of(terminal)
    made = terminal.json("ledger", "statement", account, "--from", day, "--to", day)
    balance = terminal.json("balance", account)
    assert made["closing_minor"] == balance["available_minor"] + balance["unsettled_minor"]
    assert len(made["lines"]) == 4


def test_a_long_statement_is_whole(terminal: Terminal, account: MerchantId) -> None:
    for _ in range(130):
        terminal.pays(account, 1_000)
    day = today_of(terminal)
    made = terminal.json("ledger", "statement", account, "--from", day, "--to", day)
    assert len(made["lines"]) == 130
    assert made["lines"][-1]["balance_minor"] == made["closing_minor"] == 130 * (1_000 - 25 - 3)
    wait(terminal, days=1)
    later = terminal.json(
        "ledger", "statement", account, "--from", today_of(terminal), "--to", today_of(terminal)
    )
    assert (later["opening_minor"], later["lines"]) == (made["closing_minor"], [])


def test_a_statement_reads_no_line_but_its_own(
    terminal: Terminal, account: MerchantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        terminal.pays(account, 1_000)
    wait(terminal, days=1)
    shown = terminal.pays(account, 2_000)
    read: list[str] = []
    lines = MemoryQueries.lines

    async def watched(self: MemoryQueries, *asked: Any) -> Sequence[MovementLine]:
        found = await lines(self, *asked)
        read.extend(line.legs[0].source for line in found)
        return found

    monkeypatch.setattr(MemoryQueries, "lines", watched)
    day = today_of(terminal)
    made = terminal.json("ledger", "statement", account, "--from", day, "--to", day)
    assert made["opening_minor"] == 3 * (1_000 - 25 - 3)
    assert read == [shown.id]


def test_a_statement_opens_where_the_one_before_closes(terminal: Terminal, account: MerchantId) -> None:
    closing = 0
    for amount in (10_000, 333, 99):
        payment = terminal.pays(account, amount)
        terminal.json("settle", account, *through(terminal))
        terminal.json("payment", "refund", account, payment.id, "--amount", "0.5", "--why", "spilt")
        terminal.pays(account, amount, manual=True)
        day = today_of(terminal)
        made = terminal.json("ledger", "statement", account, "--from", day, "--to", day)
        assert made["opening_minor"] == closing
        closing = made["closing_minor"]
        wait(terminal, days=1)
    assert closing == 10_000 + 333 + 99 - 3 * 50 - (160 + 16) - (15 + 2) - (11 + 1)


def test_a_statement_for_spreadsheets(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    day = today_of(terminal)
    text = terminal.says("ledger", "statement", account, "--from", day, "--to", day, "--format", "csv")
    opening, line, closing = csv.DictReader(io.StringIO(text))
    assert (opening["kind"], opening["balance"]) == ("opening", "0.00")
    assert [line[name] for name in ("kind", "gross", "fee", "gst", "net", "balance", "currency")] == [
        "capture", "100.00", "-1.60", "-0.16", "98.24", "98.24", "AUD",
    ]  # fmt: skip
    assert (closing["kind"], closing["balance"]) == ("closing_provisional", "98.24")


def test_a_statement_for_people(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    day = today_of(terminal)
    lines = terminal.says("ledger", "statement", account, "--from", day, "--to", day).splitlines()
    assert lines[0] == f"Corner Coffee, {day} to {day}, AUD, provisional"
    assert lines[2].split() == ["opening", "0.00"]
    assert lines[3].split()[-5:] == ["100.00", "-1.60", "-0.16", "98.24", "98.24"]
    assert lines[4].split() == ["closing", "98.24"]


def test_a_span_that_makes_no_sense_is_wrong_usage(terminal: Terminal, account: MerchantId) -> None:
    statement = ["ledger", "statement", account, "--from", "2026-11-23"]
    assert "'--to': is before --from" in terminal.refuses(2, *statement, "--to", "2026-11-22")
    assert "--format csv or --json" in terminal.refuses(2, *statement, "--format", "csv", "--json")
    assert "'--to'" in terminal.refuses(2, *statement, "--to", "2026-02-30")


def test_proofs_that_hold(terminal: Terminal, account: MerchantId) -> None:
    terminal.pays(account, 10_000)
    verified = terminal.json("ledger", "verify")
    assert verified["holds"] is True
    assert {each["livemode"] for each in verified["proofs"]} == {True, False}
    assert all(each["holds"] for each in verified["proofs"])
    assert len(terminal.says("ledger", "verify", "--live").splitlines()) == 1 + len(verified["proofs"]) // 2


def test_a_proof_that_does_not_hold_ends_with_1_and_says_where(
    terminal: Terminal, account: MerchantId
) -> None:
    terminal.pays(account, 10_000)
    store = terminal.core.store()
    assert isinstance(store, MemoryStore)
    accounts = store.memory.state.accounts
    assert accounts is not None
    available = (False, AccountId(account, "available", Currency.AUD))
    accounts[available] = evolve(accounts.get(available, Balances()), credits_posted=1)
    result = terminal.run("ledger", "verify")
    assert result.exit_code == 1
    assert f"{account} available AUD" in result.stdout
    assert result.stderr == f"Error: 4 of {2 * len(Proof)} proofs do not hold\n"
    as_json = terminal.run("ledger", "verify", "--test", "--json")
    assert as_json.exit_code == 1
    assert '"subject": "client cash AUD"' in as_json.stdout
    assert terminal.run("ledger", "verify", "--live").exit_code == 0
