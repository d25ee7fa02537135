"""What commands about terminals and locations take."""

import re
from typing import Any, Final

import click

from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.terminals import NUMBER_PATTERN, SERIAL_PATTERN
from fintech.entrypoints.cli.options import IdType


class CodeType(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """A text of one shape."""

    def __init__(self, name: str, pattern: str, shape: str) -> None:
        self.name = name
        self._pattern = re.compile(pattern)
        self._shape = shape

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself."""
        if not self._pattern.fullmatch(str(value)):
            self.fail(f"{value!r} is not {self._shape}", param, ctx)
        return str(value)


class TerminalType(click.ParamType):  # type: ignore[type-arg] # the same
    """A terminal by its id or by the number that is printed on its receipts."""

    name = "tmr_…|number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> TerminalId | str:
        """The id, or the number as it is."""
        id = TerminalId.parse(str(value))
        return id if id is not None else NUMBER.convert(value, param, ctx)


LOCATION: Final = IdType(LocationId)
NUMBER: Final = CodeType("number", NUMBER_PATTERN, "a terminal's number: eight digits and capital letters")
SERIAL: Final = CodeType("serial", SERIAL_PATTERN, "a serial number: digits, letters and hyphens")
TERMINAL: Final = TerminalType()
