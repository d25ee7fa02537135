"""``fintech audit``: commands are written down, the trail is verified by who only reads, and what was done to it is found."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.scope import Face
from fintech.entrypoints import profiles
from fintech.entrypoints.cli import cli, working
from fintech.entrypoints.settings import read_settings
from tests.unit.entrypoints.cli.conftest import Terminal

KEY = "0123456789abcdef" * 4


def test_a_command_is_written_down_with_who_ran_it_and_how_it_ended(terminal: Terminal) -> None:
    account = terminal.merchant()
    terminal.says("merchant", "suspend", account, "--as", "ann", "--why", "asked to")
    terminal.refuses(1, "merchant", "suspend", account, "--as", "bob", "--why", "again")
    listed = terminal.json("audit", "list", "--since", "2026-11-23", "--until", "2026-11-24", "--as", "eve")
    told = [
        (each["actor"], each["subject"], each["result"], each["merchant"])
        for each in listed["entries"][::-1]
        if each["action"] == AuditAction.COMMAND_RUN and each["actor"] in ("ann", "bob")
    ]
    assert told == [
        ("ann", "fintech merchant suspend", "begun", account),
        ("ann", "fintech merchant suspend", "done", account),
        ("bob", "fintech merchant suspend", "begun", account),
        ("bob", "fintech merchant suspend", "refused", account),
    ]
    newest = listed["entries"][0]
    assert (newest["action"], newest["actor"]) == ("audit_read", "eve"), "that it is read is in what is read"


def test_who_looks_at_keys_or_at_what_is_sealed_is_written_down(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody is asked who he is: then it is the user of the system. PCI DSS 10.2.1.1 and 10.2.1.2."""
    account = terminal.merchant()
    monkeypatch.setattr(working, "os_user", lambda: "carol")
    terminal.says("keys", "status")
    terminal.says("keys", "status", "--merchant", account)
    terminal.says("keys", "orders")
    terminal.says("keys", "inventory")
    terminal.refuses(1, "keys", "honeytoken", "check", "pm_" + "0" * 24)
    terminal.says("keys", "officer", "list")
    terminal.refuses(1, "dispute", "show", account, "dp_" + "0" * 24)
    terminal.says("payment", "list", account)
    listed = terminal.json(
        "audit", "list", "--since", "2026-11-23", "--until", "2026-11-24", "--actor", "carol"
    )
    told = [(each["subject"], each["result"], each["merchant"]) for each in listed["entries"][::-1]]
    assert [each for each in told if each[1] != "begun"] == [
        ("fintech keys status", "done", None),
        ("fintech keys status", "done", None),
        ("fintech keys orders", "done", None),
        ("fintech keys inventory", "done", None),
        ("fintech keys honeytoken check", "done", None),
        ("fintech keys officer list", "done", None),
        ("fintech dispute show", "refused", account),
    ]
    assert {each["action"] for each in listed["entries"]} == {"command_run"}


def test_entries_are_listed_by_merchant_actor_and_action(terminal: Terminal) -> None:
    one, other = terminal.merchant(), terminal.merchant(name="Kiosk")
    terminal.says("merchant", "suspend", one, "--as", "ann", "--why", "asked to")
    terminal.says("merchant", "suspend", other, "--as", "bob", "--why", "asked to")
    days = ("--since", "2026-11-23", "--until", "2026-11-24")
    filters = ("--merchant", one, "--actor", "ann", "--action", "standing_changed")
    listed = terminal.json("audit", "list", *days, *filters)["entries"]
    assert [(each["merchant"], each["actor"], each["result"]) for each in listed] == [
        (one, "ann", "done"),
        (one, "ann", "begun"),
    ]
    assert terminal.json("audit", "list", *days, "--limit", "1")["entries"][0]["action"] == "audit_read"
    table = terminal.says("audit", "list", *days, *filters)
    assert table.splitlines()[0].split()[:3] == ["at", "actor", "face"]
    assert "standing_changed" in table
    assert not terminal.json("audit", "list", "--since", "2020-01-01", "--until", "2020-01-02")["entries"]


class Books:
    """Books with a trail on Postgres, and the command line beside them."""

    def __init__(self, dsn: str, checkpoints: Path) -> None:
        self.dsn = dsn
        self.checkpoints = checkpoints
        self.environment = {
            "FINTECH_DATABASE_URL": dsn,
            "FINTECH_DIGEST_KEY": KEY,
            "FINTECH_AUDIT_CHECKPOINTS_FILE": str(checkpoints),
        }

    def run(self, *arguments: str) -> Result:
        return CliRunner(env=self.environment).invoke(cli, ["audit", *arguments], prog_name="fintech")

    def verified(self, *options: str) -> tuple[int, Any]:
        result = self.run("verify", "--json", *options)
        assert "Traceback" not in result.output
        return result.exit_code, json.loads(result.stdout)

    def write(self, *subjects: str) -> None:
        async def body() -> None:
            async with profiles.container(read_settings(self.environment)) as core:
                for subject in subjects:
                    await core.audit().write(
                        AuditEntry(
                            at=core.clock().now(),
                            actor="ann",
                            face=Face.CLI,
                            action=AuditAction.REVEALED,
                            result=AuditResult.DONE,
                            subject=subject,
                        )
                    )

        asyncio.run(body())

    def meddle(self, *statements: str) -> None:
        """As whoever owns the database can."""

        async def body() -> None:
            connection = await asyncpg.connect(self.dsn)
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(body())


@pytest.fixture
def books(postgres_dsn: str, tmp_path: Path) -> Books:
    return Books(postgres_dsn, tmp_path / "checkpoints.jsonl")


UNGUARDED = "alter table audit_records disable trigger user"


def test_the_trail_is_verified_and_what_was_done_to_it_is_found(books: Books, tmp_path: Path) -> None:
    books.write("a", "b", "c")
    books.write("d")
    code, found = books.verified()
    assert (code, found) == (0, {"holds": True, "streams": 2, "entries": 8, "findings": []})
    assert "8 entries in 2 streams, of which 2 are as they were written" in books.run("verify").stdout

    keys = tmp_path / "first-keys.json"
    given = books.run("first-keys", "--output", str(keys), "--why", "the yearly audit")
    assert given.exit_code == 0, given.output
    assert keys.stat().st_mode & 0o077 == 0
    known = json.loads(keys.read_text())
    assert len(known) == 2

    books.meddle(
        UNGUARDED,
        "update audit_records set document = replace(document::text, 'ann', 'bob')::json"
        " where stream = (select min(stream) from audit_records) and sequence = 2",
        "delete from audit_records where sequence = 2"
        " and stream = (select stream from audit_records where document ->> 'subject' = 'd')",
    )
    code, found = books.verified("--keys", str(keys))
    streams = sorted(known)
    assert code == 1
    faults = [(each["stream"], each["finding"], each["first"]) for each in found["findings"] if each["fault"]]
    assert faults[:2] == [(streams[0], "changed", 2), (streams[1], "truncated", 2)]
    assert [finding for _, finding, _ in faults[2:]] == ["key_missing"], "a stream that came later"
    said = books.run("verify")
    assert said.exit_code == 1
    assert "WRONG" in said.stdout
    assert said.stderr.splitlines()[-1] == "Error: 2 of 3 streams are not what was written"


def test_a_stream_that_is_gone_is_missed_by_its_checkpoints(books: Books) -> None:
    books.write("a")
    books.meddle(
        UNGUARDED,
        "alter table audit_streams disable trigger user",
        "delete from audit_records",
        "delete from audit_streams",
    )
    code, found = books.verified()
    assert code == 1
    assert [each["finding"] for each in found["findings"]] == ["stream_missing"]


def test_verifying_needs_no_right_to_write(books: Books, postgres_dsn: str) -> None:
    books.write("a")
    books.meddle(
        f"alter database {postgres_dsn.rpartition('/')[2].partition('?')[0]} set default_transaction_read_only = on"
    )
    assert books.verified()[0] == 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"aud_1": "zz"}', '{"aud_1": "00"}', '{"aud_1": 1}'])
def test_a_file_that_has_no_keys_is_wrong_usage(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    result = CliRunner(env={"FINTECH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}).invoke(
        cli, ["audit", "verify", "--keys", str(path)]
    )
    assert result.exit_code == 2
    assert "first keys" in result.stderr


def test_what_is_missing_ends_with_its_code(books: Books) -> None:
    runner = CliRunner(env={"FINTECH_DATABASE_URL": "", "FINTECH_DIGEST_KEY": ""})
    assert runner.invoke(cli, ["audit", "verify"]).exit_code == 2
    nobody = {**books.environment, "FINTECH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    assert CliRunner(env=nobody).invoke(cli, ["audit", "verify"]).exit_code == 3
    others = {
        **books.environment,
        "FINTECH_KEYS_NOTARY": "kms",
        "FINTECH_KEYS_NOTARY_KEY": "arn:aws:kms:x:1:key/1",
        "FINTECH_KEYS_REGION": "ap-southeast-2",
    }
    result = CliRunner(env=others).invoke(cli, ["audit", "verify"])
    assert result.exit_code == 2
    assert "FINTECH_AUDIT_NOTARIES_FILE is missing" in result.stderr
