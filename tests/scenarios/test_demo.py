"""The demo: every step holds, and nothing is left behind, wherever it is interrupted."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.services import COMMAND, environment
from tests.unit.entrypoints.folders import eventually, folder_in_reach, processes_of

pytestmark = pytest.mark.slow


@pytest.fixture
def temporary() -> Iterator[Path]:
    """The temporary folder of one demo, which has to be empty in the end."""
    with folder_in_reach() as folder:
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        yield folder / "tmp"
        assert eventually(lambda: not processes_of(folder))
        assert not list((folder / "tmp").iterdir())


#: A play of one line, which leaves the tidying up.
SHORT = """
from fintech.entrypoints.cli import demo, main
demo.play = lambda stage: print("that is all", flush=True)
main()
"""


@contextmanager
def playing(temporary: Path, *command: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        command or [*COMMAND, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env=environment(TMPDIR=str(temporary), PYTHONUNBUFFERED="1"),
        start_new_session=True,  # as on a terminal: ctrl-C goes to the whole group
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", marker: str) -> None:
    """Read what it says up to a line with the marker."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(90):
            line = process.stdout.readline()
            if marker in line:
                return
            assert line, f"it ended before {marker!r}"
    pytest.fail(f"it never said {marker!r}")


@pytest.mark.timeout(240)  # forty-odd seconds on two idle cores, of which twenty are processes that start
def test_every_step_holds_and_nothing_is_left(temporary: Path) -> None:
    with playing(temporary) as process:
        said, wrong = process.communicate(timeout=220)
    assert process.returncode == 0, f"{said}\n{wrong}"
    assert said.count("  ok  ") == 57
    assert "Every step held." in said.splitlines()[-1]
    assert wrong == ""
    assert "sk_test_" not in said.replace("a key for test mode: sk_test_\n", "")


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("", signal.SIGTERM),  # while the database is made
        ("a service is running", signal.SIGINT),  # while a command runs
    ],
)
def test_wherever_it_is_interrupted_nothing_is_left(
    temporary: Path, marker: str, told: signal.Signals
) -> None:
    with playing(temporary) as process:
        if marker:
            read_until(process, marker)
        else:
            assert eventually(lambda: any(temporary.glob("*/data/postgres.new-*")))
        os.killpg(process.pid, told)
        os.killpg(process.pid, told)  # the impatient press it twice
        said, wrong = process.communicate(timeout=90)
    assert process.returncode == 128 + told, f"{said}\n{wrong}"
    assert wrong.strip() == "interrupted; everything is cleaned up"


def test_an_interruption_while_it_tidies_up_changes_nothing(temporary: Path) -> None:
    with playing(temporary, sys.executable, "-c", SHORT, "demo") as process:
        read_until(process, "that is all")
        time.sleep(0.05)
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=90)
    assert process.returncode == 128 + signal.SIGTERM


def test_a_demo_that_is_killed_leaves_nobody_running(temporary: Path) -> None:
    with playing(temporary) as process:
        read_until(process, "a service is running")
        process.kill()
        process.communicate()
    assert eventually(lambda: not processes_of(temporary))
    for left in temporary.iterdir():  # only who is alive can tidy up
        subprocess.run(["rm", "-rf", left], check=True)


def test_a_demo_whose_service_cannot_start_says_why(temporary: Path) -> None:
    hidden = "import sys; sys.modules['uvloop'] = None; from fintech.entrypoints.cli import main; main()"
    began = time.monotonic()
    with folder_in_reach() as folder:
        (folder / "sitecustomize.py").write_text("import sys; sys.modules['uvloop'] = None\n")
        ran = subprocess.run(
            [sys.executable, "-c", hidden, "demo"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment(TMPDIR=str(temporary), PYTHONPATH=str(folder)),
        )
    assert ran.returncode == 3
    assert "the service did not start" in ran.stderr
    assert "uvloop" in ran.stderr
    assert time.monotonic() - began < 20
