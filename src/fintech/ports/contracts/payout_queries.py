"""The promise of `Queries` about payouts, what they pay for, and where they go."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from random import Random
from typing import Any, Final

from fintech.domain.bank_accounts import AccountDetails, BankAccount, new_bank_account
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId, PayoutId
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.scope import Scope
from fintech.ports.contracts.paging import Expected, check
from fintech.ports.contracts.paying_out import pages_of, pay_out
from fintech.ports.contracts.seasons import Season
from fintech.ports.queries import Page, Queries

_OVER: Final = (PayoutStatus.PAID, PayoutStatus.FAILED)


class PayoutQueriesContract:
    """A part of `QueriesContract`, which has its fixtures."""

    async def test_payouts_by_status_and_destination(
        self, queries: Queries, season: Season, chance: Random, advance: Callable[[timedelta], None]
    ) -> None:
        scope, accounts = season.story.scope, [season.story.ids.new(BankAccountId) for _ in range(2)]
        await season.pay(50_000)
        await season.settle()
        for number in range(12):
            advance(timedelta(hours=1))
            payout = await pay_out(season, 100 + number, accounts[number % 3 == 0])
            if number % 2:
                ended = evolve(payout, status=chance.choice(_OVER))
                await season.commit((ended, EventType.PAYOUT_UPDATED))
        payouts = season.all(Payout)[::-1]
        for statuses, destination in product(((), _OVER), (None, accounts[0])):
            wanted = [
                each
                for each in payouts
                if (not statuses or each.status in statuses) and destination in (None, each.destination)
            ]
            expected: Expected = [(each.id, each.created_at) for each in wanted]
            read = _payouts(queries, scope, statuses, destination)
            await check(chance, read, lambda payout: str(payout.id), expected)
            assert list((await read(Page(limit=100))).items) == wanted

    async def test_what_a_payout_pays_for(self, queries: Queries, season: Season) -> None:
        await season.pay(50_000)
        await season.settle()
        payouts = [await pay_out(season, amount) for amount in (20_000, 1)]
        scope, elsewhere = season.story.scope, Scope(season.story.merchant.id, livemode=True)
        for payout in payouts:
            pages = list(await queries.remittances(scope, payout.id))
            assert pages == pages_of(season, payout)
            assert sum(page.total_minor for page in pages) == payout.amount_minor
            assert list(await queries.remittances(elsewhere, payout.id)) == []
        assert list(await queries.remittances(scope, season.story.ids.new(PayoutId))) == []

    async def test_bank_accounts_that_are_not_removed(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        for number in range(8):
            made = new_bank_account(
                id=season.story.ids.new(BankAccountId),
                details=AccountDetails(holder="Contract & Sons", bsb="000000", number=f"00012345{number}"),
                fingerprint=f"fingerprint {number}",
                currency=season.story.books.currency,
                at=season.now,
            )
            await season.commit((made, EventType.BANK_ACCOUNT_CREATED))
            if number % 3 == 0:
                gone = evolve(season.aggregates[made.id], removed_at=season.now)
                await season.commit((gone, EventType.BANK_ACCOUNT_DELETED))
        kept = [each for each in season.all(BankAccount)[::-1] if each.removed_at is None]
        expected: Expected = [(each.id, each.created_at) for each in kept]
        scope = season.story.scope
        await check(
            chance, lambda page: queries.bank_accounts(scope, page), lambda each: str(each.id), expected
        )
        assert list((await queries.bank_accounts(scope, Page(limit=100))).items) == kept


def _payouts(
    queries: Queries, scope: Scope, statuses: tuple[PayoutStatus, ...], destination: BankAccountId | None
) -> Any:
    return lambda page: queries.payouts(scope, page, statuses, destination)
