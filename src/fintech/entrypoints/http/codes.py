"""Codes as parameters: a postcode, a serial number. Short, of few characters, and told by their shape."""

import re
from typing import Any

from attrs import field, frozen

from fintech.entrypoints.http.errors import invalid, spoken
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.parameters import Kind, text_of, without_card_number


@frozen
class Code(Kind[str]):
    """A text of one shape: a regular expression without anchors. ``shape`` says it in words."""

    pattern: str
    shape: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, eq=False)

    @_compiled.default
    def _compile_once(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def read(self, value: Value, path: str) -> str:
        text = text_of(value, path)
        if not self._compiled.fullmatch(text):
            raise invalid(path, "parameter_invalid_value", f"{spoken(path)} is {self.shape}.")
        return without_card_number(text, path)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}
