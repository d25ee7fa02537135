"""A group of commands that knows their names and is spared their imports."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from attrs import frozen


@frozen
class Listed:
    """Where a command is (``module:name``), and its line in the list."""

    origin: str
    summary: str


class LazyGroup(click.Group):
    """Imports a command when it is called, not when it is listed."""

    def __init__(self, *args: Any, lazy: Mapping[str, Listed], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they were given."""
        del ctx
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None if there is no such."""
        del ctx
        listed = self.lazy.get(cmd_name)
        if listed is None:
            return None
        module, _, name = listed.origin.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, from what was said at the listing."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.summary) for name, listed in self.lazy.items()])
