"""Whole lists, read page by page, so that nothing grows with the list but the time it takes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from attrs import evolve

from fintech.domain.merchants import Merchant
from fintech.entrypoints.container import Core
from fintech.ports.queries import PAGE_MAX, Listed, Page

T = TypeVar("T")


async def all_of(
    read: Callable[[Page], Awaitable[Listed[T]]],
    id_of: Callable[[T], str],
    page: Page,
    limit: int | None = None,
) -> AsyncIterator[T]:
    """Everything that the page's filters let through, newest first, at most ``limit``."""
    left = limit
    while left is None or left > 0:
        size = PAGE_MAX if left is None else min(PAGE_MAX, left)
        listed = await read(evolve(page, limit=size))
        for item in listed.items:
            yield item
        if not listed.has_more or not listed.items:
            return
        page = evolve(page, after=id_of(listed.items[-1]))
        left = None if left is None else left - len(listed.items)


async def merchants_of(core: Core, *, livemode: bool, limit: int | None = None) -> AsyncIterator[Merchant]:
    """All merchants of a mode, newest first."""

    async def read(page: Page) -> Listed[Merchant]:
        return await core.queries().merchants(livemode, page)

    async for each in all_of(read, lambda merchant: merchant.id, Page(), limit):
        yield each
