"""A changed copy of a frozen value, several times faster than attrs' own.

A payment is copied four times on its way through one request, and `attrs.evolve` reads and sets every field one by
one. Classes that are copied often are frozen without slots, so that a copy is one dictionary's.
"""

from typing import Any, TypeVar

T = TypeVar("T")


def evolve(instance: T, /, **changes: Any) -> T:
    """A copy with some fields changed; raises ``TypeError`` for a field that there is not. Runs no validators."""
    members = instance.__dict__
    if not changes.keys() <= members.keys():
        unknown = ", ".join(sorted(changes.keys() - members.keys()))
        message = f"{type(instance).__name__} has no field {unknown}"
        raise TypeError(message)
    copy: T = object.__new__(type(instance))
    copy.__dict__.update(members)
    copy.__dict__.update(changes)
    return copy
