"""A real PostgreSQL in a data folder, with no server to install: started by its first user, stopped by its last.

    async with EmbeddedPostgres(Path("var/data")).running() as server:
        pool = await asyncpg.create_pool(server.dsn)

Any number of processes may do this with the same folder at the same time (a service, and the command line beside it).
They need not know of each other, and may end in any way: the server stops when the last one is gone, also by kill -9.
The server listens on a socket in the folder and nowhere else; whoever may read the folder's password may connect.

Every promise hangs on two locks, described in `keeper`. Linux only: locks, /proc and PR_SET_PDEATHSIG.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Final, TypeVar
from urllib.parse import quote

from attrs import field, frozen

from fintech.adapters.postgres import keeper
from fintech.adapters.postgres.data_folder import (
    SOCKET_NAME,
    ClusterOfAnotherVersion,
    DataFolder,
    DataFolderUnusable,
    EmbeddedPostgresError,
    WheelMissing,
    try_lock,
    unlock,
)

__all__ = [
    "ClusterOfAnotherVersion",
    "DataFolderUnusable",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "RunningPostgres",
    "ServerDidNotStart",
    "WheelMissing",
]

#: Durable, and modest: a laptop's or a small machine's. Every one can be overridden by name.
SETTINGS: Final[Mapping[str, str]] = {
    "max_connections": "60",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}
START_PATIENCE_S = 300.0  # crash recovery reads up to max_wal_size, on a disk that may be slow
LEAVE_PATIENCE_S = 75.0  # longer than a keeper needs for its sternest stop
POLL_S = 0.02
INHERITED = (
    "PATH",
    "LD_LIBRARY_PATH",
    "TMPDIR",
)  # the server needs to know nothing else of its user's environment

T = TypeVar("T")
Steps = Generator[None, None, T]  # work that is done in short steps: each `yield` asks for a pause of POLL_S


class ServerDidNotStart(EmbeddedPostgresError):
    """The server ended while starting, or took too long. The message ends with the tail of its log."""


@frozen(kw_only=True)
class RunningPostgres:
    """A server in use. It may be restarted (after a crash, say), always at the same address."""

    data_dir: Path
    socket_folder: Path
    password: str = field(repr=False)
    _home: "EmbeddedPostgres" = field(repr=False)
    _folder: DataFolder = field(repr=False)

    @property
    def dsn(self) -> str:
        """Address, user, password and database, as asyncpg and libpq read them."""
        return f"postgresql://{self._login()}"

    @property
    def sqlalchemy_url(self) -> str:
        return f"postgresql+asyncpg://{self._login()}"

    @property
    def pid(self) -> int | None:
        """The server's process, or None while it is being restarted. A restart changes it."""
        state = _state(self._folder)
        return state[0] if state else None

    async def ensure(self) -> None:
        """Return when the server is up, starting it where it has died together with its keeper.

        Raises as `EmbeddedPostgres.running` does. Connections that were cut stay cut.
        """
        await _walk(self._home._server_up(self._folder))  # noqa: SLF001 - two halves of one thing

    def ensure_blocking(self) -> None:
        """`ensure` without an event loop."""
        _walk_blocking(self._home._server_up(self._folder))  # noqa: SLF001 - two halves of one thing

    def _login(self) -> str:
        return f"fintech:{self.password}@/fintech?host={quote(str(self.socket_folder), safe='/')}&port=5432"


@frozen
class EmbeddedPostgres:
    """A PostgreSQL whose data, log, password and socket are in `data_dir`.

    `data_dir` is made if need be, and is the server's alone (mode 0700). As root, the server runs as the folder's
    owner; a new folder is given to the account postgres or nobody, which must be able to reach it. `settings` are
    PostgreSQL's own, by name; those of the user that starts the server hold for all.
    """

    data_dir: Path = field(converter=Path)
    settings: Mapping[str, str] = field(factory=dict, kw_only=True)
    start_patience_s: float = field(default=START_PATIENCE_S, kw_only=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunningPostgres]:
        """Use the server: start it, or join its other users. Returns when it takes connections.

        The last user to leave waits until it has stopped. Raises WheelMissing, DataFolderUnusable,
        ClusterOfAnotherVersion, ServerDidNotStart.
        """
        folder = DataFolder.prepared(self.data_dir)
        try:
            with _open_lock(folder, "users.lock") as users:
                yield await _walk(self._arrival(folder, users))
        finally:
            await _walk(_departure(folder))

    @contextmanager
    def running_blocking(self) -> Iterator[RunningPostgres]:
        """`running` without an event loop."""
        folder = DataFolder.prepared(self.data_dir)
        try:
            with _open_lock(folder, "users.lock") as users:
                yield _walk_blocking(self._arrival(folder, users))
        finally:
            _walk_blocking(_departure(folder))

    def _arrival(self, folder: DataFolder, users: int) -> Steps[RunningPostgres]:
        deadline = time.monotonic() + self.start_patience_s
        while not try_lock(users, shared=True):  # a keeper that is stopping the server holds it alone
            if time.monotonic() > deadline:
                raise ServerDidNotStart(f"an earlier server in {folder.path} does not stop")
            yield
        socket_folder = yield from self._server_up(folder)
        return RunningPostgres(
            data_dir=folder.path,
            socket_folder=socket_folder,
            password=folder.password(),
            home=self,
            folder=folder,
        )

    def _server_up(self, folder: DataFolder) -> Steps[Path]:
        """For who holds a share of users.lock: so there is a server, or nobody is ending one."""
        deadline = time.monotonic() + self.start_patience_s
        with tempfile.TemporaryFile() as report:
            while True:
                with _open_lock(folder, "keeper.lock") as lock:
                    if try_lock(lock, shared=False):
                        _raise_problem(report, folder)
                        self._start_keeper(folder, lock, report)
                state = _state(folder)
                if state and _answers(state[1]):
                    return state[1]
                if time.monotonic() > deadline:
                    message = f"no server in {folder.path} after {self.start_patience_s:.0f} s"
                    raise ServerDidNotStart(f"{message}:\n{folder.log_tail()}")
                yield

    def _start_keeper(self, folder: DataFolder, lock: int, report: IO[bytes]) -> None:
        """Hand keeper.lock, which the caller holds, to a new keeper. What it cannot do, it reports."""
        os.ftruncate(lock, 0)
        binaries = folder.binaries()
        folder.sweep(binaries)
        folder.password()
        orders = keeper.Orders(
            folder=str(folder.path),
            socket_folder=str(folder.socket_folder()),
            binaries=str(binaries),
            uid=folder.uid,
            gid=folder.gid,
            settings={**SETTINGS, **self.settings},
            lock=lock,
        )
        subprocess.run(
            [sys.executable, "-I", "-S", keeper.__file__, orders.text()],
            stdin=subprocess.DEVNULL,
            stdout=report,
            stderr=report,
            pass_fds=[lock],
            start_new_session=True,
            cwd="/",
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
            check=False,
        )


@contextmanager
def _open_lock(folder: DataFolder, name: str) -> Iterator[int]:
    descriptor = folder.lock(name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _state(folder: DataFolder) -> tuple[int, Path] | None:
    """The server's pid and socket folder, as its keeper wrote them down when it was ready."""
    try:
        state = json.loads((folder.path / "keeper.lock").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return state["pid"], Path(state["socket_folder"])


def _answers(socket_folder: Path) -> bool:
    """Whether somebody listens: a server that was killed is still written down for a moment."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_folder / SOCKET_NAME))
        except OSError:
            return False
    return True


def _raise_problem(report: IO[bytes], folder: DataFolder) -> None:
    """Raise what a keeper that is gone had to say, if anything."""
    report.seek(0)
    text = report.read().decode(errors="replace")
    if not text:
        return
    try:
        problem = json.loads(text)
    except ValueError:
        raise ServerDidNotStart(f"the keeper of the server failed:\n{text}") from None
    if problem["kind"] == "folder":
        raise DataFolderUnusable(problem["message"])
    raise ServerDidNotStart(f"{problem['message']}:\n{folder.log_tail()}")


def _departure(folder: DataFolder) -> Steps[None]:
    """For who has just left: wait until the server has stopped, unless others use it."""
    deadline = time.monotonic() + LEAVE_PATIENCE_S
    times_shared = 0
    with _open_lock(folder, "users.lock") as users, _open_lock(folder, "keeper.lock") as lock:
        while times_shared < 2 and not try_lock(lock, shared=True) and time.monotonic() < deadline:
            # Refused a share, the keeper is stopping. Given one, but not all, there are others; twice, for a keeper
            # may have come in between.
            if try_lock(users, shared=True):
                times_shared = 0 if try_lock(users, shared=False) else times_shared + 1
                unlock(users)
            yield


async def _walk(steps: Steps[T]) -> T:
    with contextlib.closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as arrived:
                return arrived.value  # type: ignore[no-any-return] # StopIteration has no type
            await asyncio.sleep(POLL_S)


def _walk_blocking(steps: Steps[T]) -> T:
    with contextlib.closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as arrived:
                return arrived.value  # type: ignore[no-any-return] # StopIteration has no type
            time.sleep(POLL_S)
