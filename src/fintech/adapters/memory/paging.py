"""Pages of what is in memory."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from fintech.ports.queries import Listed, Page

T = TypeVar("T")


def listed(
    items: Iterable[T],
    page: Page,
    id_of: Callable[[T], str],
    created: Callable[[T], datetime],
    places: dict[str, str] | None = None,
) -> Listed[T]:
    """One page of items, newest first. ``places`` gives the order where ids do not."""

    def place(id: str) -> str:
        return id if places is None else places.get(id, "")

    wanted = [
        item
        for item in items
        if (page.created_from is None or created(item) >= page.created_from)
        and (page.created_until is None or created(item) < page.created_until)
        and (page.after is None or place(id_of(item)) < place(page.after))
        and (page.before is None or place(id_of(item)) > place(page.before))
    ]
    wanted.sort(key=lambda item: place(id_of(item)), reverse=page.before is None)
    items_of_page = wanted[: page.limit]
    if page.before is not None:
        items_of_page.reverse()
    return Listed(tuple(items_of_page), has_more=len(wanted) > page.limit)
