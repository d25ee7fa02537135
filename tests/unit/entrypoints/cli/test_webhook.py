"""``fintech webhook``."""

import asyncio
from typing import Any

import pytest

from fintech.domain.ids import MerchantId
from fintech.entrypoints.worker import delivering, dispatcher
from tests.unit.entrypoints.cli.conftest import Terminal

URL = "https://example.com/hooks"


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant()


def make(terminal: Terminal, account: str, *options: str) -> Any:
    return terminal.json("webhook", "create", account, "--url", URL, *options)


def deliver(terminal: Terminal, account: str, endpoint: str) -> list[Any]:
    """What the service does; the endpoint's log afterwards."""

    async def work() -> None:
        dispatching = dispatcher(terminal.core)
        async with delivering(dispatching, interval_s=0.005):
            await asyncio.sleep(0.05)

    asyncio.run(work())
    log: list[Any] = terminal.json("webhook", "deliveries", account, endpoint)["deliveries"]
    return log


def test_an_endpoint_is_made_and_its_secret_shown_once(terminal: Terminal, account: str) -> None:
    made = make(
        terminal, account, "--event", "refund.created", "--event", "payout.paid", "--description", "orders"
    )
    assert made["secret"].startswith("whsec_")
    assert (made["events"], made["status"]) == (["refund.created", "payout.paid"], "enabled")
    kept = {name: value for name, value in made.items() if name != "secret"}
    assert terminal.json("webhook", "show", account, made["endpoint"]) == kept
    assert terminal.json("webhook", "list", account)["endpoints"] == [kept]
    table = terminal.says("webhook", "list", account)
    assert URL in table
    assert made["secret"] not in table


def test_people_are_told_to_keep_the_secret(terminal: Terminal, account: str) -> None:
    result = terminal.run("webhook", "create", account, "--url", URL)
    assert "whsec_" in result.stdout
    assert "shown this once" in result.stderr


def test_it_is_changed_and_rotated_and_removed(terminal: Terminal, account: str) -> None:
    made = make(terminal, account)
    endpoint = made["endpoint"]
    changed = terminal.json("webhook", "update", account, endpoint, "--disable", "--why", "moving")
    assert (changed["status"], changed["disabled_because"], changed["events"]) == ("disabled", "asked", ["*"])
    changed = terminal.json(
        "webhook",
        "update",
        account,
        endpoint,
        "--enable",
        "--url",
        URL + "2",
        "--event",
        "payout.paid",
        "--why",
        "moved",
    )
    assert (changed["status"], changed["url"], changed["events"]) == ("enabled", URL + "2", ["payout.paid"])
    rotated = terminal.json("webhook", "rotate", account, endpoint, "--overlap-hours", "2")
    assert rotated["secret"] != made["secret"]
    assert len(rotated["old_secrets_end_at"]) == 1
    assert "also signs until" in terminal.says("webhook", "show", account, endpoint)
    assert terminal.says("webhook", "remove", account, endpoint, "--why", "x") == f"{endpoint} is removed\n"
    assert terminal.json("webhook", "list", account)["endpoints"] == []
    assert "no webhook endpoint" in terminal.refuses(1, "webhook", "show", account, endpoint)


def test_what_is_wrong_is_said(terminal: Terminal, account: str) -> None:
    assert "not_https" in terminal.refuses(1, "webhook", "create", account, "--url", "http://example.com")
    assert "'--event'" in terminal.refuses(2, "webhook", "create", account, "--url", URL, "--event", "x")
    nobody = "acct_" + "9" * 24
    assert "no merchant" in terminal.refuses(1, "webhook", "create", nobody, "--url", URL)
    endpoint = make(terminal, account)["endpoint"]
    assert "Missing option '--why'" in terminal.refuses(2, "webhook", "remove", account, endpoint)
    for _ in range(4):
        terminal.json("webhook", "rotate", account, endpoint)
    assert "4 old secrets" in terminal.refuses(1, "webhook", "rotate", account, endpoint)


def test_what_was_sent_is_shown_and_sent_again(terminal: Terminal, account: MerchantId) -> None:
    endpoint = make(terminal, account, "--event", "payment_intent.succeeded")["endpoint"]
    terminal.pays(account, 1_000)
    (sent,) = deliver(terminal, account, endpoint)
    assert (sent["status"], sent["tries"], sent["last_tries"][0]["response_status"]) == ("delivered", 1, 200)
    assert "payment_intent.succeeded  delivered" in terminal.says("webhook", "deliveries", account, endpoint)
    assert "again" in terminal.says("webhook", "resend", account, sent["event"])
    (sent,) = deliver(terminal, account, endpoint)
    assert (sent["status"], sent["tries"]) == ("delivered", 2)
    (again,) = terminal.json("webhook", "resend", account, sent["event"], "--endpoint", endpoint)[
        "deliveries"
    ]
    assert again["status"] == "pending"
    terminal.says("webhook", "update", account, endpoint, "--disable", "--why", "x")
    assert "disabled" in terminal.refuses(
        1, "webhook", "resend", account, sent["event"], "--endpoint", endpoint
    )
    assert "no endpoint" in terminal.says("webhook", "resend", account, sent["event"])
    assert "no event" in terminal.refuses(1, "webhook", "resend", account, "evt_" + "9" * 26)
