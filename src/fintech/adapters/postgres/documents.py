"""Aggregates as JSON documents: the row's own copy and the snapshot in the event are the same text.

Fields that have their default are left out, so a document written before a field existed reads as one that has the
default. Nothing else may change in the shape of an aggregate without a migration of its documents.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson
from attrs import NOTHING, Attribute, Factory, fields, has
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn

from fintech.domain.events import Aggregate
from fintech.domain.ids import Id
from fintech.domain.payment_methods import Method

T = TypeVar("T")

#: Documents that are read again and again (a merchant's with each of its payments) are understood once.
DECODED_MAX: Final = 4_096


def encode(value: object, version: int | None = None) -> str:
    """The document of an aggregate (under the version that it is saved with) or of any other frozen value."""
    if version is None:
        return orjson.dumps(value, default=_plain).decode()
    members = _unslotted(value)
    members["version"] = version
    return orjson.dumps(members, default=_plain).decode()


def decode(kind: type[T], document: str) -> T:
    """The value that a document was made of. It is frozen, so that readers of the same document share it."""
    hashable: Any = kind
    value: T = _decoded(hashable, document)
    return value


@lru_cache(maxsize=DECODED_MAX)
def _decoded(kind: Any, document: str) -> Any:
    return _CONVERTER.structure(orjson.loads(document), kind)


def decode_aggregate(id: str, document: str) -> Aggregate:
    """The aggregate of a document, its type told by the prefix of its id."""
    aggregate: Aggregate = decode(_kinds()[id[: id.index("_") + 1]], document)
    return aggregate


def _plain(value: Any) -> object:
    kind = type(value)
    if kind is Method:
        return _method(value)
    return value.hex() if kind is bytes else _unslotted(value)


@lru_cache(maxsize=10_000)
def _method(method: Method) -> orjson.Fragment:
    """A card is presented again and again, and never changes."""
    return orjson.Fragment(orjson.dumps(_unslotted(method), default=_plain))


def _unslotted(value: Any) -> dict[str, object]:
    members = {}
    for name, default in _members(value.__class__):
        member = getattr(value, name)
        if member is not default:
            members[name] = member
    return members


@lru_cache(maxsize=256)
def _members(kind: Any) -> tuple[tuple[str, object], ...]:
    attributes = fields(kind)
    return tuple((attribute.name, _default(attribute)) for attribute in attributes if attribute.init)


def _default(attribute: "Attribute[Any]") -> object:
    default = attribute.default
    return NOTHING if isinstance(default, Factory) else default  # type: ignore[arg-type]  # a class at run time


@lru_cache(maxsize=16)
def _kinds() -> dict[str, Any]:
    return {get_type_hints(kind)["id"].PREFIX: kind for kind in get_args(Aggregate)}


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_structure_hook(date, lambda value, _: date.fromisoformat(value))
    converter.register_structure_hook(time, lambda value, _: time.fromisoformat(value))
    converter.register_structure_hook(bytes, lambda value, _: bytes.fromhex(value))
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Id), lambda value, kind: kind(value)
    )
    converter.register_structure_hook_factory(_is_many, lambda kind: _many(converter, kind))
    converter.register_structure_hook_factory(_is_optional, lambda kind: _optional(converter, kind))
    converter.register_structure_hook_factory(
        has, lambda kind: make_dict_structure_fn(kind, converter, _cattrs_detailed_validation=False)
    )
    return converter


# What is inside a tuple or beside None is asked for once, where cattrs asks at each value: it halves the time.


def _is_many(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def _many(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    each = get_args(kind)[0]
    hook = converter.get_structure_hook(each)
    return lambda values, _: tuple([hook(value, each) for value in values])


def _is_optional(kind: Any) -> bool:
    inner = get_args(kind)
    return get_origin(kind) in (Union, UnionType) and len(inner) == 2 and NoneType in inner


def _optional(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    each = next(inner for inner in get_args(kind) if inner is not NoneType)
    hook = converter.get_structure_hook(each)
    return lambda value, _: None if value is None else hook(value, each)


_CONVERTER: Final = _converter()
