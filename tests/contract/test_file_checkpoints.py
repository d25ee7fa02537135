"""A file keeps the promise of a checkpoint store, and what was torn, truncated or scribbled into stays apart."""

from pathlib import Path

import pytest

from fintech.adapters.audit.checkpoint_file import LINE_MAX, FileCheckpoints
from fintech.ports.contracts.audit_sink import ONE, CheckpointStoreContract, checkpoint_at
from fintech.ports.errors import StoreUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.jsonl"


@pytest.fixture
def checkpoints(path: Path) -> FileCheckpoints:
    return FileCheckpoints(path)


@pytest.fixture
def again(path: Path) -> FileCheckpoints:
    return FileCheckpoints(path)


class TestFileCheckpoints(CheckpointStoreContract): ...


async def test_a_line_in_whose_middle_a_process_was_killed_spoils_no_other(path: Path) -> None:
    store = FileCheckpoints(path)
    await store.keep(checkpoint_at(1))
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    assert list(await store.of(ONE)) == [checkpoint_at(1)]
    await store.keep(checkpoint_at(2))
    for reader in (store, FileCheckpoints(path)):
        assert list(await reader.of(ONE)) == [checkpoint_at(1), checkpoint_at(2)]


async def test_what_is_no_checkpoint_is_passed_by(path: Path) -> None:
    store = FileCheckpoints(path)
    path.write_bytes(
        b"[]\n{}\nnull\n\xff\n" + b"x" * (3 * LINE_MAX) + b"\n" + b'{"stream":"a","count":"b"}\n'
    )
    await store.keep(checkpoint_at(1))
    assert list(await store.of(ONE)) == [checkpoint_at(1)]
    assert list(await store.streams("", 10)) == [ONE]


async def test_nobody_else_can_read_it(path: Path) -> None:
    await FileCheckpoints(path).keep(checkpoint_at(1))
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_place_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await FileCheckpoints(tmp_path / "nowhere" / "file").keep(checkpoint_at(1))
