"""``fintech keys rotate|reseal|retire|move|tend|shred|certificate|inventory|honeytoken``."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from fintech.adapters.crypto.local import LocalRoot
from fintech.adapters.memory.clock import ManualClock
from fintech.application.keys import permissions
from fintech.application.keys.tending import HEARD
from fintech.domain.ids import MerchantId
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.scope import Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.cli import working
from fintech.entrypoints.container import Core
from fintech.ports.protected_store import SealedValue
from tests.unit.entrypoints.cli.conftest import Terminal

OLD, NEW = "local/1", "local/2"
WHY = ("--why", "it is time")


@frozen
class Office:
    """A terminal, a merchant with a sealed card, and the clock."""

    terminal: Terminal
    account: MerchantId
    clock: ManualClock

    def seal(self, record: str = "pm_1") -> None:
        """Keep a card."""
        core, scope = self.terminal.core, Scope(self.account, livemode=False)

        async def put() -> None:
            lease = (await core.key_vault().lease(scope)).unwrap()
            place = CARD_NUMBER.at(record)
            value = SealedValue(
                place=place,
                number=lease.number,
                message=lease.seal(CARD_NUMBER.purpose, place, b"4242424242424242"),
                index=lease.index(CARD_NUMBER.index_name, b"4242424242424242"),
                put_at=self.clock.now(),
            )
            await core.protected().put(scope, [value])

        asyncio.run(put())

    def does(self, verb: str, *arguments: str) -> Any:
        """What a command of this merchant's keys says, as a program reads it."""
        return self.terminal.json("keys", verb, self.account, *arguments, *WHY)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    for name in ("FINTECH_DATABASE_URL", "FINTECH_DIGEST_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(permissions, "PAUSE_S", 0)
    clock, root = ManualClock(), LocalRoot(cmks=(OLD, NEW))  # type: ignore[arg-type] # names, as they are typed
    holder: list[Core] = []

    async def opened() -> Core:
        async with profiles.testing(clock=clock, root=root) as core:
            return core

    holder.append(asyncio.run(opened()))

    @asynccontextmanager
    async def again(_data: Path | None) -> AsyncIterator[Core]:
        yield holder[0]

    monkeypatch.setattr(working, "opened", again)
    terminal = Terminal(holder[0])
    made = Office(terminal, terminal.merchant(), clock)
    made.seal()
    return made


def statuses(ring: Any) -> list[str]:
    return [version["status"] for version in ring["versions"]]


def test_what_was_set_apart_is_listed_and_released(office: Office) -> None:
    core, scope = office.terminal.core, Scope(office.account, livemode=False)
    now, terminal = office.clock.now(), office.terminal

    async def set_apart() -> None:
        (value,) = await core.protected().older(scope, 99, 10)
        assert await core.protected().quarantine(scope, value, now)

    asyncio.run(set_apart())
    (shown,) = terminal.json("keys", "quarantine", "list")["values"]
    assert (shown["merchant"], shown["record"], shown["version"]) == (office.account, "pm_1", 1)
    assert "pm_1" in terminal.says("keys", "quarantine", "list", "--merchant", office.account)
    assert terminal.json("keys", "quarantine", "list", "--live")["values"] == []
    done = terminal.json("keys", "quarantine", "release", *WHY)
    assert (done["released"], done["stay"]) == (1, 0)
    assert terminal.json("keys", "quarantine", "list")["values"] == []
    assert terminal.says("keys", "quarantine", "release", "--merchant", office.account, *WHY)


def test_a_version_from_its_making_to_its_end(office: Office) -> None:
    terminal = office.terminal
    assert statuses(office.does("rotate")) == ["decrypt_only", "active"]
    assert "not before" in terminal.refuses(1, "keys", "retire", office.account, "1", *WHY)
    office.clock.advance(terminal.core.key_policy().retire_after)
    assert "seal them anew first" in terminal.refuses(1, "keys", "retire", office.account, "1", *WHY)
    resealed = office.does("reseal")
    assert (resealed["version"], resealed["resealed"], resealed["left"]) == (2, 1, 0)
    assert statuses(office.does("retire", "1")) == ["retired", "active"]
    assert "1 retired, 2 active" in terminal.says("keys", "rotate", office.account, *WHY).replace(
        "decrypt_only", "active"
    )
    assert "sealed anew" in terminal.says("keys", "reseal", office.account, *WHY)
    assert "is retired" in terminal.refuses(1, "keys", "retire", office.account, "1", *WHY)


def test_all_rings_are_moved_and_the_rest_is_told(office: Office) -> None:
    terminal = office.terminal
    moved = terminal.json("keys", "move", OLD, NEW, *WHY)
    assert (moved["rings"], moved["moved"], moved["refused"]) == (1, 1, [])
    assert terminal.says("keys", "move", OLD, NEW, *WHY).split() == ["looked", "at", "0", "moved", "0"]
    assert "the same root key" in terminal.refuses(2, "keys", "move", OLD, OLD, *WHY)
    refused = terminal.run("keys", "move", NEW, "local/9", *WHY)
    assert refused.exit_code == 1
    assert f"{office.account} (test): the keeper of root keys says denied" in refused.stderr


def test_the_sweep_can_be_done_by_hand(office: Office) -> None:
    office.clock.advance(office.terminal.core.key_policy().period)
    done = office.terminal.json("keys", "tend")
    assert (done["rings"], done["rotated"], done["resealed"], done["unknown"]) == (1, 1, 0, 1)
    office.clock.advance(HEARD)
    assert office.terminal.json("keys", "tend")["resealed"] == 1
    assert "resealed" in office.terminal.says("keys", "tend")


def test_a_shredding_is_certified_and_the_certificate_can_be_checked(office: Office, tmp_path: Path) -> None:
    terminal, file, keys = office.terminal, tmp_path / "certificate.json", tmp_path / "notary.json"
    shred = ("keys", "shred", office.account, "--certificate", str(file), *WHY)
    assert "not the account" in terminal.refuses(2, *shred, "--confirm", "acct_" + "0" * 24)
    done = terminal.json(*shred, "--confirm", office.account)
    assert (done["custody"], done["values_removed"], done["finished"]) == ("shredded", 1, True)
    notary: Any = terminal.core.notary()
    keys.write_text(json.dumps({notary.name: base64.b64encode(notary.public_key).decode()}))
    verify = ("keys", "certificate", "verify", str(file), "--notary-keys", str(keys))
    says = terminal.json(*verify)
    assert (says["merchant"], says["keys"], says["signed_by"]) == (
        office.account,
        [f"{says['ring']}/1"],
        notary.name,
    )
    assert office.account in terminal.says(*verify)
    before = file.read_bytes()
    file.write_bytes(before.replace(b'livemode\\":false', b'livemode\\":true'))
    assert "has not signed this" in terminal.refuses(1, *verify)
    file.write_bytes(before[:-9])
    assert "no certificate" in terminal.refuses(1, *verify)
    file.write_bytes(before)
    keys.write_text(json.dumps({"another": base64.b64encode(notary.public_key).decode()}))
    assert "no key of the notary" in terminal.refuses(1, *verify)
    keys.write_text("no keys")
    assert "--notary-keys" in terminal.refuses(2, *verify)
    assert "shredded" in terminal.says(*shred, "--confirm", office.account)
    assert file.read_bytes() == before
    assert "custody is shredded" in terminal.refuses(1, "keys", "rotate", office.account, *WHY)


def test_the_inventory_says_what_hangs_where_and_what_is_overdue(office: Office) -> None:
    office.clock.advance(office.terminal.core.key_policy().period)
    taken = office.terminal.json("keys", "inventory")
    assert [(each["root_key"], each["active"], each["overdue"]) for each in taken["root_keys"]] == [
        (OLD, 1, 1)
    ]
    assert taken["rings"]["active"] == 1
    assert len(taken["kinds"]) > 10
    assert "merchant key" in office.terminal.says("keys", "inventory")


def test_honeytokens_are_planted_and_known(office: Office) -> None:
    terminal = office.terminal
    planted = terminal.json("keys", "honeytoken", "plant", "--cards", "2", *WHY)
    assert len(planted["records"]) == 2
    for id in (planted["merchant"], *planted["records"]):
        assert "nobody" in terminal.says("keys", "honeytoken", "check", id)
    assert "not planted" in terminal.refuses(1, "keys", "honeytoken", "check", office.account)
    among = terminal.says("keys", "honeytoken", "plant", "--merchant", office.account, *WHY)
    assert office.account in among
