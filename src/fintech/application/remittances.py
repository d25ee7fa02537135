"""Remittances: finding the lines that a payout pays for."""

import asyncio
from datetime import datetime
from typing import Final

from attrs import frozen

from fintech.domain.balance_settings import Remitted
from fintech.domain.ids import ChangesetId, PayoutId
from fintech.domain.outcome import Outcome
from fintech.domain.remittances import Attributed, Remittance, RemittanceRefusal, Remitting
from fintech.domain.scope import Scope
from fintech.ports.queries import Queries
from fintech.ports.store import Store

#: How many lines are read at a time.
LINES_READ_MAX: Final = 5_000


@frozen(kw_only=True)
class Remit:
    """Attribute what a payout takes from the balance to the lines that no payout has paid for yet.

    A decision about a payout asks it and commits the pages and `Attributed.remitted` with the payout, under the version
    of the settings that ``remitted`` was read from: so no two payouts pay for the same line.
    """

    store: Store
    queries: Queries

    async def __call__(
        self,
        scope: Scope,
        remitted: Remitted,
        payout: PayoutId,
        *,
        total_minor: int,
        at: datetime,
        changeset: ChangesetId,
    ) -> Outcome[Attributed, RemittanceRefusal]:
        """Refused as `Remitting.attributed` refuses. Reads no further than the total reaches."""
        pages = await asyncio.gather(*(self.store.remittance(scope, id) for id in remitted.recent))
        recent = [page for page in pages if isinstance(page, Remittance)]
        assert len(recent) == len(pages), "a remittance that the settings name is not there"
        remitting = Remitting(remitted, recent, total_minor=total_minor, at=at)
        after, more = remitted.closed, True
        while more:
            lines = await self.queries.lines_since(scope, after, LINES_READ_MAX)
            more = remitting.take(lines) and len(lines) == LINES_READ_MAX
            after = lines[-1].movement if lines else after
        return remitting.attributed(payout, changeset)
