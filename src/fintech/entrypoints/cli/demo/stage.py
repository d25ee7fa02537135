"""What the demo plays on: a temporary folder, a service in it, and the command line beside it; gone at the end."""

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from fintech.entrypoints.cli.demo.interruptions import LOOK_INTERVAL_S, Interruptions

START_PATIENCE_S: Final = 60.0
COMMAND_PATIENCE_S: Final = 60.0
STOP_PATIENCE_S: Final = 40.0
GONE_PATIENCE_S: Final = 20.0
LOG_TAIL_LINES: Final = 10
_COMMAND: Final = (sys.executable, "-P", "-m", "fintech.entrypoints.cli")
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


class StageFailed(Exception):
    """The service or a command did not do its part. The message says what it said."""


class Stage:
    """Start it, play on it, clear it. Whoever waits here notices interruptions, but for `clear`.

    ``url`` is where HTTP is served, ``terminals`` where terminals are, as HOST:PORT.
    """

    def __init__(self, interruptions: Interruptions) -> None:
        self._interruptions = interruptions
        self._folder: Path | None = None
        self._serving: subprocess.Popen[str] | None = None
        self.url = ""
        self.terminals = ""

    def start(self) -> None:
        """Return when the service is ready at ``url``. Raises `StageFailed`."""
        self._folder = _folder_in_reach()
        log = self._folder / "serve.log"
        with log.open("w", encoding="utf-8") as told:
            command = ["serve", "--data", str(self.data), "--http", "127.0.0.1:0"]
            command += ["--terminals", "127.0.0.1:0"]
            self._serving = _started(command, stderr=told)
        line = self._said(self._serving, START_PATIENCE_S)
        if not line:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise StageFailed("\n".join(["the service did not start:", *lines]))
        ready = json.loads(line)
        self.url, self.terminals = ready["http"], ready["terminals"]

    @property
    def folder(self) -> Path:
        """The temporary folder, which is gone in the end."""
        assert self._folder is not None
        return self._folder

    @property
    def data(self) -> Path:
        """The service's data folder."""
        return self.folder / "data"

    def command(self, *arguments: str) -> str:
        """What a command says, on the service's folder, beside it. Raises `StageFailed` unless it ends with 0."""
        return self._run([*arguments, "--data", str(self.data)], 0)

    def file_command(self, *arguments: str) -> str:
        """The same for a command that works on files alone."""
        return self._run(arguments, 0)

    def refused(self, *arguments: str, data: Path) -> str:
        """What a command says on some folder that ends with 1. Raises `StageFailed` if it ends otherwise."""
        return self._run([*arguments, "--data", str(data)], 1)

    def _run(self, arguments: Sequence[str], ending: int) -> str:
        spoken = f"`fintech {' '.join(arguments)}`"
        deadline = time.monotonic() + COMMAND_PATIENCE_S
        with _started(arguments, stderr=subprocess.PIPE) as process:
            try:
                while True:
                    self._interruptions.look()
                    with suppress(subprocess.TimeoutExpired):
                        said, wrong = process.communicate(timeout=LOOK_INTERVAL_S)
                        break
                    if time.monotonic() > deadline:
                        raise StageFailed(f"{spoken} takes too long")
            finally:
                process.kill()
        if process.returncode != ending:
            raise StageFailed(f"{spoken} ended with {process.returncode}: {wrong.strip()}")
        return said

    def answer(self, *arguments: str) -> Any:
        """What a command says as JSON."""
        return json.loads(self.command(*arguments, "--json"))

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._interruptions.pause(seconds)

    def stop(self) -> int:
        """Tell the service to stop and wait until it has drained; how it ended."""
        assert self._serving is not None
        return _stopped(self._serving)

    def copied(self) -> Path:
        """A copy of the data folder, once nobody works in it: a folder beside it. Raises `StageFailed`."""
        copy = self.folder / "copy"
        _left(self.data)
        copying = subprocess.run(["cp", "-a", self.data, copy], capture_output=True, text=True, check=False)  # noqa: S607 - any cp does
        if copying.returncode:
            raise StageFailed(f"the data folder cannot be copied: {copying.stderr.strip()}")
        return copy

    def clear(self) -> None:
        """Stop what runs and remove what lies about, at any time."""
        if self._serving is not None:
            _stopped(self._serving)
        if self._folder is not None:
            _cleared(self._folder)

    def _said(self, process: "subprocess.Popen[str]", patience_s: float) -> str:
        """The next line of a process, or nothing if it ends or takes too long."""
        assert process.stdout is not None
        deadline = time.monotonic() + patience_s
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                self._interruptions.look()
                if selector.select(LOOK_INTERVAL_S):
                    return process.stdout.readline()
        return ""


def _folder_in_reach() -> Path:
    """A folder that the account which the server runs as can reach, too, when root plays."""
    places = [tempfile.gettempdir()]
    if os.geteuid() == 0:
        places += ["/tmp", "/var/tmp"]  # noqa: S108 - mkdtemp makes it private to begin with
        places = [each for each in places if _open_to_all(Path(each))] or places
    folder = Path(tempfile.mkdtemp(prefix="fintech-demo-", dir=places[0])).resolve()
    if os.geteuid() == 0:
        folder.chmod(0o711)
    return folder


def _open_to_all(folder: Path) -> bool:
    folder = folder.resolve()
    return folder.is_dir() and all(each.stat().st_mode & 0o001 for each in [folder, *folder.parents])


def _started(arguments: Sequence[str], stderr: IO[str] | int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*_COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=_environment(),
        preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - the demo has one thread
        start_new_session=True,  # ctrl-C on the terminal is for the demo, which then stops it in order
    )


def _stopped(serving: "subprocess.Popen[str]") -> int:
    if serving.poll() is None:
        serving.send_signal(signal.SIGTERM)
        try:
            serving.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            serving.kill()
            serving.wait()
    if serving.stdout is not None:
        serving.stdout.close()
    return serving.returncode


def _cleared(folder: Path) -> None:
    """Remove the folder once nobody works in it."""
    _left(folder)
    for pid in _processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path) -> None:
    """Return when nobody works in the folder, or has not left in time: a database whose user was killed needs a moment
    to stop."""
    deadline = time.monotonic() + GONE_PATIENCE_S
    while _processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)


def _processes_of(folder: Path) -> set[int]:
    """Who works in the folder or was given it as an argument."""
    name = os.fsencode(folder)
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if name in (process / "cmdline").read_bytes() or name in os.fsencode(
                (process / "cwd").readlink()
            ):
                found.add(int(process.name))
    return found - {os.getpid()}


def _environment() -> dict[str, str]:
    """This process's, without settings: the demo is the same everywhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FINTECH_")}


def _dying_with(parent: int) -> Callable[[], None]:
    """For a child to run before exec: should the demo be killed outright, the kernel tells the child to stop."""

    def before_exec() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec
