"""What two cores must agree on: everything that can be observed, but for the characters of ids.

Two stores that do the same work may consume ids in another order (a sweep works on several things at once), so ids
are compared by what they name and not by their characters.
"""

import re
from collections.abc import Mapping
from typing import Any

from attrs import fields, has

_ID = re.compile(r"([a-z]+_)[0-9abcdefghjkmnpqrstvwxyz]{24,28}(?![0-9a-z])")
#: Derived from an id.
_DERIVED = {"auth_code", "fingerprint"}


def view(value: Any) -> Any:
    """A value as nested tuples of plain things, ids reduced to their prefixes."""
    if isinstance(value, str):
        return _ID.sub(r"\1", value)
    if has(type(value)):
        members = ((each.name, getattr(value, each.name)) for each in fields(type(value)))
        return (
            type(value).__name__,
            *((name, view(member)) for name, member in members if name not in _DERIVED),
        )
    if isinstance(value, Mapping):
        return tuple(sorted((repr(view(key)), view(member)) for key, member in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(view(member) for member in value)
    inner = getattr(value, "_inner_value", None)  # Success and Failure
    if inner is not None:
        return (type(value).__name__, view(inner))
    return value
