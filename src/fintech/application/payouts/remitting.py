"""What a payout pays for: the one call that the making of a payout makes."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import frozen

from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.chart import BALANCE_BUCKETS, bucket_of
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payouts.payout import Payout
from fintech.domain.remittances import Attributing, LinesMissing, Remittance, RemittanceRefusal
from fintech.domain.scope import Scope
from fintech.ports.queries import Queries
from fintech.ports.store import Store

#: How many lines are read at a time.
LINES_READ_MAX: Final = 5_000
#: How often it is looked at again whether lines are missing or only late, while others go on booking.
LOOKS_MAX: Final = 5


@frozen
class Remitting:
    """The settings with how far payouts have come by now, and the pages of what the payout pays for."""

    settings: BalanceSettings
    pages: tuple[Remittance, ...] = ()


@frozen(kw_only=True)
class RemitLines:
    """Says which lines a payout that is being made pays for."""

    store: Store
    queries: Queries

    async def __call__(
        self,
        scope: Scope,
        settings: BalanceSettings,
        payout: Payout,
        changeset: ChangesetId,
        now: datetime,
    ) -> Outcome[Remitting, RemittanceRefusal]:
        """The lines that add up to what it takes from the balance (`Payout.total_minor`).

        Called inside the decision, whose commit saves the settings under the version that they were read with: so no
        two payouts pay for the same line. Refused as `Attributing.attributed` refuses. `LinesMissing` says that the
        balance is less than the total; if it is not, the books are wrong, and that is an ``AssertionError``.
        """
        made = await self._attributed(scope, settings, payout, changeset, now)
        for _ in range(LOOKS_MAX):
            if not _lines_missing(made):
                return made
            before = await self.store.books(scope)
            if _balance_minor(before) < payout.total_minor:
                return made
            made = await self._attributed(scope, settings, payout, changeset, now)
            if _lines_missing(made) and await self.store.books(scope) == before:
                message = (
                    f"the lines that no payout of {scope.merchant} has paid for fall short of its balance"
                )
                raise AssertionError(message)
        return made

    async def _attributed(
        self,
        scope: Scope,
        settings: BalanceSettings,
        payout: Payout,
        changeset: ChangesetId,
        now: datetime,
    ) -> Outcome[Remitting, RemittanceRefusal]:
        """Reads no further than the total reaches."""
        remitted = settings.remitted
        pages = await asyncio.gather(*(self.store.remittance(scope, id) for id in remitted.recent))
        recent = [page for page in pages if page is not None]
        assert len(recent) == len(pages), "a remittance that the settings name is not there"
        attributing = Attributing(remitted, recent, total_minor=payout.total_minor, at=now)
        after, more = remitted.closed, True
        while more:
            lines = await self.queries.payable_lines(scope, after, LINES_READ_MAX)
            more = attributing.take(lines) and len(lines) == LINES_READ_MAX
            after = lines[-1].movement if lines else after
        outcome = attributing.attributed(payout.id, changeset)
        if isinstance(outcome, Failure):
            return outcome
        made = outcome.unwrap()
        return Success(Remitting(evolve(settings, remitted=made.remitted), made.pages))


def _lines_missing(made: Outcome[Remitting, RemittanceRefusal]) -> bool:
    return isinstance(made, Failure) and isinstance(made.failure(), LinesMissing)


def _balance_minor(books: Mapping[AccountId, Balances]) -> int:
    """What was posted to the accounts that are the merchant's balance."""
    return sum(
        balances.credits_posted - balances.debits_posted
        for account, balances in books.items()
        if bucket_of(account.code) in BALANCE_BUCKETS
    )
