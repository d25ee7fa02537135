"""Secrets in files."""

import os
from pathlib import Path

import pytest

from fintech.entrypoints.secret_files import keep_secret, make_private_file, read_secret, write_secret


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert read_secret(path) is None
    write_secret(path, "first")
    write_secret(path, "second")
    assert read_secret(path) == "second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_who_comes_first_says_what_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert keep_secret(path, "first") == "first"
    assert keep_secret(path, "second") == "first"
    assert read_secret(path) == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_an_empty_file_is_not_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    with pytest.raises(OSError, match="is empty"):
        keep_secret(tmp_path / "key", "first")


def test_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("somebody else's")
    (tmp_path / "key").symlink_to(elsewhere)
    with pytest.raises(OSError):
        read_secret(tmp_path / "key")
    with pytest.raises(OSError):
        make_private_file(tmp_path / "key")
    write_secret(tmp_path / "key", "ours")
    assert elsewhere.read_text() == "somebody else's"
    assert not (tmp_path / "key").is_symlink()


def test_a_private_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    make_private_file(path)
    path.write_text("something")
    make_private_file(path)
    assert path.read_text() == "something"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes into folders of others")
def test_for_root_a_file_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    write_secret(tmp_path / "key", "word")
    make_private_file(tmp_path / "journal")
    assert {(tmp_path / name).stat().st_uid for name in ("key", "journal")} == {65534}
