"""The composition of the core, which no type checker sees into: every hole is filled, with what belongs there."""

import ast
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from dependency_injector import errors, providers

from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from tests.unit.entrypoints.folders import folder_in_reach

ENTRYPOINTS = Path(__file__).resolve().parents[2] / "src/fintech/entrypoints"

PORTS = {name: each for name, each in Core.providers.items() if isinstance(each, providers.Dependency)}
USE_CASES = {name: each for name, each in Core.providers.items() if isinstance(each, providers.Singleton)}


@asynccontextmanager
async def in_a_folder() -> AsyncIterator[Core]:
    with folder_in_reach() as folder:
        async with profiles.embedded(folder / "data") as core:
            yield core


def test_a_member_is_a_port_or_a_use_case() -> None:
    assert PORTS
    assert USE_CASES
    assert PORTS.keys() | USE_CASES.keys() == Core.providers.keys()


@pytest.mark.parametrize("name", USE_CASES)
def test_every_use_case_gets_exactly_what_it_asks_for(name: str) -> None:
    provider = USE_CASES[name]
    assert set(provider.kwargs) == set(inspect.signature(provider.cls).parameters)


@pytest.mark.parametrize("name", USE_CASES)
def test_what_a_use_case_gets_has_the_type_that_it_asks_for(name: str) -> None:
    """A port is given where its Protocol is asked for, a use case where its class is."""
    provider = USE_CASES[name]
    asked = inspect.get_annotations(provider.cls, eval_str=True)
    for parameter, given in provider.kwargs.items():
        kind = given.instance_of if isinstance(given, providers.Dependency) else given.cls
        wanted = asked[parameter]
        assert wanted in kind.__mro__, f"{name} asks for {wanted} as {parameter}, gets {kind}"


@pytest.mark.parametrize("missing", PORTS)
def test_a_missing_port_is_found_when_the_core_is_put_together(missing: str) -> None:
    core = Core(**{name: object() for name in PORTS if name != missing})
    with pytest.raises(errors.Error, match=missing):
        core.check_dependencies()


@pytest.mark.parametrize("profile", [profiles.testing, profiles.in_memory, in_a_folder])
async def test_every_port_is_filled_in_every_profile(
    profile: Callable[[], AbstractAsyncContextManager[Core]],
) -> None:
    async with profile() as core:
        everything_is_there(core)


async def test_every_port_is_filled_at_an_address(postgres_dsn: str) -> None:
    async with profiles.on_postgres(postgres_dsn, digest_key=bytes(32)) as core:
        everything_is_there(core)


def everything_is_there(core: Core) -> None:
    for name, port in PORTS.items():
        assert isinstance(core.providers[name](), port.instance_of)
    for name, use_case in USE_CASES.items():
        assert isinstance(core.providers[name](), use_case.cls)
        assert core.providers[name]() is core.providers[name]()


def test_only_the_profiles_name_adapters() -> None:
    naming = {
        str(path.relative_to(ENTRYPOINTS))
        for path in ENTRYPOINTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fintech.adapters"))
        or (
            isinstance(node, ast.Import)
            and any(each.name.startswith("fintech.adapters") for each in node.names)
        )
    }
    assert naming - {"kms_simulator.py", "verifying.py"} == {
        "auditing.py",
        "profiles.py",
        "key_custody.py",
        "outside.py",
        "keeping.py",
    }  # a process beside the core
