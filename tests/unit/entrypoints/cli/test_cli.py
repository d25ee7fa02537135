"""The command line as a whole: help, exit codes, what is said when something is missing."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner

from fintech.application.balance_settings import BalanceSettingsRefusal
from fintech.application.bank_accounts import BankAccountRefusal
from fintech.application.payouts.asking import PayoutRefusal
from fintech.application.refunds.asking import RefundRefusal
from fintech.application.terminals.locations import LocationRefusal
from fintech.application.terminals.terminals import TerminalRefusal
from fintech.domain.cards import Scheme
from fintech.domain.changeset import LimitReached
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId
from fintech.domain.money import Currency
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall
from fintech.domain.payouts.refusals import BalanceInsufficient, InstantLimit, InstantLimitReached
from fintech.domain.refunds.refund import InsufficientFunds
from fintech.entrypoints import profiles
from fintech.entrypoints.cli import cli, refusals, working
from fintech.entrypoints.cli.lazy import LazyGroup
from fintech.entrypoints.cli.options import FEE
from fintech.ports.errors import StoreUnavailable
from tests.unit.entrypoints.cli.conftest import Terminal


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands(cli))


def test_these_are_the_commands() -> None:
    assert {" ".join(path) for path in ALL} == {
        "serve", "demo", "db upgrade", "balance", "settle", "ledger verify", "ledger statement",
        "ledger tax-invoice",
        "merchant create", "merchant list", "merchant show", "merchant suspend", "merchant reactivate",
        "key create", "key roll", "key revoke", "key list", "payment list", "payment show", "payment refund", "payment-method find", "payment-method reveal",
        "payout create", "payout list", "payout show", "payout explain", "payout cancel", "payout reverse",
        "payout-policy show", "payout-policy set",
        "bank-account add", "bank-account list", "bank-account prefer", "bank-account remove",
        "dispute list", "dispute show", "dispute evidence", "dispute close",
        "write-off propose", "write-off approve", "write-off reject", "write-off list",
        "location create", "location list", "location remove",
        "terminal register", "terminal list", "terminal show", "terminal suspend", "terminal restore", "terminal retire",
        "iso8583 describe", "listen", "kms-simulator",
        "webhook create", "webhook list", "webhook show", "webhook update", "webhook rotate", "webhook remove",
        "webhook deliveries", "webhook resend",
        "keys status", "keys orders", "keys quarantine list", "keys quarantine release", "keys order sign", "keys order countersign", "keys order apply", "keys drill",
        "keys break-glass request", "keys break-glass countersign", "keys break-glass apply",
        "keys officer create", "keys officer list", "keys officer revoke",
        "keys rotate", "keys reseal", "keys retire", "keys move", "keys tend", "keys shred", "keys inventory",
        "keys certificate verify", "keys honeytoken check", "keys honeytoken plant",
        "audit verify", "audit list", "audit first-keys",
    }  # fmt: skip


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_every_option_has_help(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert command.help
    assert CliRunner().invoke(cli, [*path, "--help"]).exit_code == 0


#: Whoever looks for a person's cards, or at a number, answers for it too.
OF_CARDS = {("payment-method", "find"), ("payment-method", "reveal")}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_whoever_changes_something_says_who_and_why(path: tuple[str, ...]) -> None:
    options = {option for parameter in ALL[path].params for option in parameter.opts}
    changing = {"create", "suspend", "reactivate", "roll", "revoke", "refund", "settle"}
    changing |= {"cancel", "reverse", "set", "add", "prefer", "remove"}
    changing |= {"evidence", "close", "propose", "approve", "reject"}
    changing |= {"apply", "drill", "reseal", "move", "tend", "shred", "plant"}
    changing |= {"register", "restore", "retire", "remove", "update", "rotate", "release"}
    answered_for = path[-1] in changing or path in {("audit", "list"), ("audit", "first-keys"), *OF_CARDS}
    assert ({"--why", "--as"} <= options) is answered_for


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_answer_can_be_had_as_json(path: tuple[str, ...]) -> None:
    options = {option for parameter in ALL[path].params for option in parameter.opts}
    assert ("--json" in options) is (path[0] not in {"serve", "demo", "listen", "kms-simulator"})
    of_files = path[-1] in {"sign", "request", "countersign"} or path == ("keys", "certificate", "verify")
    assert ("--data" in options) is (path[0] not in {"demo", "iso8583", "kms-simulator"} and not of_files)


def test_the_list_says_what_the_commands_say() -> None:
    assert isinstance(cli, LazyGroup)
    for name, listed in cli.lazy.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.get_short_help_str(200).rstrip(".") == listed.summary.rstrip(".")


def test_there_is_no_other_command() -> None:
    result = CliRunner().invoke(cli, ["pay"])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: No such command 'pay'.")


def test_the_version_is_the_packages() -> None:
    assert (
        CliRunner().invoke(cli, ["--version"], prog_name="fintech").stdout
        == f"fintech, version {version('fintech')}\n"
    )


def test_help_is_quick_since_it_imports_nothing() -> None:
    program = "import sys; from fintech.entrypoints.cli import main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"aiohttp", "asyncio", "attrs", "rich", "sqlalchemy", "dependency_injector"} & set(loaded) - {
        "attrs"
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "fintech.entrypoints.cli", "--help"], check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 0.3


def test_data_have_to_be_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.delenv("FINTECH_DATABASE_URL", raising=False)
    for arguments in (["merchant", "list"], ["db", "upgrade"], ["serve", "--http", "127.0.0.1:0"]):
        said = terminal.refuses(2, *arguments)
        assert said == "Error: name the data: --data DIR, or the variable FINTECH_DATABASE_URL"


def test_a_setting_that_is_wrong_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("FINTECH_DATABASE_URL", "postgresql://u:hushhush@127.0.0.1:1/d")
    monkeypatch.delenv("FINTECH_DIGEST_KEY", raising=False)
    assert "FINTECH_DIGEST_KEY is missing" in terminal.refuses(2, "merchant", "list")
    monkeypatch.setenv("FINTECH_DIGEST_KEY", "0" * 63)
    assert "FINTECH_DIGEST_KEY: " in terminal.refuses(2, "merchant", "list")
    monkeypatch.setenv("FINTECH_DIGEST_KEY", "0" * 64)
    for arguments in (["merchant", "list"], ["db", "upgrade"], ["serve", "--http", "127.0.0.1:0"]):
        said = terminal.refuses(3, *arguments)
        assert said.startswith("Error: FINTECH_DATABASE_URL: ")
        assert "hushhush" not in said


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "cat.png").touch()
    runner = CliRunner()
    for command in (["merchant", "list"], ["db", "upgrade"], ["serve", "--http", "127.0.0.1:0"]):
        result = runner.invoke(cli, [*command, "--data", str(tmp_path)])
        assert result.exit_code == 3
        assert f"{tmp_path} holds something else" in result.stderr.splitlines()[-1]
    result = runner.invoke(cli, ["merchant", "list", "--data", str(tmp_path / "cat.png")])
    assert result.exit_code == 2
    assert "'--data'" in result.stderr


@pytest.mark.parametrize(
    ("raised", "code"),
    [(StoreUnavailable("gone"), 3), (profiles.CannotOpen("gone"), 3), (KeyboardInterrupt(), 130)],
)
def test_what_goes_wrong_on_the_way_has_its_code(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, code: int
) -> None:
    @asynccontextmanager
    async def opened(_data: Path | None) -> Any:
        if raised is not None:
            raise raised
        yield

    monkeypatch.setattr(working, "opened", opened)
    assert terminal.run("merchant", "list").exit_code == code


def test_every_refusal_has_words() -> None:
    known = set(refusals._WORDS)
    unions = (
        RefundRefusal,
        PayoutRefusal,
        BankAccountRefusal,
        BalanceSettingsRefusal,
        TerminalRefusal,
        LocationRefusal,
    )
    asked = {refusal for union in unions for refusal in _members(union)}
    assert not asked - known
    assert not [words for words in refusals._WORDS.values() if words.endswith(".")]


@pytest.mark.parametrize(
    ("currency", "amount"), [(Currency.AUD, "9.72 AUD"), (Currency.JPY, "972 JPY"), (None, "972 minor units")]
)
@pytest.mark.parametrize("refused", [AmountTooLarge, AmountTooSmall, BalanceInsufficient, InsufficientFunds])
def test_an_amount_is_said_in_its_currency(refused: Any, currency: Currency | None, amount: str) -> None:
    assert amount in refusals.said(refused(972), currency)


def test_a_day_has_so_much_or_so_many() -> None:
    left = {each: refusals.said(InstantLimitReached(each, 972), Currency.AUD) for each in InstantLimit}
    assert "9.72 AUD" in left[InstantLimit.AMOUNT]
    assert "972 payouts" in left[InstantLimit.COUNT]


@pytest.mark.parametrize(("currency", "amount"), [(Currency.NZD, "9.72 NZD"), (Currency.JPY, "972 JPY")])
def test_an_account_knows_its_currency(currency: Currency, amount: str) -> None:
    account = AccountId(MerchantId("acct_" + "0" * 24), "available", currency)
    assert refusals.said(LimitReached(account, 972)) == f"available allows {amount} at most"


def test_no_currency_is_taken_to_have_cents(terminal: Terminal) -> None:
    told = [*refusals._WORDS.values(), terminal.says("merchant", "create", "--help")]
    told.append(terminal.run("merchant", "create", "--name", "x", "--fee", "visa=x").output)
    assert "cent" not in "".join(told).lower()


def test_fees_are_spelt_by_scheme() -> None:
    for scheme in Scheme:
        found, fee = FEE.convert(f"{scheme.value}=175+30", None, None)
        assert (found, fee.rate_bps, fee.fixed_minor) == (scheme, 175, 30)


def _members(union: Any) -> Iterator[type]:
    for member in get_args(union):
        yield from _members(member) if get_args(member) else (member,)
