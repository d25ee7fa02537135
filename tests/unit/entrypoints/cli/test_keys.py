"""``fintech keys``: orders signed in files, as openssl signs them; what was ordered; how things stand."""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkStatus, Custody
from fintech.domain.scope import Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.cli import working
from fintech.entrypoints.container import Core
from fintech.ports.key_table import RootKey
from tests.unit.application.keys.bank import Officers
from tests.unit.domain.keys.samples import CMK
from tests.unit.entrypoints.cli.conftest import Terminal


@frozen
class Bank:
    """A terminal, the officers' key files, and where documents are written."""

    terminal: Terminal
    folder: Path
    account: MerchantId

    def key(self, officer: str) -> str:
        return str(self.folder / f"{officer}.pem")

    def sign(self, sequence: int, action: str, *options: str, officer: str = "ann") -> str:
        """Write and sign an order; the file."""
        file = str(self.folder / f"order-{sequence}-{action}.json")
        about = options or ("--merchant", self.account)
        self.terminal.says(
            *("keys", "order", "sign", file, "--officer", officer, "--key", self.key(officer)),
            *("--sequence", str(sequence), "--action", action, "--reason", "breach drill", *about),
        )
        return file

    def custody(self) -> Custody:
        """What the bank says of the merchant's test keys."""
        ring = asyncio.run(self.terminal.core.key_table().ring(Scope(self.account, livemode=False)))
        assert ring is not None
        return ring.custody


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bank:
    for name in ("FINTECH_DATABASE_URL", "FINTECH_DIGEST_KEY"):
        monkeypatch.delenv(name, raising=False)
    officers = Officers("ann", "ben")
    for name, key in officers.private.items():
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.pem").write_bytes(text)
    profile = profiles.testing(officers=officers)
    core = asyncio.run(profile.__aenter__())  # it has no end of its own

    @asynccontextmanager
    async def opened(_data: Path | None) -> AsyncIterator[Core]:
        yield core

    monkeypatch.setattr(working, "opened", opened)
    terminal = Terminal(core)
    return Bank(terminal, tmp_path, terminal.merchant())


def test_an_order_is_signed_applied_and_listed(bank: Bank) -> None:
    file = bank.sign(1, "suspend")
    assert json.loads(Path(file).read_text())["merchant"] == bank.account
    said = bank.terminal.says("keys", "order", "apply", file, "--officer", "ann")
    assert said == "order 1 (suspend) is carried out\n"
    assert bank.custody() is Custody.SUSPENDED
    again = bank.terminal.says("keys", "order", "apply", file, "--officer", "ann")
    assert again == "order 1 (suspend) was carried out\n"
    (listed,) = bank.terminal.json("keys", "orders")["orders"]
    assert (listed["sequence"], listed["action"], listed["signed_by"]) == (1, "suspend", ["ann"])
    assert listed["document"] == Path(file).read_text()
    table = bank.terminal.says("keys", "orders")
    assert "suspend" in table
    assert "breach drill" in table


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to sign with")
def test_an_officer_needs_nothing_of_ours_to_sign(bank: Bank) -> None:
    file = bank.folder / "by-hand.json"
    file.write_text(
        '{"action":"suspend","cmk":null,"environment":"development","issued_at":"2026-11-23T04:05:06Z","livemode":false,'
        f'"merchant":"{bank.account}","reason":"by hand","sequence":1,"version":1}}'
    )
    command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", bank.key("ben"), "-in", str(file)]
    subprocess.run([*command, "-out", f"{file}.ben.sig"], check=True, capture_output=True)
    bank.terminal.says("keys", "order", "apply", str(file), "--officer", "ben")
    assert bank.custody() is Custody.SUSPENDED


def test_refusals_are_said_in_a_line(bank: Bank) -> None:
    gap = bank.sign(2, "suspend")
    refuses = bank.terminal.refuses
    assert refuses(1, "keys", "order", "apply", gap, "--officer", "ann") == (
        "Error: the next order has the number 1"
    )
    shutil.copy(f"{gap}.ann.sig", f"{gap}.ben.sig")
    assert "ben did not sign" in refuses(1, "keys", "order", "apply", gap, "--officer", "ben")
    shutil.copy(f"{gap}.ann.sig", f"{gap}.eve.sig")
    assert "by the name eve" in refuses(1, "keys", "order", "apply", gap, "--officer", "eve")
    assert "cannot be read" in refuses(3, "keys", "order", "apply", gap, "--officer", "cho")
    restored = bank.sign(1, "restore")
    assert "custody is active" in refuses(1, "keys", "order", "apply", restored, "--officer", "ann")
    Path(gap).write_text("{}")
    assert "ann did not sign" in refuses(1, "keys", "order", "apply", gap, "--officer", "ann")
    elsewhere = bank.sign(1, "suspend", "--merchant", bank.account, "--environment", "staging")
    assert "it is for staging, and this is development" in refuses(
        1, "keys", "order", "apply", elsewhere, "--officer", "ann"
    )
    whole = bank.sign(1, "suspend", "--root-key", "another")
    assert "no root key another" in refuses(1, "keys", "order", "apply", whole, "--officer", "ann")


def test_what_nobody_would_take_is_not_signed(bank: Bank) -> None:
    file = str(bank.folder / "order.json")
    options = ("--sequence", "1", "--reason", "x")
    signing = ("keys", "order", "sign", file, "--officer", "ann", *options)
    key = ("--key", bank.key("ann"))
    refuses = bank.terminal.refuses
    assert "not both" in refuses(2, *signing, *key, "--action", "suspend")
    assert "suspend or restore" in refuses(1, *signing, *key, "--action", "shred", "--root-key", CMK)
    (bank.folder / "none.pem").write_text("no key")
    about = ("--action", "suspend", "--merchant", bank.account)
    wrong = refuses(2, *signing, "--key", str(bank.folder / "none.pem"), *about)
    assert "no Ed25519 private key" in wrong
    assert "cannot be read" in refuses(3, *signing, "--key", str(bank.folder / "gone.pem"), *about)
    assert not Path(file).exists()


def test_shredding_leaves_a_certificate(bank: Bank) -> None:
    bank.terminal.says("keys", "drill", bank.account)
    file = bank.sign(1, "shred")
    apply = ("keys", "order", "apply", file, "--officer", "ann")
    assert "it takes two officers" in bank.terminal.refuses(1, *apply)
    assert bank.custody() is Custody.ACTIVE
    shown = bank.terminal.says(
        "keys", "order", "countersign", file, "--officer", "ben", "--key", bank.key("ben")
    )
    assert bank.account in shown
    assert "shred" in shown
    applied = bank.terminal.json(*apply, "--officer", "ben")
    assert applied["signed_by"] == ["ann", "ben"]
    assert json.loads(applied["certificate"]["document"])["order"] == 1
    assert bank.custody() is Custody.SHREDDED
    certificate, keys = bank.folder / "certificate.json", bank.folder / "notary.json"
    certificate.write_text(json.dumps(applied["certificate"]))
    notary: Any = bank.terminal.core.notary()
    keys.write_text(json.dumps({notary.name: base64.b64encode(notary.public_key).decode()}))
    verify = ("keys", "certificate", "verify", str(certificate), "--notary-keys", str(keys))
    verified = bank.terminal.json(*verify)
    assert (verified["order"], verified["environment"]) == (1, "development")


def test_two_officers_break_glass(bank: Bank) -> None:
    bank.terminal.says("keys", "order", "apply", bank.sign(1, "revoke"), "--officer", "ann")
    clock = bank.terminal.core.clock()
    assert isinstance(clock, ManualClock)
    clock.advance(max(timedelta(), datetime.now(UTC) - clock.now()))
    file = str(bank.folder / "glass.json")
    bank.terminal.says(
        *("keys", "break-glass", "request", file, "--officer", "ann", "--key", bank.key("ann")),
        *("--sequence", "2", "--merchant", bank.account, "--minutes", "30", "--reason", "evidence"),
    )
    shown = bank.terminal.says(
        "keys", "break-glass", "countersign", file, "--officer", "ben", "--key", bank.key("ben")
    )
    assert "evidence" in shown
    assert bank.account in shown
    apply = ("keys", "break-glass", "apply", file, "--officer", "ann", "--officer")
    assert "two officers" in bank.terminal.refuses(1, *apply, "ann")
    assert "two officers" in bank.terminal.refuses(1, *apply[:-1])
    assert "can be used until" in bank.terminal.says(*apply, "ben")
    assert "used before" in bank.terminal.says(*apply, "ben")
    (shown_key,) = bank.terminal.json("keys", "status", "--merchant", bank.account)["keys"]
    assert (shown_key["custody"], shown_key["usable"]) == ("revoked", True)
    assert "until" in bank.terminal.says("keys", "status", "--merchant", bank.account)
    assert bank.terminal.json("keys", "status")["opened"] == 1
    clock.advance(timedelta(minutes=31))
    assert bank.terminal.json("keys", "status")["opened"] == 0
    assert bank.terminal.json("keys", "orders", "--after", "1")["orders"][0]["signed_by"] == ["ann", "ben"]


def test_status_shows_root_keys_and_how_many_rings_are_in_which_state(bank: Bank) -> None:
    assert "none yet" in bank.terminal.says("keys", "status")
    core = bank.terminal.core
    known = RootKey(cmk=CMK, status=CmkStatus.ENABLED, custody_open=True, authorised_at=core.clock().now())
    asyncio.run(core.key_table().save_root_key(known))
    bank.terminal.says("keys", "order", "apply", bank.sign(1, "suspend"), "--officer", "ann")
    bank.terminal.says(
        "keys", "order", "apply", bank.sign(2, "suspend", "--root-key", CMK), "--officer", "ann"
    )
    shown = bank.terminal.json("keys", "status")
    assert (shown["last_order"], shown["rings"]["suspended"]) == (2, 1)
    (root_key,) = shown["root_keys"]
    assert (root_key["custody_open"], root_key["heartbeat_age_s"]) == (False, 0.0)
    text = bank.terminal.says("keys", "status")
    assert "1 suspended" in text
    assert "suspended by the bank" in text


def test_a_drill_goes_the_whole_way_and_back(bank: Bank) -> None:
    alone = bank.terminal.run("keys", "drill", bank.account)
    assert alone.exit_code == 0
    assert "No order was given" in alone.stderr
    options = ("--officer", "ann", "--key", bank.key("ann"))
    ticking(bank)
    steps = bank.terminal.json("keys", "drill", bank.account, *options)["steps"]
    assert [step["step"] for step in steps] == [
        "sealed and opened",
        "order to suspend applied",
        "no keys any more",
        "order to restore applied",
        "keys again",
        "sealed and opened",
    ]
    assert bank.custody() is Custody.ACTIVE
    assert len(bank.terminal.json("keys", "orders")["orders"]) == 2
    assert "neither" in bank.terminal.refuses(2, "keys", "drill", bank.account, "--officer", "ann")


def test_officers_have_keys_to_look_with(bank: Bank) -> None:
    made = bank.terminal.json("keys", "officer", "create", "--name", "ann")
    assert made["secret"].startswith("ok_")
    (listed,) = bank.terminal.json("keys", "officer", "list")["keys"]
    assert (listed["key"], listed["valid"]) == (made["key"], True)
    assert "is revoked" in bank.terminal.says("keys", "officer", "revoke", made["key"], "--why", "left")
    assert bank.terminal.json("keys", "officer", "list")["keys"][0]["valid"] is False


def ticking(bank: Bank) -> None:
    """Let the clock go on whenever somebody looks at it: a drill waits for what time brings."""
    clock = bank.terminal.core.clock()
    assert isinstance(clock, ManualClock)
    now = clock.now

    def later() -> datetime:
        clock.advance(timedelta(milliseconds=200))
        return now()

    clock.now = later  # type: ignore[method-assign] # this clock only
