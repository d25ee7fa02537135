"""Folders for data, in reach of the account that a server runs as where root tests; and who works in them."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.scratch import SCRATCH


@contextmanager
def folder_in_reach() -> Iterator[Path]:
    """An empty folder. In the end nobody works in it, and it is gone."""
    folder = Path(tempfile.mkdtemp(prefix="fintech-test-", dir=SCRATCH)).resolve()
    folder.chmod(0o755)
    try:
        yield folder
        assert eventually(lambda: not processes_of(folder)), f"somebody still works in {folder}"
    finally:
        shutil.rmtree(folder)


def processes_of(folder: Path) -> set[int]:
    """Who works in a folder or was given it as an argument, and is not this test."""
    name = os.fsencode(folder)
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if name in (process / "cmdline").read_bytes() or name in os.fsencode(
                (process / "cwd").readlink()
            ):
                found.add(int(process.name))
    return found - {os.getpid()}


def eventually(condition: Callable[[], bool], patience_s: float = 20) -> bool:
    """Whether something comes about in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
