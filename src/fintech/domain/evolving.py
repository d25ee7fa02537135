"""A changed copy of a frozen value, several times faster than attrs' own.

A payment is copied four times on its way through one request, and `attrs.evolve` reads and sets every field one by
one. Classes that are copied often are frozen without slots, so that a copy is one dictionary's.
"""

from typing import Any, TypeVar

T = TypeVar("T")


def evolve(instance: T, /, **changes: Any) -> T:
    """A copy with some fields changed; raises ``TypeError`` for a field that there is not. Runs no validators."""
    copy: T = object.__new__(instance.__class__)
    members = copy.__dict__
    members.update(instance.__dict__)
    fields = len(members)
    members.update(changes)
    if len(members) != fields:
        unknown = ", ".join(sorted(changes.keys() - instance.__dict__.keys()))
        message = f"{type(instance).__name__} has no field {unknown}"
        raise TypeError(message)
    return copy
