"""``fintech dispute`` and ``fintech write-off``."""

import asyncio
from pathlib import Path

import pytest

from fintech.domain.ids import MerchantId
from tests.leaks import shows_test_card
from tests.unit.entrypoints.cli.conftest import Terminal

WHY = ("--why", "the till roll")
ANN, BEN = ("--as", "ann"), ("--as", "ben")


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant()


def disputed(terminal: Terminal, account: MerchantId, card: str = "pm_card_createDispute") -> str:
    """A dispute of 100.00."""
    terminal.pays(account, 10_000, card)
    asyncio.run(terminal.core.sweep()())
    id: str = terminal.json("dispute", "list", account)["disputes"][0]["dispute"]
    return id


def test_disputes_are_listed_and_shown(terminal: Terminal, account: MerchantId) -> None:
    id = disputed(terminal, account)
    (listed,) = terminal.json("dispute", "list", account)["disputes"]
    shown = terminal.json("dispute", "show", account, id)
    assert shown == listed | {"evidence": {}, "held_back": None}
    assert (listed["status"], listed["amount_minor"], listed["taken_minor"]) == (
        "needs_response",
        10_000,
        12_750,
    )
    assert (listed["reserved_minor"], listed["given_back_minor"]) == (0, 0)
    row = terminal.says("dispute", "list", account).splitlines()[1]
    assert row.split()[3:6] == ["needs_response", "100.00", "fraudulent"]
    said = terminal.says("dispute", "show", account, id)
    assert "fraudulent (10.4)" in said
    assert "127.50" in said
    of_another = "pi_" + "0" * 24
    assert terminal.json("dispute", "list", account, "--payment", of_another)["disputes"] == []


def test_evidence_is_gathered_and_submitted(terminal: Terminal, account: MerchantId, tmp_path: Path) -> None:
    id = disputed(terminal, account)
    log = tmp_path / "log.txt"
    log.write_text("one\ntwo\n")
    staged = terminal.json(
        "dispute", "evidence", account, id, "--set", f"access_activity_log=@{log}", "--set", "service_date=today",
        *WHY,
    )  # fmt: skip
    assert staged["evidence"] == {"access_activity_log": "one\ntwo", "service_date": "today"}
    assert staged["submissions"] == 0
    won = terminal.json(
        "dispute", "evidence", account, id, "--set", "uncategorized_text=winning_evidence", "--submit", *WHY
    )
    assert (won["status"], won["submissions"]) == ("under_review", 1)
    asyncio.run(terminal.core.sweep()())
    after = terminal.json("dispute", "show", account, id)
    assert (after["status"], after["given_back_minor"]) == ("won", 12_750)
    again = terminal.refuses(1, "dispute", "evidence", account, id, "--submit", *WHY)
    assert again == "Error: the dispute is won: one cannot submit evidence for it"


def test_a_loss_is_accepted(terminal: Terminal, account: MerchantId) -> None:
    id = disputed(terminal, account)
    assert "Missing option '--why'" in terminal.refuses(2, "dispute", "close", account, id)
    assert terminal.json("dispute", "close", account, id, *WHY)["status"] == "lost"
    assert "one cannot close it" in terminal.refuses(1, "dispute", "close", account, id, *WHY)


def test_an_inquiry_is_not_closed_but_refunded(terminal: Terminal, account: MerchantId) -> None:
    id = disputed(terminal, account, "pm_card_createDisputeInquiry")
    assert "refund the charge" in terminal.refuses(1, "dispute", "close", account, id, *WHY)


@pytest.mark.parametrize(
    "text", ["receipt=x", "uncategorized_text=4242 4242 4242 4242", "uncategorized_text=@/no/such/file", "x"]
)
def test_what_is_no_evidence_is_wrong_usage(terminal: Terminal, account: MerchantId, text: str) -> None:
    said = terminal.refuses(2, "dispute", "evidence", account, "dp_" + "0" * 24, "--set", text, *WHY)
    assert "'--set'" in said
    assert not shows_test_card(said)


def test_evidence_of_nothing_is_wrong_usage(terminal: Terminal, account: MerchantId) -> None:
    assert "nothing to do" in terminal.refuses(2, "dispute", "evidence", account, "dp_" + "0" * 24, *WHY)


def test_what_is_not_there_is_refused(terminal: Terminal, account: MerchantId) -> None:
    nothing = "dp_" + "0" * 24
    assert "no dispute" in terminal.refuses(1, "dispute", "show", account, nothing)
    assert "no dispute" in terminal.refuses(1, "dispute", "close", account, nothing, *WHY)
    for noun in ("dispute", "write-off"):
        assert "no merchant" in terminal.refuses(1, noun, "list", account, "--live")


def test_two_people_write_a_debt_off(terminal: Terminal, account: MerchantId) -> None:
    disputed(terminal, account)
    proposed = terminal.json("write-off", "propose", account, "--amount", "29.43", *ANN, *WHY)
    assert (proposed["status"], proposed["amount_minor"], proposed["proposed_by"]) == (
        "proposed",
        2_943,
        "ann",
    )
    id = proposed["write_off"]
    assert "ann proposed it" in terminal.refuses(1, "write-off", "approve", account, id, *ANN, *WHY)
    approved = terminal.json("write-off", "approve", account, id, *BEN, *WHY)
    assert (approved["status"], approved["decided_by"]) == ("approved", "ben")
    assert "decided on: approved" in terminal.refuses(1, "write-off", "reject", account, id, *BEN, *WHY)
    (listed,) = terminal.json("write-off", "list", account)["write_offs"]
    assert listed == approved
    assert "the till roll" in terminal.says("write-off", "list", account)
    said = terminal.refuses(1, "write-off", "propose", account, "--amount", "1", *ANN, *WHY)
    assert said == "Error: the merchant owes 0.00 AUD, and no more than that can be written off"
    assert terminal.run("ledger", "verify").exit_code == 0


def test_a_write_off_may_be_rejected(terminal: Terminal, account: MerchantId) -> None:
    disputed(terminal, account)
    id = terminal.json("write-off", "propose", account, "--amount", "1", *ANN, *WHY)["write_off"]
    assert "rejected" in terminal.says("write-off", "reject", account, id, *BEN, *WHY)
    nothing = "wo_" + "0" * 24
    assert "no write-off" in terminal.refuses(1, "write-off", "approve", account, nothing, *BEN, *WHY)
