"""Every deployment is the same core: what holds in memory holds on a server, in a folder and at an address."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fintech.application.commits import Request
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.outcome import Success
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints import profiles, repeating, verifying
from fintech.entrypoints.container import Core
from fintech.entrypoints.key_custody import ROOT_FILE
from fintech.entrypoints.outside import JOURNAL_FILE
from fintech.entrypoints.profiles import DIGEST_KEY_FILE, CannotOpen
from fintech.entrypoints.settings import Settings, SettingsInvalid, read_settings
from fintech.ports.errors import PortError
from tests.unit.entrypoints.folders import folder_in_reach, processes_of

ME = Actor("test", Face.EMBEDDED)
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder that several tests use one after the other: making one takes longest."""
    with folder_in_reach() as folder:
        yield folder / "data"


def settings_of(url: str) -> Settings:
    return read_settings({"FINTECH_DATABASE_URL": url, "FINTECH_DIGEST_KEY": KEY.hex()})


async def takes_a_payment(core: Core) -> MerchantId:
    scope = Scope(core.ids().new(MerchantId), livemode=False)
    (await core.onboard_merchant()(ME, scope.merchant, livemode=False, name="Shop")).unwrap()
    card = await core.find_method()(scope, "pm_card_visa")
    paid = await core.create_payment()(
        Request(actor=ME), scope, amount_minor=1250, currency=Currency.AUD, method=card, confirm=True
    )
    payment = paid.unwrap().value
    assert payment.status is PaymentStatus.SUCCEEDED
    stored = await core.store().payment(scope, payment.id)
    assert stored is not None
    assert stored.captured_minor == 1250
    return scope.merchant


async def test_in_memory() -> None:
    async with profiles.testing() as core:
        await takes_a_payment(core)
    async with profiles.in_memory() as core:
        await takes_a_payment(core)


async def test_two_in_memory_have_nothing_in_common() -> None:
    async with profiles.in_memory() as one, profiles.in_memory() as other:
        merchant = await takes_a_payment(one)
        assert await other.store().merchant(Scope(merchant, livemode=False)) is None


async def test_a_folder_keeps_what_was_done_in_it(made: Path) -> None:
    async with profiles.embedded(made) as core:
        merchant = await takes_a_payment(core)
    async with profiles.embedded(str(made)) as core, profiles.embedded(made) as beside:
        for each in (core, beside):
            assert await each.store().merchant(Scope(merchant, livemode=False)) is not None


async def test_what_is_secret_in_a_folder_is_its_owners_alone(made: Path) -> None:
    async with profiles.embedded(made):
        pass
    owner = made.stat().st_uid
    for name in (DIGEST_KEY_FILE, JOURNAL_FILE, ROOT_FILE):
        found = (made / name).stat()
        assert (found.st_mode & 0o777, found.st_uid) == (0o600, owner)


async def test_a_folder_without_its_key_is_not_opened(made: Path) -> None:
    async with profiles.embedded(made) as core:
        await takes_a_payment(core)
    key = made / DIGEST_KEY_FILE
    kept = key.rename(made / "kept-aside")
    with pytest.raises(CannotOpen, match=f"{key} is gone"):
        async with profiles.embedded(made):
            pass
    key.write_text("zz")
    with pytest.raises(CannotOpen, match=f"{key} is damaged"):
        async with profiles.embedded(made):
            pass
    kept.rename(key)
    async with profiles.embedded(made) as core:
        await takes_a_payment(core)


async def test_a_folder_without_what_its_root_keys_are_made_of_is_not_opened(made: Path) -> None:
    """A new one would open nothing that is sealed there, and seal new data besides."""
    scope = Scope(MerchantId("acct_" + "m" * 24), livemode=False)
    async with profiles.embedded(made) as core:
        assert isinstance(await core.key_vault().lease(scope), Success)
    root = made / ROOT_FILE
    kept = root.rename(made / "kept-aside")
    for opening in (profiles.embedded(made), verifying.verifier_in_folder(made)):
        with pytest.raises(CannotOpen, match=f"{root} is gone, .*: restore it"):
            async with opening:
                pass
        assert not root.exists()
    kept.rename(root)
    async with profiles.embedded(made) as core:
        assert isinstance(await core.key_vault().lease(scope), Success)


async def test_a_folder_whose_server_is_killed_has_it_back(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "ENSURE_INTERVAL_S", 0.05)
    async with profiles.embedded(made) as core:
        await takes_a_payment(core)
        for pid in sorted(processes_of(made)):  # its keeper first, then the server, then who works for it
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for _ in range(100):
            try:
                await takes_a_payment(core)
            except PortError:
                await asyncio.sleep(0.1)
            else:
                break
        else:
            pytest.fail("the server did not come back")


async def test_a_folder_that_holds_something_else_is_named() -> None:
    with folder_in_reach() as folder:
        (folder / "cat.png").touch()
        with pytest.raises(CannotOpen, match=rf"^{folder} holds something else \(cat\.png"):
            async with profiles.embedded(folder):
                pass


async def test_at_an_address(postgres_dsn: str) -> None:
    async with profiles.on_postgres(postgres_dsn, digest_key=KEY) as core:
        merchant = await takes_a_payment(core)
    async with profiles.container(settings_of(postgres_dsn)) as core:
        assert await core.store().merchant(Scope(merchant, livemode=False)) is not None


async def test_at_an_address_whose_tables_are_behind(empty_url: str) -> None:
    settings = settings_of(empty_url)
    with pytest.raises(CannotOpen, match=r"^FINTECH_DATABASE_URL: the database's tables are at nothing"):
        async with profiles.container(settings):
            pass
    assert await profiles.upgrade(settings)
    async with profiles.container(settings) as core:
        await takes_a_payment(core)


async def test_at_an_address_where_nobody_answers() -> None:
    settings = settings_of("postgresql://fintech:hushhush@127.0.0.1:1/fintech")
    reason = r"^FINTECH_DATABASE_URL: .*cannot be reached"
    with pytest.raises(CannotOpen, match=reason) as opening:
        async with profiles.container(settings):
            pass
    with pytest.raises(CannotOpen, match=reason) as upgrading:
        await profiles.upgrade(settings)
    assert "hushhush" not in f"{opening.value} {upgrading.value}"


async def test_a_key_that_is_too_short_opens_nothing() -> None:
    with pytest.raises(SettingsInvalid, match="FINTECH_DIGEST_KEY"):
        profiles.on_postgres("postgresql://u:w@h/d", digest_key=b"short")
    with pytest.raises(SettingsInvalid, match="FINTECH_DATABASE_URL"):
        async with profiles.container(Settings()):
            pass


async def test_a_body_that_fails_is_not_a_deployment_that_cannot_be_had(made: Path) -> None:
    with pytest.raises(PortError):
        async with profiles.embedded(made):
            raise PortError("in the body")
