"""Lists: cursors, limits and spans of time, and the page that they make."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, TypeVar

from attrs import frozen

from fintech.domain.ids import Id
from fintech.entrypoints.http.errors import Problem, Refused
from fintech.entrypoints.http.kinds import Created, Integer, Span
from fintech.ports.queries import PAGE_MAX, Listed, Page

T = TypeVar("T")


#: What the two cursors are for; each list names whose ids they are.
OLDER: Final = "The last object of the page before: what follows is older."
NEWER: Final = "The first object of the page after: what precedes it is newer."


@frozen(kw_only=True)
class ListParams:
    """What every list takes. The classes of lists add their two cursors."""

    limit: Annotated[int, Integer(1, PAGE_MAX), "How many objects a page has."] = 10
    created: Annotated[Span | None, Created(), "Only what was created in this span of time."] = None
    starting_after: Id | None = None
    ending_before: Id | None = None

    def page(self) -> Page:
        """The page that is asked for. Raises `Refused` for two cursors at once."""
        if self.starting_after is not None and self.ending_before is not None:
            raise Refused(
                Problem(
                    code="parameters_exclusive",
                    message="You may only specify one of these parameters: starting_after, ending_before.",
                    param="ending_before",
                )
            )
        span = self.created or Span()
        return Page(
            limit=self.limit,
            after=self.starting_after,
            before=self.ending_before,
            created_from=span.start,
            created_until=span.end,
        )


def list_of(url: str, listed: Listed[T], render: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """A page as the wire has it; SDKs ask for the next one at ``url``."""
    return page_of(url, map(render, listed.items), has_more=listed.has_more)


def page_of(url: str, rendered: Iterable[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """A page of objects that are rendered already."""
    return {"object": "list", "url": url, "has_more": has_more, "data": list(rendered)}
