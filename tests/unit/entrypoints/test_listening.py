"""Listening hears everything once and in order, however much happens between two looks."""

from collections.abc import Sequence
from typing import Any

from fintech.entrypoints.listening import Cursor, Heard, Look, events_after, look_over_http, newest


class Log:
    """A log of numbers, in pages of three."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def look(self, cursor: Cursor) -> tuple[Sequence[Heard], bool]:
        numbers = list(range(1, self.count + 1))
        if cursor.newer is not None:
            numbers = [each for each in numbers if each > int(cursor.newer)]
            page = numbers[:3]
        else:
            older = int(cursor.older) if cursor.older is not None else self.count + 1
            numbers = [each for each in numbers if each < older]
            page = numbers[-3:]
        return [Heard(str(each), "t", {}) for each in reversed(page)], len(numbers) > 3


async def hear(look: Look, last: str | None, count: int) -> list[int]:
    heard: list[int] = []
    async for each in events_after(look, last, 0.001):
        heard.append(int(each.id))
        if len(heard) == count:
            return heard
    return heard


async def test_everything_since_an_event_in_order() -> None:
    log = Log(4)
    last = await newest(log.look)
    assert last == "4"
    log.count = 20
    assert await hear(log.look, last, 16) == list(range(5, 21))


async def test_from_nothing_on() -> None:
    log = Log(0)
    last = await newest(log.look)
    assert last is None
    log.count = 11
    assert await hear(log.look, last, 11) == list(range(1, 12))


async def test_over_http_the_query_says_it() -> None:
    asked: list[dict[str, str]] = []

    async def get(query: dict[str, str]) -> dict[str, Any]:
        asked.append(query)
        return {"data": [{"id": "evt_1", "type": "payout.paid"}], "has_more": True}

    look = look_over_http(get, ["payout.paid", "payout.failed"])
    page, more = await look(Cursor(newer="evt_0"))
    await look(Cursor(older="evt_9"))
    assert ([each.id for each in page], more) == (["evt_1"], True)
    types = {"limit": "100", "types[0]": "payout.paid", "types[1]": "payout.failed"}
    assert asked == [types | {"ending_before": "evt_0"}, types | {"starting_after": "evt_9"}]
