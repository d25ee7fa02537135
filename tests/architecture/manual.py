"""Writes the page of the command line from the commands themselves: ``python -m tests.architecture.manual``."""

from collections.abc import Iterator
from pathlib import Path

import click

from fintech.entrypoints.cli import cli

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "cli.md"
HEAD = """# Command line

This page is made from the commands' own help (`python -m tests.architecture.manual`).
"""


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """The help of a command and of those below it."""
    settings = {**command.context_settings, "max_content_width": 110, "terminal_width": 110}
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=parent, **settings)
    yield f"## {name}\n\n```text\n{command.get_help(context).strip()}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from pages(found, f"{name} {below}", context)


def manual() -> str:
    """The page."""
    return "\n".join([HEAD, *pages(cli, "fintech")])


if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")
