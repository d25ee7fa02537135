"""Aggregates as JSON documents: the row's own copy and the snapshot in the event are the same text.

Fields that have their default are left out, so a document written before a field existed reads as one that has the
default. Nothing else may change in the shape of an aggregate without a migration of its documents.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

import orjson
from attrs import NOTHING, Attribute, Factory, fields, has
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn

from fintech.domain.events import Aggregate
from fintech.domain.ids import Id
from fintech.domain.scope import Actor

T = TypeVar("T")


def encode(value: object, version: int | None = None) -> str:
    """The document of an aggregate (under the version that it is saved with) or of any other frozen value."""
    if version is None:
        return orjson.dumps(value, default=_unslotted).decode()
    members = _unslotted(value)
    members["version"] = version
    return orjson.dumps(members, default=_unslotted).decode()


def decode(kind: type[T], document: str | bytes) -> T:
    """The value that a document was made of."""
    return _CONVERTER.structure(orjson.loads(document), kind)


def decode_aggregate(id: str, document: str | bytes) -> Aggregate:
    """The aggregate of a document, its type told by the prefix of its id."""
    return decode(_kind_of(id), document)


def _unslotted(value: object) -> dict[str, object]:
    if isinstance(value, bytes):
        return value.hex()  # type: ignore[return-value]  # orjson takes any value from its default hook
    members = {}
    for name, default in _members(type(value)):
        member = getattr(value, name)
        if member is not default:
            members[name] = member
    return members


@lru_cache(maxsize=256)
def _members(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    return tuple((attribute.name, _default(attribute)) for attribute in fields(kind) if attribute.init)


def _default(attribute: "Attribute[Any]") -> object:
    default = attribute.default
    return NOTHING if isinstance(default, Factory) else default  # type: ignore[arg-type]  # a class at run time


@lru_cache(maxsize=16)
def _prefixes() -> dict[str, type[Any]]:
    from typing import get_args, get_type_hints

    return {get_type_hints(kind)["id"].PREFIX: kind for kind in get_args(Aggregate)}


def _kind_of(id: str) -> type[Any]:
    return _prefixes()[id[: id.index("_") + 1]]


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_structure_hook(bytes, lambda value, _: bytes.fromhex(value))
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Id), lambda value, kind: kind(value)
    )
    converter.register_structure_hook_factory(
        has, lambda kind: make_dict_structure_fn(kind, converter, _cattrs_detailed_validation=False)
    )
    return converter


_CONVERTER: Final = _converter()

__all__ = ["Actor", "decode", "decode_aggregate", "encode"]
