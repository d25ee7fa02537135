"""Parameters: classes that say what an operation takes, and the reader that makes one of a form.

A parameter is an attrs field annotated with its `Kind`, which reads the text and describes it for OpenAPI, and with a
sentence about it; so the document cannot promise what the code does not do. Other names are refused, never ignored.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

import attrs
from attrs import frozen

from fintech.domain.card_numbers import shows_card_number
from fintech.entrypoints.http.errors import Refused, invalid, spoken
from fintech.entrypoints.http.forms import Value

P = TypeVar("P")
T_co = TypeVar("T_co", covariant=True)


class Kind(Protocol[T_co]):
    """What a parameter may be."""

    @abstractmethod
    def read(self, value: Value, path: str) -> T_co:
        """The value that a text stands for. Raises `Refused`, which names ``path`` and never says the value."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The same in JSON Schema."""


@frozen
class Nothing:
    """An operation without parameters of its own."""


@frozen
class Reader(Generic[P]):
    """Reads one class of parameters, compiled once."""

    made: type[P]
    kinds: Mapping[str, Kind[Any]]
    required: tuple[str, ...]

    def read(self, tree: Mapping[str, Value], within: str = "") -> P:
        """The parameters in a tree. Raises `Refused` for the first that is unknown, wrong or missing."""
        values: dict[str, Any] = {}
        kinds = self.kinds
        for name, value in tree.items():
            kind = kinds.get(name)
            path = f"{within}[{name}]" if within else name
            if kind is None:
                raise _unknown(path)
            values[name] = kind.read(value, path)
        for name in self.required:
            if name not in values:
                raise _absent(f"{within}[{name}]" if within else name)
        return self.made(**values)


@frozen
class Parameter:
    """One parameter as it is declared. ``default`` is attrs' NOTHING for one that is required."""

    name: str
    kind: Kind[Any]
    about: str
    default: Any

    @property
    def required(self) -> bool:
        """Whether it has to be there."""
        return self.default is attrs.NOTHING


def parameters_of(made: type[Any]) -> tuple[Parameter, ...]:
    """What a class of parameters declares, in its order."""
    hints = get_type_hints(made, include_extras=True)
    fields = [(field, hints[field.name].__metadata__) for field in attrs.fields(made)]
    return tuple(Parameter(field.name, kind, about, field.default) for field, (kind, about) in fields)


def reader_of(made: type[P]) -> Reader[P]:
    """The reader of a class of parameters; make it once."""
    parameters = parameters_of(made)
    return Reader(
        made,
        {parameter.name: parameter.kind for parameter in parameters},
        tuple(parameter.name for parameter in parameters if parameter.required),
    )


def described(made: type[Any]) -> dict[str, tuple[dict[str, Any], bool]]:
    """Each parameter's JSON Schema, and whether it is required."""
    return {
        parameter.name: (
            {**parameter.kind.schema(), "description": parameter.about}
            | ({} if parameter.default in (attrs.NOTHING, None, ()) else {"default": parameter.default}),
            parameter.required,
        )
        for parameter in parameters_of(made)
    }


def text_of(value: Value, path: str) -> str:
    """The value as a text that is not empty. Raises `Refused`."""
    if type(value) is not str:
        raise invalid(
            path, "parameter_invalid_value", f"{spoken(path)} is a single value, not a list or an object."
        )
    if not value:
        raise invalid(
            path,
            "parameter_invalid_empty",
            f"You passed an empty string for '{spoken(path)}'. We assume empty values are an attempt to unset a"
            f" parameter; however '{spoken(path)}' cannot be unset.",
        )
    return value


def without_card_number(text: str, path: str) -> str:
    """The text, which is going to be kept. Raises `Refused` for one with a card number in it."""
    if shows_card_number(text):
        raise invalid(
            path,
            "parameter_invalid_value",
            f"{spoken(path)} has something in it that looks like a card number. Card numbers are never kept: leave it"
            " out, or send it as the card's number only.",
        )
    return text


def _unknown(path: str) -> Refused:
    return invalid(path, "parameter_unknown", f"Received unknown parameter: {spoken(path)}")


def _absent(path: str) -> Refused:
    return invalid(path, "parameter_missing", f"Missing required param: {spoken(path)}.")
