"""Removing sealed values: all of a merchant's, once its keys are destroyed; and those that nobody needs (`retention`)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from fintech.domain.keys.places import Place
from fintech.domain.scope import Scope
from fintech.ports.protected_store import ProtectedStore

#: How many values are listed at once, and of how many records they are removed at once.
BATCH: Final = 500
AT_ONCE: Final = 8


async def remove_records(protected: ProtectedStore, scope: Scope, records: Sequence[tuple[str, str]]) -> int:
    """Remove the values of some records, each named by its table and id; how many values there were."""
    waiting = iter(dict.fromkeys(records))
    removed = 0

    async def worker() -> None:
        nonlocal removed
        for table, record in waiting:
            count = await protected.remove(scope, table, record)
            removed += count

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(worker())
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return removed


async def remove_all(protected: ProtectedStore, scope: Scope, now: datetime, most: int) -> tuple[int, bool]:
    """Remove a merchant's values, up to about ``most``; how many there were, and whether none are left."""
    removed = 0
    horizon = now + timedelta(days=36_500)  # whatever a clock that was wrong has said of some
    after: Place | None = None
    while removed < most:
        values = await protected.listed(scope, horizon, after, BATCH)
        if not values:
            if after is None:
                return removed, True
            after = None
            continue
        removed += await remove_records(
            protected, scope, [(value.place.table, value.place.record) for value in values]
        )
        after = values[-1].place
    return removed, not await protected.listed(scope, horizon, None, 1)
