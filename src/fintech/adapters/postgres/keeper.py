"""The keeper: a small process that starts one PostgreSQL, keeps it up while anybody uses it, and stops it after.

It is started by path (`python -I keeper.py ORDERS`) from `embedded.py`, imports only the standard library, and
gives up root before it touches anything. Whatever must survive `kill -9` is held by the kernel, so nothing is ever
left to repair by hand:

- users.lock: shared by every user of the data folder. Once the keeper gets it alone, nobody needs the server.
- keeper.lock: the keeper's own. The user that found it free hands it over open; its text says where the server is.
- The server dies with the keeper (PR_SET_PDEATHSIG), the keeper restarts a server that dies.

The cluster is made in a temporary folder and renamed when complete: an interrupted one is swept away later.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.02
IDLE_POLL_S = 0.05
STOP_PATIENCE_S = 45.0  # for the last checkpoint; then the server is ended, and recovers at the next start
END_PATIENCE_S = 5.0
RESTART_DELAY_MAX_S = 5.0
LOG_BYTES_MAX = 10_000_000  # twice that on disk: one older generation is kept
INITDB_OPTIONS = (
    "--username postgres --auth scram-sha-256 --data-checksums --no-instructions "
    "--encoding UTF8 --no-locale --locale-provider builtin --builtin-locale C.UTF-8"
)
PR_SET_PDEATHSIG = 1

LIBC = ctypes.CDLL(None, use_errno=True)  # loaded at import: once root is given up, it may be out of reach


@dataclass(frozen=True)
class Orders:
    """What a user tells the keeper that it starts. `uid` and `gid` are those the server runs as."""

    folder: str
    socket_folder: str
    binaries: str
    uid: int
    gid: int
    settings: dict[str, str]
    lock: int

    def text(self) -> str:
        return json.dumps(asdict(self))


class Problem(Exception):
    """Why the server cannot be had: a kind, `folder` or `start`, and a message for people."""


def is_running(pid: int) -> bool:
    """Whether the process exists and is not merely waiting for its parent to take notice of its death."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] not in {"Z", "X"}


def processes_in(folder: Path) -> set[int]:
    """Whoever works inside the folder: the server and its children do, in their cluster."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder and is_running(int(process.name)):
                found.add(int(process.name))
    return found


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def wait_until(condition: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def end_processes_in(folder: Path) -> None:
    """End whoever works in a cluster that has no server: no write of theirs is waited for."""
    for ending in (signal.SIGQUIT, signal.SIGKILL):
        for pid in processes_in(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, ending)
        if wait_until(lambda: not processes_in(folder), END_PATIENCE_S):
            break


def die_with(parent: int, death_signal: int) -> Callable[[], None]:
    """For a child to run before exec: the kernel sends it `death_signal` when `parent` dies, however it dies."""

    def before_exec() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


class Keeper:
    """One server, from its first start to its last stop."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.folder = Path(orders.folder)
        self.cluster = self.folder / "postgres"
        self.binaries = Path(orders.binaries)
        self.published = False
        self.failures = 0

    def run(self) -> None:
        """Keep the server while it is used. Raises Problem when it was never ready."""
        self.check_reachable()
        self.users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CLOEXEC)
        self.log = os.open(
            self.folder / "postgres.log", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        if not self.cluster.exists():
            self.create_cluster()
        self.start()
        while not self.is_unused():
            if self.server.poll() is not None:
                self.restart()
            elif not self.published:
                self.publish_if_ready()
            elif os.fstat(self.log).st_size > LOG_BYTES_MAX:
                self.turn_log()
            time.sleep(IDLE_POLL_S if self.published else POLL_S)
        self.stop()

    def check_reachable(self) -> None:
        for parent in [*reversed(self.folder.parents), self.folder]:
            if not os.access(parent, os.X_OK):
                message = (
                    f"PostgreSQL does not run as root but as uid {self.orders.uid}, which may not pass through {parent} "
                    f"to reach {self.folder}. Put the data folder elsewhere (under /var/lib, say), or let others pass: "
                    f"chmod o+x {parent}"
                )
                raise Problem("folder", message)

    def is_unused(self) -> bool:
        try:
            fcntl.flock(self.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def create_cluster(self) -> None:
        password = (self.folder / "password").read_text(encoding="utf-8")
        new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.folder))
        password_file = str(self.folder / "password")
        self.prepare(["initdb", "--pgdata", str(new), "--pwfile", password_file, *INITDB_OPTIONS.split()])
        self.prepare(
            ["postgres", "--single", "-D", str(new), "-c", "exit_on_error=on", "postgres"],
            f"CREATE ROLE fintech LOGIN CREATEDB PASSWORD '{password}';\n"
            "GRANT pg_monitor, pg_checkpoint TO fintech;\n"
            "CREATE DATABASE fintech OWNER fintech;\n",
        )
        new.rename(self.cluster)
        sync_folder(self.folder)

    def prepare(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(
            [self.binaries / command[0], *command[1:]],
            input=text.encode(),
            stdout=self.log,
            stderr=self.log,
            check=False,
            preexec_fn=die_with(os.getpid(), signal.SIGKILL),
        )
        if done.returncode:
            raise Problem("start", f"{command[0]} failed")

    def start(self) -> None:
        self.end_remains()
        settings = {
            **self.orders.settings,
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": self.orders.socket_folder,
        }
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        self.server = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.cluster, *options],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            preexec_fn=die_with(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - this process has one thread
        )

    def restart(self) -> None:
        """Bring a server back that died. One that was never ready says why, in its log, and is given up."""
        if not self.published and not self.failures:
            raise Problem("start", "postgres ended while starting")
        self.unpublish()
        time.sleep(min(POLL_S * 2**self.failures, RESTART_DELAY_MAX_S))
        self.failures = min(self.failures + 1, 10)
        self.start()

    def end_remains(self) -> None:
        """End what an earlier server left running in the cluster, and remove the pid file that it left.

        A server whose keeper died is in its own orderly shutdown: it gets time. Children without their server only
        stand in the way. With nobody left the pid file is void, even if its number has gone to a process that is not
        ours, as it easily does in a container.
        """
        status = self.server_status()
        if status and int(status[0]) in processes_in(self.cluster):
            os.kill(int(status[0]), signal.SIGINT)
            wait_until(lambda: not is_running(int(status[0])), STOP_PATIENCE_S)
        end_processes_in(self.cluster)
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def server_status(self) -> list[str]:
        """The lines of postmaster.pid: the pid is the first, the state the eighth. Empty without a server."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return lines if lines and lines[0].isdecimal() else []

    def publish_if_ready(self) -> None:
        status = self.server_status()
        if len(status) >= 8 and status[0] == str(self.server.pid) and status[7].startswith("ready"):
            text = json.dumps({"pid": self.server.pid, "socket_folder": self.orders.socket_folder})
            os.pwrite(self.orders.lock, text.encode(), 0)
            self.published, self.failures = True, 0
            for stream in (1, 2):  # what is to be said from now on is for the log
                os.dup2(self.log, stream)

    def unpublish(self) -> None:
        self.published = False
        os.ftruncate(self.orders.lock, 0)

    def stop(self) -> None:
        self.unpublish()
        # A fast shutdown that meets a recovery may wait for ever: ask, insist, end.
        for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self.server.send_signal(ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.wait(STOP_PATIENCE_S if ending is signal.SIGINT else END_PATIENCE_S)
                break
        self.end_remains()
        if self.orders.socket_folder != self.orders.folder:
            shutil.rmtree(self.orders.socket_folder, ignore_errors=True)
            (self.folder / "socket-folder").unlink(missing_ok=True)

    def turn_log(self) -> None:
        shutil.copyfile(self.folder / "postgres.log", self.folder / "postgres.log.1")
        os.ftruncate(self.log, 0)


def main() -> None:
    """Leave the user's process group, become the server's account, and keep the server."""
    orders = Orders(**json.loads(sys.argv[1]))
    if os.fork():
        os._exit(0)
    if os.getuid() != orders.uid:
        os.setgroups([])
        os.setgid(orders.gid)
        os.setuid(orders.uid)
    os.umask(0o077)
    for request in (
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGTERM,
    ):  # the users decide; children get the default back
        signal.signal(request, lambda _signal, _frame: None)
    try:
        Keeper(orders).run()
    except (Problem, OSError) as error:
        kind, message = error.args if isinstance(error, Problem) else ("start", str(error))
        sys.exit(json.dumps({"kind": kind, "message": message}))  # to the user who waits, or to the log


if __name__ == "__main__":
    main()
