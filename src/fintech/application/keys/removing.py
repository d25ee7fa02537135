"""Removing all of a merchant's sealed values, once its keys are destroyed."""

from datetime import datetime, timedelta
from typing import Final

from fintech.domain.scope import Scope
from fintech.ports.protected_store import ProtectedStore

#: How many values are removed at once.
BATCH: Final = 500
#: Whatever a clock that was wrong has said of when something was put.
_HORIZON: Final = timedelta(days=36_500)


async def remove_all(protected: ProtectedStore, scope: Scope, now: datetime, most: int) -> tuple[int, bool]:
    """Remove a merchant's values, up to about ``most``; how many there were, and whether none are left."""
    removed = 0
    while values := await protected.listed(scope, now + _HORIZON, None, BATCH):
        if removed >= most:
            return removed, False
        removed += await protected.discard(scope, values)
    return removed, True
