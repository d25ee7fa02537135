"""The sandbox: there from the first start, the same ever after."""

import asyncio
from pathlib import Path

from fintech.application.commits import Request
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Success
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.terminals import Placing, Terminal
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import in_memory, testing
from fintech.entrypoints.sandbox import ADDRESS, KEY_FILE, SANDBOX, ready_sandbox
from fintech.entrypoints.secret_files import write_secret
from fintech.ports.queries import Page

SCOPE = Scope(SANDBOX, livemode=False)
OFFICER = Actor("officer", Face.CLI, "tidying up")


async def opens(core: Core, secret: str) -> bool:
    return await core.authenticate()(secret) is not None


async def test_the_first_start_makes_a_merchant_and_a_key(tmp_path: Path) -> None:
    async with testing() as core:
        sandbox = await ready_sandbox(core, tmp_path)
        who = await core.authenticate()(sandbox.key)
        assert who is not None
        assert who[0] == Scope(sandbox.account, livemode=False)
        assert sandbox.key.startswith("sk_test_")
        assert sandbox.key not in repr(sandbox)
        assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


async def test_later_starts_find_them(tmp_path: Path) -> None:
    async with testing() as core:
        first = await ready_sandbox(core, tmp_path)
        assert await ready_sandbox(core, tmp_path) == first
        assert len(await core.queries().api_keys(SCOPE)) == 1


async def test_a_lost_file_means_a_new_key_and_the_end_of_the_old_one(tmp_path: Path) -> None:
    async with testing() as core:
        first = await ready_sandbox(core, tmp_path)
        (tmp_path / KEY_FILE).unlink()
        second = await ready_sandbox(core, tmp_path)
        assert second.key != first.key
        assert await opens(core, second.key)
        assert not await opens(core, first.key)


async def test_a_revoked_key_is_replaced(tmp_path: Path) -> None:
    async with in_memory() as core:
        first = await ready_sandbox(core, tmp_path)
        (key,) = await core.queries().api_keys(SCOPE)
        await core.end_api_key()(OFFICER, SCOPE, key.id)
        second = await ready_sandbox(core, tmp_path)
        assert await opens(core, second.key)
        assert not await opens(core, first.key)


async def test_a_start_that_was_cut_after_the_file_makes_the_key_that_the_file_says(tmp_path: Path) -> None:
    secret = "sk_test_" + "5" * 32
    write_secret(tmp_path / KEY_FILE, secret)
    async with testing() as core:
        sandbox = await ready_sandbox(core, tmp_path)
        assert sandbox.key == secret
        assert await opens(core, secret)


async def test_a_file_that_says_something_else_is_replaced(tmp_path: Path) -> None:
    write_secret(tmp_path / KEY_FILE, "sk_live_" + "5" * 32)
    async with testing() as core:
        sandbox = await ready_sandbox(core, tmp_path)
        assert sandbox.key.startswith("sk_test_")
        assert await opens(core, sandbox.key)


async def terminals(core: Core) -> list[Terminal]:
    return list((await core.queries().terminals(SCOPE, Page(limit=100))).items)


async def test_the_first_start_registers_a_terminal_that_later_ones_find(tmp_path: Path) -> None:
    async with testing() as core:
        first = await ready_sandbox(core, tmp_path)
        assert first.terminal == "T0000001"
        assert (await ready_sandbox(core, tmp_path)).terminal == first.terminal
        (made,) = await terminals(core)
        assert (made.number, made.simulated, made.location) == (
            "T0000001",
            True,
            (await core.queries().locations(SCOPE, Page())).items[0].id,
        )


async def test_a_suspended_terminal_stays_the_sandboxs(tmp_path: Path) -> None:
    """Whoever suspends it wants to see what becomes of its transactions."""
    async with testing() as core:
        await ready_sandbox(core, tmp_path)
        (made,) = await terminals(core)
        request = Request(actor=OFFICER)
        (await core.place_terminal()(request, SCOPE, made.id, Placing.SUSPEND)).unwrap()
        assert (await ready_sandbox(core, tmp_path)).terminal == "T0000001"


async def test_a_retired_terminal_has_a_successor_even_where_its_place_is_gone(tmp_path: Path) -> None:
    async with testing() as core:
        await ready_sandbox(core, tmp_path)
        (made,) = await terminals(core)
        request = Request(actor=OFFICER)
        (await core.place_terminal()(request, SCOPE, made.id, Placing.RETIRE)).unwrap()
        (await core.remove_location()(request, SCOPE, made.location)).unwrap()
        assert (await ready_sandbox(core, tmp_path)).terminal == "T0000002"
        assert (await ready_sandbox(core, tmp_path)).terminal == "T0000002"


async def test_a_number_that_another_merchant_has_is_not_the_sandboxs(tmp_path: Path) -> None:
    async with testing() as core:
        other = Scope(MerchantId("acct_" + "2" * 24), livemode=True)
        await core.onboard_merchant()(OFFICER, other.merchant, livemode=True, name="Early bird")
        request = Request(actor=OFFICER)
        place = (await core.create_location()(request, other, name="x", address=ADDRESS)).unwrap().value
        register = core.register_terminal()
        taken = await register(request, other, serial="SN-1", location=place.id, number="T0000001")
        assert isinstance(taken, Success)
        assert (await ready_sandbox(core, tmp_path)).terminal == "T0000002"


async def test_starts_at_once_end_up_with_the_same_terminal(tmp_path: Path) -> None:
    async with testing() as core:
        ready = await asyncio.gather(*(ready_sandbox(core, tmp_path) for _ in range(5)))
        assert {sandbox.terminal for sandbox in ready} == {"T0000001"}
        assert len(await terminals(core)) == 1
