"""The simulated KMS as its users meet it: started, used, killed, started again."""

import json
import selectors
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fintech.domain.keys.custody import CmkName
from fintech.ports.contracts.key_keeping import context_of, created, refusal, unwrapped
from fintech.ports.key_root import RootFault, Wrapped
from tests.kms import kms_root
from tests.kms_control import kms_control
from tests.scenarios.services import COMMAND, PATIENCE_S, environment, fintech

pytestmark = pytest.mark.slow


@contextmanager
def simulating(*options: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """A simulator that is ready, and the line that it said."""
    process = subprocess.Popen(
        [*COMMAND, "kms-simulator", *options], stdout=subprocess.PIPE, text=True, env=environment()
    )
    with process:
        try:
            assert process.stdout is not None
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                line = process.stdout.readline() if selector.select(PATIENCE_S) else ""
            assert line, "it did not start"
            yield process, json.loads(line)
        finally:
            process.kill()


async def test_it_is_killed_and_comes_back_with_all_that_it_knew(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "kms.jsonl"))
    with simulating("--port", "0", *state) as (process, told):
        cmk = CmkName(told["roots"][0]["cmk"])
        root = kms_root(told, attempts=1)
        wrapped = await created(root, cmk)
        key = await unwrapped(root, cmk, wrapped)
        async with kms_control(told["control"]) as control:
            cut_off = await created(root, cmk, context_of(livemode=False))
            assert cut_off.grant is not None
            await control.revoke(cmk, cut_off.grant)
        process.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        assert refusal(await root.unwrap(cmk, context_of(), wrapped)).fault is RootFault.UNREACHABLE
        port = told["kms"].rpartition(":")[2]
    with simulating("--port", port, *state) as (process, again):
        assert {**again, "control": ""} == {**told, "control": ""}
        assert await unwrapped(root, cmk, Wrapped(wrapped.blob)) == key
        refused = await root.unwrap(cmk, context_of(livemode=False), cut_off)
        assert refusal(refused).fault is RootFault.DENIED
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    await root.close()


def test_what_cannot_be_had_is_said_in_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "kms.jsonl"
    wrong.write_text('{"state": "Enabled", "of": "nothing", "deletion_at": null}\n')
    for options, told in (
        (("--state", str(wrong)), "is damaged"),
        (("--state", str(tmp_path / "no" / "kms.jsonl")), "No such file or directory"),
    ):
        ran = fintech("kms-simulator", "--port", "0", *options)
        assert (ran.returncode, ran.stdout) == (3, "")
        assert told in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
