"""``fintech payment-method``."""

import asyncio

import pytest
from click.testing import _NamedTextIOWrapper

from fintech.application.commits import Request
from fintech.domain.billing import BillingDetails
from fintech.domain.cards import CardDetails
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from tests.leaks import shows_test_card
from tests.unit.entrypoints.cli.conftest import TILL, Terminal

WHY = ("--why", "the cardholder asks")
NUMBER = "4242424242424242"


@pytest.fixture
def account(terminal: Terminal) -> MerchantId:
    return terminal.merchant()


@pytest.fixture
def method(terminal: Terminal, account: MerchantId) -> str:
    async def keep() -> str:
        details = CardDetails(number=NUMBER, exp_month=12, exp_year=2034)
        create, scope = terminal.core.create_payment_method(), Scope(account, livemode=False)
        owner = BillingDetails(name="Ada", email="ada@example.com")
        return (await create(Request(actor=TILL), scope, details, (), owner)).unwrap().value.id

    return asyncio.run(keep())


def test_cards_are_found_by_address_and_by_number(
    terminal: Terminal, account: MerchantId, method: str
) -> None:
    found = terminal.json("payment-method", "find", account, "--email", "ADA@example.com", *WHY)
    (fields,) = found["payment_methods"]
    assert (fields["payment_method"], fields["last4"]) == (method, "4242")
    row = terminal.says("payment-method", "find", account, "--email", "ada@example.com", *WHY).splitlines()[1]
    assert row.split()[-2:] == ["…4242", "12/2034"]
    for given, count in (("4242 4242-4242 4242\n", 1), ("5555555555554444", 0)):
        ran = terminal.run("payment-method", "find", account, "--pan-from-stdin", *WHY, given=given)
        assert (ran.exit_code, ran.stdout.count(method)) == (0, count)
        assert NUMBER not in ran.output


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ((), None),
        (("--email", "a@b.co", "--pan-from-stdin"), "4242424242424242"),
        (("--pan-from-stdin",), "nothing"),
        (("--pan-from-stdin",), ""),
        (("--pan-from-stdin",), "4" * 1_000),
    ],
)
def test_what_is_no_way_to_look(
    terminal: Terminal, account: MerchantId, options: tuple[str, ...], given: str | None
) -> None:
    ran = terminal.run("payment-method", "find", account, *options, *WHY, given=given)
    assert ran.exit_code == 2
    assert not shows_test_card(ran.output)


def test_a_number_is_revealed_to_a_program(terminal: Terminal, account: MerchantId, method: str) -> None:
    assert terminal.json("payment-method", "reveal", account, method, *WHY)["number"] == NUMBER
    assert NUMBER in terminal.says("payment-method", "reveal", account, method, *WHY)
    assert "there is no payment_method" in terminal.refuses(
        1, "payment-method", "reveal", account, "pm_" + "z" * 24, *WHY
    )
    assert terminal.run("payment-method", "reveal", account, method).exit_code == 2  # no reason


def test_on_a_terminal_it_takes_a_word_more(
    terminal: Terminal, account: MerchantId, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda _: True)
    ran = terminal.run("payment-method", "reveal", account, method, *WHY)
    assert (ran.exit_code, NUMBER in ran.output) == (2, False)
    assert NUMBER in terminal.says("payment-method", "reveal", account, method, "--show-number", *WHY)
