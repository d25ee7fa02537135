"""`fintech serve` and commands as real processes."""

import json
import os
import selectors
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import field, frozen

COMMAND = (sys.executable, "-P", "-m", "fintech.entrypoints.cli")
PATIENCE_S = 90


def environment(**variables: str) -> dict[str, str]:
    """This process's without settings, and the variables."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FINTECH_")}
    return {**bare, "PYTHONDEVMODE": "", **variables}


def fintech(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command, run to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(**variables),
    )


def answer(*arguments: str, **variables: str) -> Any:
    """What a command that ends with 0 says as JSON."""
    ran = fintech(*arguments, "--json", **variables)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@frozen
class Service:
    """A service that is ready. ``ready`` is its line."""

    process: "subprocess.Popen[str]"
    log: Path
    ready: Mapping[str, str] = field(repr=False)

    def ask(self, path: str, key: str | None = None, **form: str) -> tuple[int, Any]:
        """The status and the body of an answer; a POST where there is a form."""
        request = urllib.request.Request(
            self.ready["http"] + path, data=urllib.parse.urlencode(form).encode() if form else None
        )
        if key is not None:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def tell(self, told: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(told)

    def ended(self) -> int:
        """How it ended, once it has."""
        return self.process.wait(PATIENCE_S)

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextmanager
def starting(folder: Path, *options: str, **variables: str) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A service that has just been started; it logs into the folder. Told to stop in the end, if it runs by then."""
    log = folder / f"serve-{len(list(folder.glob('serve-*')))}.log"
    with log.open("w", encoding="utf-8") as told:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--http", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env=environment(**variables),
        )
    with process:
        try:
            yield process, log
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()


@contextmanager
def serving(folder: Path, *options: str, **variables: str) -> Iterator[Service]:
    """A service that is ready."""
    with starting(folder, *options, **variables) as (process, log):
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(PATIENCE_S) else ""
        assert line, log.read_text(encoding="utf-8")
        yield Service(process, log, json.loads(line))
