"""Secrets in files: mode 0600, owned by whoever owns their folder, written whole or not at all.

As root the folder may be another account's: no link in it is followed, and what is made in it is that account's.
"""

import os
import secrets
from pathlib import Path

BYTES_MAX = 1_000


def read_secret(path: Path) -> str | None:
    """What the file says, or None if there is none. Raises ``OSError`` if it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        return file.read(BYTES_MAX).strip()


def write_secret(path: Path, text: str) -> None:
    """Make the file say this, durably, whatever it said before."""
    new = _made(path, text)
    new.rename(path)
    _sync(path.parent)


def keep_secret(path: Path, text: str) -> str:
    """Make the file say this unless it says something already; answers what it says, the same for all who race."""
    new = _made(path, text)
    try:
        os.link(new, path)
    except FileExistsError:
        kept = read_secret(path)
        if not kept:
            raise FileNotFoundError(f"{path} is empty") from None
        return kept
    finally:
        new.unlink()
    _sync(path.parent)
    return text


def make_private_file(path: Path) -> None:
    """Make an empty file for what nobody else shall read, unless it is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    _own(descriptor, path)
    os.close(descriptor)


def _made(path: Path, text: str) -> Path:
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        _own(descriptor, path)
        file.write(text + "\n")
        file.flush()
        os.fsync(descriptor)
    return new


def _own(descriptor: int, path: Path) -> None:
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)
