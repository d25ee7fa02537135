"""``fintech key``."""

import asyncio
from datetime import datetime, timedelta

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.ids import MerchantId
from tests.unit.entrypoints.cli.conftest import Terminal


def opens(terminal: Terminal, secret: str) -> bool:
    clock = terminal.core.clock()
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(seconds=1))
    return asyncio.run(terminal.core.authenticate()(secret)) is not None


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant()


def test_a_key_is_made_and_its_secret_shown_once(terminal: Terminal, account: str) -> None:
    made = terminal.json("key", "create", account, "--name", "till")
    assert opens(terminal, made["secret"])
    (listed,) = terminal.json("key", "list", account)["keys"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"] not in terminal.says("key", "list", account)
    assert f"…{made['secret'][-4:]}" in terminal.says("key", "list", account)


def test_people_are_told_to_keep_the_secret(terminal: Terminal, account: str) -> None:
    result = terminal.run("key", "create", account, "--name", "till")
    assert "sk_test_" in result.stdout
    assert "shown this once" in result.stderr


def test_the_mode_is_in_the_secret(terminal: Terminal, account: str) -> None:
    terminal.merchant("--id", account, "--live")
    assert terminal.json("key", "create", account, "--name", "till", "--live")["secret"].startswith(
        "sk_live_"
    )


def test_a_rolled_key_works_on_for_a_while(terminal: Terminal, account: str) -> None:
    old = terminal.json("key", "create", account, "--name", "till")
    new = terminal.json("key", "roll", account, old["key"], "--overlap-hours", "2")
    assert new["name"] == "till"
    ends_at = terminal.json("key", "list", account)["keys"][0]["ends_at"]
    assert datetime.fromisoformat(ends_at) == terminal.core.clock().now() + timedelta(hours=2)
    assert opens(terminal, old["secret"])
    clock = terminal.core.clock()
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(hours=2))
    assert not opens(terminal, old["secret"])
    assert opens(terminal, new["secret"])


def test_a_key_is_revoked_for_a_reason(terminal: Terminal, account: str) -> None:
    made = terminal.json("key", "create", account, "--name", "till")
    assert "Missing option '--why'" in terminal.refuses(2, "key", "revoke", account, made["key"])
    assert terminal.says("key", "revoke", account, made["key"], "--why", "leaked").endswith("is revoked\n")
    assert not opens(terminal, made["secret"])
    assert terminal.json("key", "list", account)["keys"][0]["valid"] is False


def test_a_revoked_key_is_over(terminal: Terminal, account: str) -> None:
    made = terminal.json("key", "create", account, "--name", "till")
    terminal.says("key", "revoke", account, made["key"], "--why", "leaked")
    for arguments in (["revoke", account, made["key"], "--why", "x"], ["roll", account, made["key"]]):
        assert terminal.refuses(1, "key", *arguments) == "Error: the key has been revoked already"
    assert len(terminal.json("key", "list", account)["keys"]) == 1


def test_what_is_not_there_is_refused(terminal: Terminal, account: str) -> None:
    nobody, no_key = "acct_" + "0" * 24, "key_" + "0" * 24
    assert "no merchant" in terminal.refuses(1, "key", "create", nobody, "--name", "till")
    assert "no merchant" in terminal.refuses(1, "key", "list", nobody)
    assert "no key" in terminal.refuses(1, "key", "roll", account, no_key)
    assert "no key" in terminal.refuses(1, "key", "revoke", account, no_key, "--why", "x")
    assert "'KEY'" in terminal.refuses(2, "key", "roll", account, "sk_test_123")


def test_a_key_that_ends_sooner_is_not_rolled_and_no_key_is_made(terminal: Terminal, account: str) -> None:
    old = terminal.json("key", "create", account, "--name", "till")
    terminal.json("key", "roll", account, old["key"], "--overlap-hours", "1")
    before = terminal.json("key", "list", account)
    assert "revoked" in terminal.refuses(1, "key", "roll", account, old["key"], "--overlap-hours", "2")
    assert terminal.json("key", "list", account) == before
