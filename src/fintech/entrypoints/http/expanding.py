"""Expansion: an id in an answer becomes the object itself, where ``expand`` asks for it, up to four levels down."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import frozen

from fintech.domain.scope import Scope
from fintech.entrypoints.http.errors import Refused, invalid, spoken
from fintech.entrypoints.http.kinds import Many, Text
from fintech.entrypoints.http.routes import Seen

DEPTH_MAX: Final = 4
EXPANSIONS_MAX: Final = 20

#: What ``expand`` looks like.
EXPAND: Final = Many(Text(200), EXPANSIONS_MAX)

#: The object with an id, or None if there is none.
Load: TypeAlias = Callable[[Scope, str, Seen], Awaitable[dict[str, Any] | None]]
#: Paths that share their beginnings.
Tree: TypeAlias = "dict[str, Tree]"


@frozen
class Expandable:
    """A member that can be expanded: what it may become, and how. ``of_owner``: it is loaded by its owner's id."""

    kinds: tuple[str, ...]
    load: Load
    of_owner: bool = False
    lists: bool = False


@frozen
class Expander:
    """Knows what can be expanded in each kind of object."""

    expandables: Mapping[str, Mapping[str, Expandable]]

    def plan(self, kind: str, paths: Sequence[str], *, lists: bool) -> Tree:
        """What to expand in an answer. Raises `Refused` for a path that leads nowhere, before anything is done."""
        plan: Tree = {}
        for place, path in enumerate(paths):
            steps = path.split(".")
            if len(steps) > DEPTH_MAX:
                raise _not_expandable(
                    place, path, f"You cannot expand more than {DEPTH_MAX} levels of a property."
                )
            self._check(place, path, kind, steps, lists=lists)
            node = plan
            for step in steps:
                node = node.setdefault(step, {})
        return plan

    def paths(self, kind: str, *, lists: bool) -> list[str]:
        """Every path that `plan` takes, shorter ones first."""

        def below(start: str, kinds: Sequence[str], *, lists: bool) -> Iterator[str]:
            for each in kinds:
                for step, expandable in self.expandables.get(each, {}).items():
                    path = f"{start}{'data.' if lists else ''}{step}"
                    if path.count(".") < DEPTH_MAX:
                        yield path
                        yield from below(f"{path}.", expandable.kinds, lists=expandable.lists)

        return sorted(set(below("", (kind,), lists=lists)), key=lambda path: (path.count("."), path))

    def _check(self, place: int, path: str, kind: str, steps: list[str], *, lists: bool) -> None:
        kinds: tuple[str, ...] = (kind,)
        for number, step in enumerate(steps):
            if lists:
                if step != "data" or number + 1 == len(steps):
                    raise _not_expandable(place, path)
                lists = False
                continue
            found = [self.expandables.get(each, {}).get(step) for each in kinds]
            known = [each for each in found if each is not None]
            if not known:
                raise _not_expandable(place, path)
            kinds = tuple(kind for each in known for kind in each.kinds)
            lists = any(each.lists for each in known) and number + 1 < len(steps)

    async def expand(self, scope: Scope, body: dict[str, Any], plan: Tree, seen: Seen) -> None:
        """Put the objects into the answer. What is null stays null, and what has gone meanwhile stays an id."""
        if body.get("object") == "list":
            inner = plan.get("data", {})
            await asyncio.gather(*(self.expand(scope, item, inner, seen) for item in body["data"]))
            return
        expandables = self.expandables.get(body.get("object", ""), {})
        for step, inner in plan.items():
            expandable = expandables.get(step)
            if expandable is None:
                continue
            id = body["id"] if expandable.of_owner else body.get(step)
            loaded = await expandable.load(scope, id, seen) if isinstance(id, str) else None
            if loaded is not None:
                body[step] = loaded
                await self.expand(scope, loaded, inner, seen)


def _not_expandable(place: int, path: str, message: str | None = None) -> Refused:
    return invalid(
        f"expand[{place}]",
        "parameter_invalid_value",
        message or f"This property cannot be expanded ({spoken(path)}).",
    )
