"""The sandbox: there from the first start, the same ever after."""

from pathlib import Path

from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import in_memory, testing
from fintech.entrypoints.sandbox import KEY_FILE, SANDBOX, ready_sandbox
from fintech.entrypoints.secret_files import write_secret

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
