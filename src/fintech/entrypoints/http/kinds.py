"""The kinds of parameters: what their text looks like, what it becomes, and how OpenAPI says it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from attrs import field, frozen

from fintech.domain.card_numbers import is_security_code
from fintech.domain.ids import Id
from fintech.domain.metadata import METADATA_KEYS_MAX, Metadata
from fintech.domain.money import AMOUNT_MAX_MINOR
from fintech.entrypoints.http.errors import Refused, invalid, missing, spoken
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.parameters import (
    Kind,
    Reader,
    described,
    reader_of,
    text_of,
    without_card_number,
)

METADATA_KEY_LENGTH_MAX: Final = 40
METADATA_VALUE_LENGTH_MAX: Final = 500
#: The last second of the year 9999, after which there are no dates here.
TIMESTAMP_MAX: Final = 253_402_300_799

#: No control characters but tab, line feed and carriage return; the same as forms take.
TEXT_PATTERN: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
KEY_PATTERN: Final = r"^[^\[\]\x00-\x1f\x7f-\x9f]+$"

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_SECOND: Final = timedelta(seconds=1)

T = TypeVar("T")
I = TypeVar("I", bound=Id)  # noqa: E741 - the letter of the type that it is bound to


@frozen
class Text(Kind[str]):
    """Text of at most ``most`` characters. ``clears``: an empty one is a value too, and unsets what was there.

    ``kept``: it is written freely and stored as it is, so that it may not have a card number in it.
    """

    most: int
    clears: bool = False
    kept: bool = False

    def read(self, value: Value, path: str) -> str:
        if self.clears and value == "":
            return ""
        text = text_of(value, path)
        if len(text) > self.most:
            message = f"{spoken(path)} is at most {self.most} characters long."
            raise invalid(path, "parameter_invalid_string_too_long", message)
        return without_card_number(text, path) if self.kept else text

    def schema(self) -> dict[str, Any]:
        schema = {"type": "string", "maxLength": self.most, "pattern": TEXT_PATTERN}
        return schema if self.clears else schema | {"minLength": 1}


@frozen
class Integer(Kind[int]):
    """A whole number in decimal digits, without a plus, a point or a leading zero."""

    least: int
    most: int

    def read(self, value: Value, path: str) -> int:
        text = text_of(value, path)
        if _INTEGER.fullmatch(text) is None:
            raise invalid(path, "parameter_invalid_integer", f"{spoken(path)} is not a whole number.")
        number = int(text)
        if not self.least <= number <= self.most:
            message = f"{spoken(path)} is a number from {self.least} to {self.most}."
            raise invalid(path, "parameter_invalid_integer", message)
        return number

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


#: What an operation that changes metadata says of it.
METADATA_CHANGES: Final = (
    "Keys and values to be added or changed; an empty value removes its key, an empty text every key."
)

#: An amount in minor units of its currency.
AMOUNT: Final = Integer(1, AMOUNT_MAX_MINOR)


@frozen
class Flag(Kind[bool]):
    """``true`` or ``false``."""

    def read(self, value: Value, path: str) -> bool:
        text = text_of(value, path)
        if text not in ("true", "false"):
            raise invalid(path, "parameter_invalid_boolean", f"{spoken(path)} is true or false.")
        return text == "true"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@frozen
class Choice(Kind[T], Generic[T]):
    """One of some words. ``folds``: in capitals, too."""

    values: Mapping[str, T]
    folds: bool = False

    def read(self, value: Value, path: str) -> T:
        text = text_of(value, path)
        if self.folds:
            text = text.lower()
        if text not in self.values:
            message = f"{spoken(path)} is one of {', '.join(self.values)}."
            raise invalid(path, "parameter_invalid_value", message)
        return self.values[text]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


@frozen
class Reference(Kind[I], Generic[I]):
    """An id of a kind; whether there is such a thing is another question."""

    id: type[I]
    kind: str

    def read(self, value: Value, path: str) -> I:
        text = text_of(value, path)
        parsed = self.id.parse(text)
        if parsed is None:
            raise missing(self.kind, text, path)
        return parsed

    def schema(self) -> dict[str, Any]:
        pattern = rf"^{self.id.PREFIX}[0-9abcdefghjkmnpqrstvwxyz]{{{self.id.LENGTH}}}$"
        return {"type": "string", "pattern": pattern}


@frozen
class Many(Kind[tuple[T, ...]], Generic[T]):
    """A list of at most ``most``, with ``[]`` or with positions, which are gone through in their order."""

    each: Kind[T]
    most: int

    def read(self, value: Value, path: str) -> tuple[T, ...]:
        if isinstance(value, str) or (
            isinstance(value, dict) and not all(key.isascii() and key.isdigit() for key in value)
        ):
            raise invalid(path, "parameter_invalid_value", f"{spoken(path)} is a list.")
        items = value if isinstance(value, list) else [value[key] for key in sorted(value, key=_position)]
        if len(items) > self.most:
            raise invalid(path, "parameter_invalid_value", f"{spoken(path)} has at most {self.most} items.")
        return tuple(self.each.read(item, f"{path}[{place}]") for place, item in enumerate(items))

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.each.schema(), "maxItems": self.most}


@frozen
class Nested(Kind[T], Generic[T]):
    """An object with parameters of its own."""

    made: type[T]
    _reader: Reader[T] = field(init=False, repr=False, eq=False)

    @_reader.default
    def _read_once(self) -> Reader[T]:
        return reader_of(self.made)

    def read(self, value: Value, path: str) -> T:
        if not isinstance(value, dict):
            raise invalid(path, "parameter_invalid_value", f"{spoken(path)} is an object.")
        return self._reader.read(value, path)

    def schema(self) -> dict[str, Any]:
        fields = described(self.made)
        return {
            "type": "object",
            "properties": {name: schema for name, (schema, _) in fields.items()},
            "required": [name for name, (_, required) in fields.items() if required],
            "additionalProperties": False,
        }


@frozen
class Pairs(Kind[Metadata]):
    """A merchant's own keys and values, none with a card number or a security code in it.

    An empty value removes its key; nothing at all (``()``) means remove them all.
    """

    def read(self, value: Value, path: str) -> Metadata:
        if not value:
            return ()
        if not isinstance(value, dict):
            raise invalid(path, "parameter_invalid_value", f"{spoken(path)} is an object of keys and values.")
        if len(value) > METADATA_KEYS_MAX:
            raise too_many_keys(path)
        pairs = []
        for key, each in value.items():
            where = f"{path}[{key}]"
            if len(key) > METADATA_KEY_LENGTH_MAX:
                message = f"Keys of {path} are at most {METADATA_KEY_LENGTH_MAX} characters long."
                raise invalid(where, "parameter_invalid_string_too_long", message)
            if type(each) is not str:
                raise invalid(where, "parameter_invalid_value", f"Values of {path} are texts.")
            if len(each) > METADATA_VALUE_LENGTH_MAX:
                message = f"Values of {path} are at most {METADATA_VALUE_LENGTH_MAX} characters long."
                raise invalid(where, "parameter_invalid_string_too_long", message)
            if is_security_code(key, each):
                message = f"{spoken(where)} looks like a card's security code, which is never kept."
                raise invalid(where, "parameter_invalid_value", message)
            pairs.append((without_card_number(key, where), without_card_number(each, where)))
        return tuple(pairs)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "maxProperties": METADATA_KEYS_MAX,
            "propertyNames": {"minLength": 1, "maxLength": METADATA_KEY_LENGTH_MAX, "pattern": KEY_PATTERN},
            "additionalProperties": {
                "type": "string",
                "maxLength": METADATA_VALUE_LENGTH_MAX,
                "pattern": TEXT_PATTERN,
            },
        }


@frozen
class Span:
    """A span of time: from a moment (inclusive) until another (exclusive), either of which may be open."""

    start: datetime | None = None
    end: datetime | None = None


@frozen
class Created(Kind[Span]):
    """A second, or an object of ``gt``, ``gte``, ``lt`` and ``lte``, in Unix seconds, which moments are rounded down to."""

    def read(self, value: Value, path: str) -> Span:
        second = Integer(0, TIMESTAMP_MAX - 1)
        if isinstance(value, str):
            at = datetime.fromtimestamp(second.read(value, path), UTC)
            return Span(at, at + _SECOND)
        if not isinstance(value, dict) or not value.keys() <= {"gt", "gte", "lt", "lte"}:
            message = f"{spoken(path)} is a Unix time, or an object of gt, gte, lt and lte."
            raise invalid(path, "parameter_invalid_value", message)
        bounds = {
            name: datetime.fromtimestamp(second.read(each, f"{path}[{name}]"), UTC)
            for name, each in value.items()
        }
        after = [bounds[name] + _SECOND * (name == "gt") for name in ("gt", "gte") if name in bounds]
        before = [bounds[name] + _SECOND * (name == "lte") for name in ("lt", "lte") if name in bounds]
        return Span(max(after, default=None), min(before, default=None))

    def schema(self) -> dict[str, Any]:
        second = {"type": "integer", "minimum": 0, "maximum": TIMESTAMP_MAX - 1}
        bounds = dict.fromkeys(("gt", "gte", "lt", "lte"), second)
        return {"anyOf": [second, {"type": "object", "properties": bounds, "additionalProperties": False}]}


def words(*values: T) -> Choice[T]:
    """A choice among values that are spelt as they are."""
    return Choice({str(value): value for value in values})


def too_many_keys(path: str = "metadata") -> Refused:
    """Metadata would have more keys than it may."""
    return invalid(path, "parameter_invalid_value", f"{path} has at most {METADATA_KEYS_MAX} keys.")


def _position(key: str) -> int:
    return int(key) if len(key) < 10 else 10**10
