"""Listening: events in the order in which they were committed, from now on, wherever they can be read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import frozen

from fintech.domain.events import Event
from fintech.domain.scope import Scope
from fintech.ports.queries import PAGE_MAX, Page, Queries

INTERVAL_S: Final = 0.5
#: How many events may have happened between two looks; whoever was away longer has missed the older ones.
BEHIND_MAX: Final = 10_000


@frozen
class Heard:
    """An event as the wire has it."""

    id: str
    type: str
    body: Mapping[str, Any]


@frozen(kw_only=True)
class Cursor:
    """Which events: newer than the one, older than the other, or the newest."""

    newer: str | None = None
    older: str | None = None


#: One look: the events after a cursor, newest first, and whether there are more; without one, the newest.
Look: TypeAlias = Callable[[Cursor], Awaitable[tuple[Sequence[Heard], bool]]]


async def newest(look: Look) -> str | None:
    """The event that is the newest now, or None where nothing has happened yet."""
    page, _ = await look(Cursor())
    return page[0].id if page else None


async def events_after(look: Look, last: str | None, interval_s: float = INTERVAL_S) -> AsyncIterator[Heard]:
    """What happens after an event, oldest first, within ``interval_s`` of its commit and never out of order.

    The list of events ends below the oldest open commit, so nothing appears later behind a cursor.
    """
    while True:
        heard, more = await _next(look, last)
        for each in heard:
            yield each
        last = heard[-1].id if heard else last
        if not more:
            await asyncio.sleep(interval_s)


async def _next(look: Look, last: str | None) -> tuple[Sequence[Heard], bool]:
    """The page after an event, oldest first; with no event to begin at, all there are."""
    if last is not None:
        page, more = await look(Cursor(newer=last))
        return page[::-1], more
    heard: list[Heard] = []
    page, more = await look(Cursor())
    heard += page
    while more and len(heard) < BEHIND_MAX:
        page, more = await look(Cursor(older=heard[-1].id))
        heard += page
    return heard[::-1], False


def look_at_core(
    queries: Queries, scope: Scope, types: Sequence[str], render: Callable[[Event, bool], dict[str, Any]]
) -> Look:
    """Reads the log of a core."""

    async def look(cursor: Cursor) -> tuple[Sequence[Heard], bool]:
        page = Page(limit=PAGE_MAX, before=cursor.newer, after=cursor.older)
        listed = await queries.events(scope, page, types)
        return [
            Heard(each.id, each.type, render(each, scope.livemode)) for each in listed.items
        ], listed.has_more

    return look


def look_over_http(get: Callable[[dict[str, str]], Awaitable[dict[str, Any]]], types: Sequence[str]) -> Look:
    """Reads ``/v1/events`` of a service; ``get`` takes the query and answers the list."""

    async def look(cursor: Cursor) -> tuple[Sequence[Heard], bool]:
        query = {"limit": str(PAGE_MAX)} | {f"types[{place}]": each for place, each in enumerate(types)}
        if cursor.newer is not None:
            query["ending_before"] = cursor.newer
        if cursor.older is not None:
            query["starting_after"] = cursor.older
        listed = await get(query)
        return [Heard(each["id"], each["type"], each) for each in listed["data"]], listed["has_more"]

    return look
