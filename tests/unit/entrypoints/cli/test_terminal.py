"""``fintech terminal`` and ``fintech location``: the back office's view of a merchant's tills."""

import asyncio
from typing import Any

import pytest

from fintech.domain.ids import MerchantId
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.queries import Page
from tests.unit.entrypoints.cli.conftest import Terminal

ADDRESS = ("--line1", "1 George Street", "--city", "Sydney", "--state", "nsw", "--postcode", "2000")
NOWHERE = "tml_" + "9" * 24


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant()


@pytest.fixture
def place(terminal: Terminal, account: MerchantId) -> str:
    location: str = terminal.json("location", "create", account, "--name", "Kiosk", *ADDRESS)["location"]
    return location


def register(terminal: Terminal, account: str, place: str, *more: str) -> Any:
    return terminal.json(
        "terminal", "register", account, "--location", place, "--serial", "simulated-1", *more
    )


def test_a_location_is_noted_listed_and_removed(terminal: Terminal, account: str, place: str) -> None:
    (listed,) = terminal.json("location", "list", account)["locations"]
    assert (listed["location"], listed["state"], listed["postcode"], listed["terminals"]) == (
        place,
        "NSW",
        "2000",
        0,
    )
    assert "1 George Street, Sydney NSW 2000" in terminal.says("location", "list", account)
    assert "Missing option '--why'" in terminal.refuses(2, "location", "remove", account, place)
    assert terminal.says("location", "remove", account, place, "--why", "closed").endswith("is removed\n")
    again = terminal.refuses(1, "location", "remove", account, place, "--why", "closed")
    assert again == "Error: the location has been removed already"
    assert terminal.json("location", "list", account)["locations"] == []


def test_people_see_what_was_noted(terminal: Terminal, account: str) -> None:
    said = terminal.says("location", "create", account, "--name", "Kiosk", "--line2", "Level 2", *ADDRESS)
    assert "1 George Street, Level 2, Sydney NSW 2000" in said


def test_an_address_that_is_none_is_refused(terminal: Terminal, account: str) -> None:
    named = ("location", "create", account, "--name", "Kiosk")
    assert terminal.refuses(1, *named, *ADDRESS, "--postcode", "2") == (
        "Error: the address is not one in Australia: look at its postcode"
    )
    assert "'--state'" in terminal.refuses(2, *named, *ADDRESS, "--state", "Wales")
    assert "never kept" in terminal.refuses(2, *named, *ADDRESS, "--line1", "4242424242424242")


def test_a_terminal_is_registered_and_shown_by_id_and_number(
    terminal: Terminal, account: str, place: str
) -> None:
    made = register(terminal, account, place, "--number", "T0000001", "--label", "Front till")
    assert (made["number"], made["label"], made["status"], made["online"]) == (
        "T0000001",
        "Front till",
        "registered",
        False,
    )
    for name in (made["terminal"], "T0000001"):
        assert terminal.json("terminal", "show", account, name) == made
    said = terminal.says("terminal", "show", account, "T0000001")
    assert f"{place} (Kiosk)" in said
    assert "never" in said
    assert terminal.json("terminal", "list", account)["terminals"] == [made]
    assert "Front till" in terminal.says("terminal", "list", account)


def test_without_a_number_it_gets_one_and_its_serial_is_its_label(
    terminal: Terminal, account: str, place: str
) -> None:
    made = register(terminal, account, place)
    assert (len(made["number"]), made["label"]) == (8, "simulated-1")


def test_terminals_are_listed_by_place_and_status(terminal: Terminal, account: str, place: str) -> None:
    first, second = register(terminal, account, place), register(terminal, account, place)
    terminal.says("terminal", "suspend", account, first["number"], "--why", "stolen")

    def numbers(*filters: str) -> list[str]:
        return [each["number"] for each in terminal.json("terminal", "list", account, *filters)["terminals"]]

    assert numbers() == [second["number"], first["number"]]
    assert numbers("--status", "suspended") == [first["number"]]
    assert numbers("--location", place, "--limit", "1") == [second["number"]]
    assert numbers("--location", NOWHERE) == []


def test_a_terminal_that_reported_is_on_line(terminal: Terminal, account: str, place: str) -> None:
    made = register(terminal, account, place)
    reporting = terminal.core.sign_on_terminal()(Actor("a terminal", Face.WORKER), made["number"])
    asyncio.run(reporting)
    shown = terminal.json("terminal", "show", account, made["number"])
    assert (shown["status"], shown["online"]) == ("active", True)
    assert shown["signed_on_at"] == terminal.core.clock().now().isoformat()


def test_placing_is_for_a_reason_and_kept_with_it(terminal: Terminal, account: str, place: str) -> None:
    number = register(terminal, account, place)["number"]
    for verb in ("suspend", "retire"):
        assert "Missing option '--why'" in terminal.refuses(2, "terminal", verb, account, number)
    told = terminal.json("terminal", "suspend", account, number, "--why", "stolen", "--as", "ada")
    assert told["status"] == "suspended"
    assert terminal.json("terminal", "restore", account, number)["status"] == "registered"
    assert terminal.json("terminal", "retire", account, number, "--why", "sold")["status"] == "retired"
    again = terminal.refuses(1, "terminal", "retire", account, number, "--why", "sold")
    assert again == "Error: the terminal is retired: one cannot retire it"
    events = asyncio.run(log(terminal, account))
    acted = [(event.actor.name, event.actor.why) for event in events if event.type.startswith("terminal.r")]
    assert acted[::-1][1] == ("ada", "stolen")
    assert [why for _, why in acted[::-1]][2:] == ["restored", "sold"]


async def log(terminal: Terminal, account: str) -> Any:
    scope = Scope(MerchantId(account), livemode=False)
    return (await terminal.core.queries().events(scope, Page(limit=100))).items


def test_what_cannot_be_is_refused(terminal: Terminal, account: str, place: str) -> None:
    register(terminal, account, place, "--number", "T0000001")
    wanted = ("terminal", "register", account, "--location", place, "--serial", "SN-1")
    assert terminal.refuses(1, *wanted, "--number", "T0000001") == (
        "Error: another has this terminal_number already"
    )
    assert "'--number'" in terminal.refuses(2, *wanted, "--number", "t1")
    assert "'--serial'" in terminal.refuses(2, *wanted, "--serial", "a b")
    assert "no location" in terminal.refuses(1, *wanted, "--location", NOWHERE)
    assert "terminals stand there (1)" in terminal.refuses(
        1, "location", "remove", account, place, "--why", "x"
    )
    assert "no terminal T9999999" in terminal.refuses(1, "terminal", "show", account, "T9999999")
    assert "'TERMINAL'" in terminal.refuses(2, "terminal", "show", account, "tmr_1")
    nobody = "acct_" + "0" * 24
    for noun in ("terminal", "location"):
        assert "no merchant" in terminal.refuses(1, noun, "list", nobody)


def test_another_merchants_number_is_told_as_one_that_there_is_not(
    terminal: Terminal, account: str, place: str
) -> None:
    register(terminal, account, place, "--number", "T0000001")
    other = terminal.merchant(name="Next door")
    for arguments in (["show", other, "T0000001"], ["retire", other, "T0000001", "--why", "x"]):
        assert "no terminal T0000001" in terminal.refuses(1, "terminal", *arguments)


def test_no_program_is_a_terminal_in_live_mode(terminal: Terminal, account: str) -> None:
    terminal.merchant("--id", account, "--live")
    place = terminal.json("location", "create", account, "--name", "Kiosk", *ADDRESS, "--live")["location"]
    wanted = ("terminal", "register", account, "--location", place, "--live", "--serial")
    assert terminal.refuses(1, *wanted, "simulated-1") == "Error: simulated terminals are for test mode only"
    assert terminal.json(*wanted, "SN-1")["serial"] == "SN-1"
