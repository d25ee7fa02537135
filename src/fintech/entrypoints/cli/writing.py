"""Files that commands write: whole under their name, or not at all."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click

from fintech.entrypoints.cli.working import Unavailable

TABLE: Final = "table"
JSON: Final = "json"


def format_of(shown_as: str, *, as_json: bool) -> str:
    """What --format and --json say together."""
    if as_json and shown_as not in (TABLE, JSON):
        raise click.UsageError(f"say --format {shown_as} or --json, not both")
    return JSON if as_json else shown_as


def require_file(output: Path | None) -> None:
    """What is no text does not go to a terminal."""
    if output is None and sys.stdout.isatty():
        raise click.UsageError("a PDF is not for a terminal: say --output FILE")


@contextmanager
def written(output: Path | None) -> Iterator[BinaryIO]:
    """What to write to: a file that is there once all of it is, for its owner's eyes only; else standard output."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise Unavailable(f"{output} cannot be written: {error.strerror}") from error
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        made.replace(output)
    except OSError as error:
        raise Unavailable(f"{output} cannot be written: {error.strerror}") from error
    finally:
        made.unlink(missing_ok=True)
