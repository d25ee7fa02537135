"""What any page of any list should show, reckoned by counting places in the whole list."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from random import Random
from typing import TypeVar

from fintech.ports.queries import Listed, Page

T = TypeVar("T")
#: A list's ids with the moments that it can be filtered by, newest first.
Expected = list[tuple[str, datetime]]
List = Callable[[Page], Awaitable[Listed[T]]]


def page_of(expected: Expected, page: Page) -> tuple[list[str], bool]:
    """What a page shows of a list, by counting places in it."""
    ids = [id for id, _ in expected]
    first = 0 if page.after is None else ids.index(page.after) + 1
    last = len(ids) if page.before is None else ids.index(page.before)
    shown = [
        id
        for id, at in expected[first:last]
        if (page.created_from is None or at >= page.created_from)
        and (page.created_until is None or at < page.created_until)
    ]
    nearest = shown[: page.limit] if page.before is None else shown[-page.limit :]
    return nearest, len(shown) > page.limit


def chance_page(chance: Random, expected: Expected) -> Page:
    """Any page of a list."""
    places = sorted(chance.choices(range(len(expected)), k=2))
    moments = sorted(at for _, at in chance.choices(expected, k=2))
    return Page(
        limit=chance.choice((1, 2, 3, 10, 100)),
        after=expected[places[0]][0] if chance.random() < 0.4 else None,
        before=expected[places[1]][0] if chance.random() < 0.4 else None,
        created_from=moments[0] if chance.random() < 0.3 else None,
        created_until=moments[1] if chance.random() < 0.3 else None,
    )


async def walked(
    wanted: List[T], id_of: Callable[[T], str], limit: int, start: str | None = None
) -> list[str]:
    """The ids of a whole list, page by page: from the newest to the oldest, or from ``start`` to the newest."""
    found: list[str] = []
    cursor, more = start, True
    while more:
        page = Page(limit=limit, after=cursor) if start is None else Page(limit=limit, before=cursor)
        listed = await wanted(page)
        ids = [id_of(item) for item in listed.items]
        assert len(ids) <= limit
        assert ids, "a page that was promised is empty"
        assert not set(found).intersection(ids), "an item is listed twice"
        found = [*found, *ids] if start is None else [*ids, *found]
        cursor, more = (ids[-1] if start is None else ids[0]), listed.has_more
    return found


async def check(chance: Random, wanted: List[T], id_of: Callable[[T], str], expected: Expected) -> None:
    """A list is what it should be: whole, in pages of any size both ways, and on any page."""
    ids = [id for id, _ in expected]
    assert len(ids) > 3, "too little happened to tell"
    for limit in (1, 3, len(ids), 100):
        assert await walked(wanted, id_of, limit) == ids
        assert await walked(wanted, id_of, limit, start=ids[-1]) == ids[:-1]
    for _ in range(30):
        page = chance_page(chance, expected)
        listed = await wanted(page)
        assert ([id_of(item) for item in listed.items], listed.has_more) == page_of(expected, page), page
